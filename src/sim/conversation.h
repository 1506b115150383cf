// A complete async payment between four nodes, written down: every message as it arrived, and all keys. The schema is
// that of vectors/async; other implementations read it message by message.
#pragma once

#include "effects/value.h"
#include "wire/numbers.h"

namespace doze::sim {

/// R joins M and gets an offer served, S pays while R sleeps, S sleeps, R wakes and claims, S wakes and sees it
/// settled. Gossip is left out. The same every time for one version of the nodes. Null if the payment did not settle.
[[nodiscard]] Value record_conversation(Profile profile);

}  // namespace doze::sim
