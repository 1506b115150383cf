// The recipient's answers to held_htlc_available: durable, sent when a channel is usable, repeated, bounded.
//
// An announcement names no payment, so whether an HTLC has come says nothing about which reply path may stop: each one
// is answered six times. An LDK recipient answers once and was seen to lose a payment that way.
#include "effects/record_io.h"
#include "payment/inside.h"

namespace doze::payment {

namespace {
constexpr std::size_t kMaxAnswers = 1 + std::size(kReleaseRepeatMs);

bool can_be_paid(const Context& context) {
  for (const auto& [id, channel] : context.views.channels)
    if (channel.usable) return true;
  return false;
}

void erase(Work& work, std::map<Bytes, ReleaseDue>::iterator it) {
  work.say(Erase{Table::ReleaseDue, Writer().u64(it->second.sequence).take()});
  work.state.releases.erase(it);
}

void make_room(Work& work) {
  auto& releases = work.state.releases;
  if (releases.size() < kMaxReleasesDue) return;
  auto oldest = releases.begin();
  for (auto it = releases.begin(); it != releases.end(); ++it)
    if (it->second.sequence < oldest->second.sequence) oldest = it;
  erase(work, oldest);
}

void answer(Work& work, ReleaseDue& release) {
  Reader in(release.reply_path);
  auto path = wire::read_blinded_path(in);
  LN_ASSERT(path.has_value());  // it was read before it was stored
  work.say(SendOnionMessage{*std::move(path), onion::ReleaseHeldHtlc{release.profile}, std::nullopt, false, 0});
  auto done = release.answers++;
  if (done < std::size(kReleaseRepeatMs))
    release.next = after_ms(work.context.mono, kReleaseRepeatMs[done]);
  else
    release.next.reset();
  work.say(record(release));
}
}  // namespace

void on_held_htlc_available(Work& work, const OnionMessageReceived& word, Profile profile) {
  if (!word.path_id || !word.reply_path) return;
  auto data = open(work.context.signer, PathPurpose::HeldHtlcAvailable, *word.path_id);
  if (!data) return;
  Reader in(*data);
  UnixTime expiry(in.u64());
  if (!in.done() || work.context.wall > expiry) return;
  auto key = wire::to_bytes(*word.reply_path);
  auto& releases = work.state.releases;
  auto it = releases.find(key);
  if (it == releases.end()) {
    make_room(work);
    it = releases.emplace(key, ReleaseDue{key, profile, 0, work.state.next_release++, std::nullopt}).first;
    work.say(record(it->second));
  } else if (it->second.answers >= kMaxAnswers) {
    it->second.answers = kMaxAnswers - 1;  // a repeated announcement gets one more answer
  }
  work.notify(Severity::Info, "held_htlc_available", {{"from", word.from.hex()}});
  it->second.next = work.context.mono;
  send_due_releases(work, false);
}

/// `all`: whatever still has answers left, because we have just become payable.
void send_due_releases(Work& work, bool all) {
  if (!can_be_paid(work.context)) return;
  std::vector<Bytes> finished;
  for (auto& [key, release] : work.state.releases) {
    bool due = (release.next && *release.next <= work.context.mono) || (all && release.answers < kMaxAnswers);
    if (due) answer(work, release);
  }
}

}  // namespace doze::payment
