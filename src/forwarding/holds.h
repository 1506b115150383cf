// The hold ledger: which HTLCs may be held, and what ends a hold: a release, its deadline (waits.h), or the operator.
#pragma once

#include <optional>
#include <string>

#include "effects/words.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
struct CannotForward {  // [B4-fail-12]
  std::string why;
  std::uint16_t code = 0;
};
/// Why an HTLC cannot be held. nullopt: it can.
[[nodiscard]] std::optional<CannotForward> check_hold(Work& work, const Forward& forward);
/// A release over one of our release paths. Messages over other paths are ignored.
void on_release_held_htlc(Work& work, const OnionMessageReceived& word);
/// Erases the row of an early release, because the HTLC turned out not to be one to forward.
void forget_early(Work& work, const HtlcKey& key);
/// Erases early releases whose HTLC did not arrive within kEarlyLifeS.
void early_deadlines(Work& work);
/// At startup: erases early releases whose HTLC is no longer in its channel.
void early_started(Work& work);
void fail_hold(Work& work, RequestId request, const command::FailHold& command);

}  // namespace doze::forwarding
