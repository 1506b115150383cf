// Connections come and go: channel_reestablish and retransmission. BOLT 2, "Message Retransmission".
#pragma once

#include "channel/state.h"

namespace doze::channel {

void reconnect(Work& work, Channel& channel);
void disconnect(Work& work, Channel& channel);
/// The first one in a connection; later ones say nothing new.
void take_reestablish(Work& work, Channel& channel, const wire::ChannelReestablish& message);

}  // namespace doze::channel
