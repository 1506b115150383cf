// The log of HTLCs that a commitment of the peer's ever had: what a penalty needs if the peer publishes one of them
// after it was revoked. On disk alone, a row of 42 bytes per HTLC, under channel_id ‖ direction ‖ id; read when a
// revoked commitment is in a block, erased with the channel.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// HTLCs that our next signature puts into a commitment of the peer's for the first time: durable before it leaves.
/// Call it before commitment::sign. [B5-pen-02]
void log_htlcs(Work& work, const Channel& channel);
/// The log is read from its beginning, page by page: on_log_read.
void read_log(Work& work, const ChannelId& id);
/// The channel is over: its log goes, page by page. Those of several channels one after the other.
void erase_log(Work& work, const ChannelId& id);
void hear(Work& work, const RowsRead& in);

}  // namespace doze::channel
