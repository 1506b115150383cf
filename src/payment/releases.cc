// An announcement names no payment, so whether an HTLC has come says nothing about which reply path may stop: each one
// is answered six times. An LDK recipient answers once, drops the answer if it cannot reach the holder just then, and
// was seen to lose payments both ways: here only an answer that has left counts.
#include "payment/releases.h"

#include <algorithm>

#include "effects/record_io.h"
#include "effects/tags.h"
#include "paths/own_paths.h"
#include "payment/records.h"
#include "payment/state.h"

namespace doze::payment {

namespace {
constexpr std::size_t kMaxAnswers = 1 + std::size(kReleaseRepeatMs);

/// The payer may come over any channel that the invoice names, and the invoice may name any: all open ones, or those
/// that came back in time. Against a chain that is not read to its end the HTLC could not be judged.
bool can_be_paid(const Work& work) {
  if (!work.context.views.chain_synced) return false;
  return work.context.views.channel_index.usable() != 0 && !work.state.all_usable_by;
}

void erase(Work& work, std::uint64_t sequence) {
  work.say(Erase{Table::ReleaseDue, Writer().u64(sequence).take()});
  work.state.release_tags.erase(work.state.releases.live(sequence)->tag);
  work.state.releases.erase(sequence);
}

/// Room for a reply path of this offer. False: all that there is, or all of this offer, still waits for its first
/// answer and can be delivered. Whoever came first has been told that it will be answered; nobody who comes later
/// drives it out.
bool make_room_for_release(Work& work, const OfferId& offer, std::size_t bytes) {
  for (;;) {
    const auto& index = work.state.releases.index();
    auto of = index.of.find(offer);
    bool offer_full = of != index.of.end() && of->second.size() >= kMaxReleasesPerOffer;
    bool full = index.by_use.size() >= kMaxReleasesDue || index.bytes + bytes > kMaxReleaseBytes;
    if (!full && !offer_full) return true;
    const auto& candidates = offer_full ? of->second : index.by_use;
    if (candidates.empty() || candidates.begin()->first == ReleaseIndex::Use::Waiting) return false;
    erase(work, candidates.begin()->second);
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

void answer(Work& work, ReleaseDue& release) {
  Reader in(release.reply_path);
  auto path = wire::read_blinded_path(in);
  LN_ASSERT(path.has_value());  // it was read before it was stored
  work.state.release_tags.erase(release.tag);
  release.tag = make_tag(TagOwner::Payment, work.state.next_tag++);
  work.state.release_tags.emplace(release.tag, release.sequence);
  release.next = after_ms(work.context.mono, kReleaseOutcomeWaitMs);
  work.say(SendOnionMessage{*std::move(path), onion::ReleaseHeldHtlc{release.profile}, std::nullopt, false, release.tag,
                            static_cast<std::uint32_t>(release.answers + release.failures)});
}

/// A channel has just come back: what would be due later, but not what has just left.
bool is_hastened(const Work& work, const ReleaseDue& release) {
  return !release.answered_at || after_ms(*release.answered_at, kReleaseQuietMs) <= work.context.mono;
}

/// Those whose time has come.
std::vector<std::uint64_t> due_now(Work& work) {
  std::vector<std::uint64_t> out;
  for (const auto& [time, sequence] : work.state.releases.index().due) {
    if (time > work.context.mono) break;
    out.push_back(sequence);
  }
  return out;
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
  auto path = wire::to_bytes(*word.reply_path);
  auto& state = work.state;
  const auto& known = state.releases.index().by_path;
  auto it = known.find(ReleaseIndex::path_of(path));
  auto* release = it == known.end() ? nullptr : state.releases.edit(it->second);
  if (release == nullptr) {
    if (path.size() > kMaxReleasePathBytes || !make_room_for_release(work, offer, path.size()))
      return work.notify(Severity::Debug, "held_htlc_available_refused",
                         {{"from", word.from.hex()}, {"reason", "no room for its reply path"}});
    ReleaseDue fresh;
    fresh.reply_path = std::move(path);
    fresh.profile = profile;
    fresh.offer_id = offer;
    fresh.sequence = state.next_release++;
    work.say(record(fresh));
    release = &state.releases.add(std::move(fresh));
  } else if (release->finished()) {
    release->answers = kMaxAnswers - 1;  // a repeated announcement gets one more answer
  }
  work.notify(Severity::Info, "held_htlc_available", {{"from", word.from.hex()}});
  if (release->tag == 0) release->next = work.context.mono;
  send_due_releases(work, false);
}

void send_due_releases(Work& work, bool all) {
  auto& releases = work.state.releases;
  auto due = due_now(work);
  if (!can_be_paid(work)) {
    for (auto sequence : due) {
      auto& release = *releases.edit(sequence);
      release.next.reset();  // at once when we can: no time to look at until then
      release.tag = 0;
    }
    return;
  }
  const auto& index = releases.index();
  due.insert(due.end(), index.waiting.begin(), index.waiting.end());
  if (all)
    for (auto sequence : index.later)
      if (const auto& release = *releases.live(sequence);
          *release.next > work.context.mono && is_hastened(work, release))
        due.push_back(sequence);
  std::sort(due.begin(), due.end(), [&](std::uint64_t a, std::uint64_t b) {
    return std::pair(releases.live(a)->answers != 0, a) < std::pair(releases.live(b)->answers != 0, b);
  });
  std::size_t answered = 0;
  for (auto sequence : due) {
    auto& release = *releases.edit(sequence);
    if (is_withdrawn(work, release.offer_id))
      erase(work, sequence);  // since it was announced
    else if (answered++ < kReleasesPerStep)
      answer(work, release);
    else
      release.next = after_ms(work.context.mono, 1);
  }
}

void release_outcome(Work& work, const OnionMessageOutcome& word) {
  auto tag = work.state.release_tags.find(word.tag);
  if (tag == work.state.release_tags.end()) return;
  auto* known = work.state.releases.edit(tag->second);
  work.state.release_tags.erase(tag);
  if (known == nullptr || known->tag != word.tag) return;
  auto& release = *known;
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
  const auto& channels = work.context.views.channel_index;
  bool one = channels.usable() != 0, all = channels.usable() == channels.normal();
  if (came && !all && !state.any_usable) state.all_usable_by = after_ms(work.context.mono, kAllChannelsWaitMs);
  bool over = state.all_usable_by && *state.all_usable_by <= work.context.mono;
  if (!one || all || over) state.all_usable_by.reset();
  state.any_usable = one;
}

}  // namespace doze::payment
