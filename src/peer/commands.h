// connect, disconnect, listpeers.
#pragma once

#include "peer/state.h"

namespace doze::peer {

void hear(Work& work, const CommandReceived& in);
/// The answer to Connect, when init was exchanged with the node.
void reply_connected(Work& work, RequestId request, const NodeId& node);

}  // namespace doze::peer
