// Messages from peers: for us, for a neighbour, or too many.
#pragma once

#include "onion_message/state.h"

namespace doze::onion_message {

void hear(Work& work, const MessageReceived& word);
/// The peer is connected: clients' messages that waited for it leave.
void send_onward(Work& work, const NodeId& ready);

}  // namespace doze::onion_message
