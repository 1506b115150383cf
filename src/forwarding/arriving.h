// Every received HTLC: its onion is read, and it goes to payment, is held, waits, is offered, or fails.
#pragma once

#include "effects/words.h"

namespace doze::forwarding {

struct Work;
void hear(Work& work, const HtlcReceived& word);

}  // namespace doze::forwarding
