// The recipient's answers to held_htlc_available: durable, sent when it can be paid, repeated, bounded.
#pragma once

#include <optional>

#include "effects/limits.h"
#include "effects/words.h"

namespace doze::payment {

/// A reply path that still gets answers.
struct ReleaseDue {
  Bytes reply_path;
  Profile profile = Profile::Ldk;
  std::uint32_t answers = 0;
  std::uint64_t sequence = 0;  // oldest first
  OfferId offer_id;            // zero: the announcement came over a path of 4887d87, which names no offer

  // Not durable.
  std::optional<MonoTime> next;  // the next answer; while one is on its way: when it counts as lost
  std::uint64_t tag = 0;         // of the answer on its way
  std::optional<MonoTime> answered_at;
  std::size_t failures = 0;  // answers in a row that could not be delivered

  [[nodiscard]] bool finished() const { return answers >= 1 + std::size(kReleaseRepeatMs); }
};

struct Work;
void on_held_htlc_available(Work& work, const OnionMessageReceived& word, Profile profile);
/// What is due is answered if we can be paid. `all`: also what would be due later, because a channel has just come
/// back.
void send_due_releases(Work& work, bool all);
void release_outcome(Work& work, const OnionMessageOutcome& word);
/// Some channel became usable (`came`), is not any more, or time has passed.
void channels_changed(Work& work, bool came);

}  // namespace doze::payment
