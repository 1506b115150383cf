// What the peer that offered an HTLC is told when it fails.
#pragma once

#include "effects/words.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
/// Fails the incoming HTLC with a code of ours, in the way that its place in a blinded path allows.
void fail_upstream(Work& work, const Forward& forward, std::uint16_t code);
/// Passes on what came back from downstream.
void fail_upstream(Work& work, const Forward& forward, const FailReason& reason);

}  // namespace doze::forwarding
