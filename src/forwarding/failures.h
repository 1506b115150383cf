// Fails an HTLC towards the peer that offered it.
#pragma once

#include "effects/words.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
/// Fails the incoming HTLC with a code of our own. In a blinded path, our position decides the form (BlindedRole).
void fail_upstream(Work& work, const Forward& forward, std::uint16_t code);
/// Fails the incoming HTLC with the failure that came from downstream.
void fail_upstream(Work& work, const Forward& forward, const FailReason& reason);

}  // namespace doze::forwarding
