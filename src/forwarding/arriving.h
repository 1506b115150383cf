// What happens to each received HTLC: its onion is read; then it goes to payment, is held, waits, is offered to the
// next channel, or fails.
#pragma once

#include "effects/words.h"

namespace doze::forwarding {

struct Work;
void on(Work& work, const HtlcReceived& word);

}  // namespace doze::forwarding
