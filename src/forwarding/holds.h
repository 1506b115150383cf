// The hold ledger: what may be held, and what ends a hold: a release, its deadline (waits.h), or the operator.
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
/// Everything that must be right before an HTLC is held.
[[nodiscard]] std::optional<CannotForward> check_hold(Work& work, const Forward& forward);
/// A release over one of our release paths. Over any other path it is nothing to this room.
void on_release_held_htlc(Work& work, const OnionMessageReceived& word);
/// It was released early, and then it is nothing to forward: nobody would ever look at the row again.
void forget_early(Work& work, const HtlcKey& key);
/// The HTLC of an early release must come within kEarlyLifeS.
void early_deadlines(Work& work);
/// Those whose HTLC is not in its channel any more.
void early_started(Work& work);
void fail_hold(Work& work, RequestId request, const command::FailHold& command);

}  // namespace doze::forwarding
