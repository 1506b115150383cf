// Pongs: paid for from a budget per peer and one of all strangers, kept back from a peer that does not read.
#pragma once

#include "peer/state.h"

namespace doze::peer {

/// Its pong waits for the end of the step. False: too many wait, and the connection is closed.
bool on_ping(Work& work, Connection& connection, const wire::Ping& ping);
void hear(Work& work, const EndOfStep& in);

}  // namespace doze::peer
