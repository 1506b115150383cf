// The recipient's answers to held_htlc_available: durable, sent when it can be paid, repeated, bounded.
//
// An announcement names no payment, so whether an HTLC has come says nothing about which reply path may stop: each one
// is answered six times. An LDK recipient answers once, drops the answer if it cannot reach the holder just then, and
// was seen to lose payments both ways: here only an answer that has left counts.
#include <algorithm>

#include "effects/record_io.h"
#include "payment/inside.h"

namespace doze::payment {

namespace {
constexpr std::size_t kMaxAnswers = 1 + std::size(kReleaseRepeatMs);
using Due = std::map<Bytes, ReleaseDue>;

bool finished(const ReleaseDue& release) {
  return release.answers >= kMaxAnswers;
}

/// The payer may come over any channel that the invoice names, and the invoice may name any: all open ones, or those
/// that came back in time. Against a chain that is not read to its end the HTLC could not be judged.
bool can_be_paid(const Work& work) {
  if (!work.context.views.chain_synced) return false;
  const auto& channels = work.context.views.channels;
  bool one = std::any_of(channels.begin(), channels.end(), [](const auto& entry) { return entry.second.usable; });
  return one && !work.state.all_usable_by;
}

void erase(Work& work, Due::iterator it) {
  auto& state = work.state;
  work.say(Erase{Table::ReleaseDue, Writer().u64(it->second.sequence).take()});
  state.release_bytes -= it->first.size();
  if (auto of = state.releases_of.find(it->second.offer_id); --of->second == 0) state.releases_of.erase(of);
  state.release_tags.erase(it->second.tag);
  state.releases.erase(it);
}

/// What may be dropped for a newcomer, most useless first: what has been answered (once is enough, and those with all
/// their answers stay only so that a repeated announcement does not start anew), then what cannot be delivered.
enum class Use : std::uint8_t { Finished, Answered, Undeliverable, Waiting };
Use use_of(const ReleaseDue& release) {
  if (finished(release)) return Use::Finished;
  if (release.answers != 0) return Use::Answered;
  return release.failures != 0 ? Use::Undeliverable : Use::Waiting;
}

/// Room for a reply path of this offer. False: all that there is, or all of this offer, still waits for its first
/// answer and can be delivered. Whoever came first has been told that it will be answered; nobody who comes later
/// drives it out.
bool make_room_for_release(Work& work, const OfferId& offer, std::size_t bytes) {
  auto& state = work.state;
  for (;;) {
    auto of = state.releases_of.find(offer);
    bool offer_full = of != state.releases_of.end() && of->second >= kMaxReleasesPerOffer;
    bool full = state.releases.size() >= kMaxReleasesDue || state.release_bytes + bytes > kMaxReleaseBytes;
    if (!full && !offer_full) return true;
    auto least = state.releases.end();
    auto rank = [](const ReleaseDue& release) { return std::pair(use_of(release), release.sequence); };
    for (auto it = state.releases.begin(); it != state.releases.end(); ++it)
      if ((!offer_full || it->second.offer_id == offer) &&
          (least == state.releases.end() || rank(it->second) < rank(least->second)))
        least = it;
    if (least == state.releases.end() || use_of(least->second) == Use::Waiting) return false;
    erase(work, least);
  }
}

/// An offer that was withdrawn is not answered for: the payer's HTLC would come and be refused, and whoever asks would
/// learn that we are awake.
bool is_withdrawn(const Work& work, const OfferId& id) {
  const auto& offers = work.context.views.offers;
  if (!id.is_zero()) {
    auto it = offers.find(id);
    return it == offers.end() || it->second.disabled;
  }
  return std::none_of(offers.begin(), offers.end(),
                      [](const auto& entry) { return entry.second.async && !entry.second.disabled; });
}

void answer(Work& work, const Bytes& key, ReleaseDue& release) {
  Reader in(release.reply_path);
  auto path = wire::read_blinded_path(in);
  LN_ASSERT(path.has_value());  // it was read before it was stored
  work.state.release_tags.erase(release.tag);
  release.tag = make_tag(TagOwner::Payment, work.state.next_tag++);
  work.state.release_tags.emplace(release.tag, key);
  release.next = after_ms(work.context.mono, kReleaseOutcomeWaitMs);
  work.say(SendOnionMessage{*std::move(path), onion::ReleaseHeldHtlc{release.profile}, std::nullopt, false, release.tag,
                            static_cast<std::uint32_t>(release.answers + release.failures)});
}

bool is_due(const Work& work, const ReleaseDue& release, bool all) {
  auto now = work.context.mono;
  if (release.next && *release.next <= now) return true;
  if (finished(release) || release.tag != 0) return false;
  if (!release.next) return true;  // it waited for a channel
  return all && (!release.answered_at || after_ms(*release.answered_at, kReleaseQuietMs) <= now);
}
}  // namespace

void on_held_htlc_available(Work& work, const OnionMessageReceived& word, Profile profile) {
  if (!word.path_id || !word.reply_path) return;
  auto data = open(work.context.signer, PathPurpose::HeldHtlcAvailable, *word.path_id);
  if (!data) return;
  Reader in(*data);
  UnixTime expiry(in.u64());
  OfferId offer;
  if (in.remaining() != 0) offer.bytes = in.array<32>();
  if (!in.done() || work.context.wall > expiry || is_withdrawn(work, offer)) return;
  auto key = wire::to_bytes(*word.reply_path);
  auto& state = work.state;
  auto it = state.releases.find(key);
  if (it == state.releases.end()) {
    if (key.size() > kMaxReleasePathBytes || !make_room_for_release(work, offer, key.size()))
      return work.notify(Severity::Debug, "held_htlc_available_refused",
                         {{"from", word.from.hex()}, {"reason", "no room for its reply path"}});
    ReleaseDue release;
    release.reply_path = key;
    release.profile = profile;
    release.offer_id = offer;
    release.sequence = state.next_release++;
    state.release_bytes += key.size();
    ++state.releases_of[offer];
    it = state.releases.emplace(key, std::move(release)).first;
    work.say(record(it->second));
  } else if (finished(it->second)) {
    it->second.answers = kMaxAnswers - 1;  // a repeated announcement gets one more answer
  }
  work.notify(Severity::Info, "held_htlc_available", {{"from", word.from.hex()}});
  if (it->second.tag == 0) it->second.next = work.context.mono;
  send_due_releases(work, false);
}

void send_due_releases(Work& work, bool all) {
  bool can = can_be_paid(work);
  std::vector<std::pair<std::pair<bool, std::uint64_t>, Bytes>> due;  // answered, sequence; reply path
  for (auto& [key, release] : work.state.releases) {
    if (!can && release.next && *release.next <= work.context.mono) {
      release.next.reset();  // at once when we can: no time to look at until then
      release.tag = 0;
    }
    if (can && is_due(work, release, all)) due.push_back({{release.answers != 0, release.sequence}, key});
  }
  std::sort(due.begin(), due.end());
  std::size_t answered = 0;
  for (const auto& [order, key] : due) {
    auto it = work.state.releases.find(key);
    if (is_withdrawn(work, it->second.offer_id))
      erase(work, it);  // since it was announced
    else if (answered++ < kReleasesPerStep)
      answer(work, key, it->second);
    else
      it->second.next = after_ms(work.context.mono, 1);
  }
}

void release_outcome(Work& work, const OnionMessageOutcome& word) {
  auto tag = work.state.release_tags.find(word.tag);
  if (tag == work.state.release_tags.end()) return;
  auto it = work.state.releases.find(tag->second);
  work.state.release_tags.erase(tag);
  if (it == work.state.releases.end() || it->second.tag != word.tag) return;
  auto& release = it->second;
  release.tag = 0;
  if (word.fate == OnionMessageFate::Undeliverable) {
    auto step = std::min(release.failures++, std::size(kReleaseRepeatMs) - 1);
    release.next = after_ms(work.context.mono, kReleaseRepeatMs[step]);
    return;
  }
  release.failures = 0;
  release.answered_at = work.context.mono;
  auto done = release.answers++;
  if (done < std::size(kReleaseRepeatMs))
    release.next = after_ms(work.context.mono, kReleaseRepeatMs[done]);
  else
    release.next.reset();
  work.say(record(release));
}

void channels_changed(Work& work, bool came) {
  auto& state = work.state;
  bool one = false, all = true;
  for (const auto& [id, channel] : work.context.views.channels) {
    one = one || channel.usable;
    all = all && (channel.usable || channel.phase != ChannelPhase::Normal);
  }
  if (came && !all && !state.any_usable) state.all_usable_by = after_ms(work.context.mono, kAllChannelsWaitMs);
  bool over = state.all_usable_by && *state.all_usable_by <= work.context.mono;
  if (!one || all || over) state.all_usable_by.reset();
  state.any_usable = one;
}

}  // namespace doze::payment
