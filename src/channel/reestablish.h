// A connection begins or ends: channel_reestablish and retransmission. BOLT 2, "Message Retransmission".
#pragma once

#include "channel/state.h"

namespace doze::channel {

void reconnect(Work& work, Channel& channel);
void disconnect(Work& work, Channel& channel);
/// Handles the first channel_reestablish of a connection. Later ones are ignored.
void take_reestablish(Work& work, Channel& channel, const wire::ChannelReestablish& message);

}  // namespace doze::channel
