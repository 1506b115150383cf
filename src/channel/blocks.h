// What blocks and heights decide. BOLT 5 as far as recognising goes: claiming comes later.
#pragma once

#include "channel/state.h"

namespace doze::channel {

void on_block(Work& work, const BlockConnected& in);
void on_block_gone(Work& work, const BlockDisconnected& in);
/// The chain is read to its end: what waited for that happens now, and what the height decides is decided. The chain
/// driver tells of blocks while it is behind its backend and says "synced" afterwards, so no deadline is looked at in
/// on_block: a height that is known to be stale decides nothing. BOLT 2, "`cltv_expiry_delta` Selection".
void on_synced(Work& work);
/// The backend takes the funding under no circumstances that we know of: its coins are free, the channel is over.
void hear(Work& work, const FundingRefused& word);

}  // namespace doze::channel
