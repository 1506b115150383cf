// What blocks and heights decide: a funding confirms or leaves the chain, a funding output is spent, an HTLC's deadline
// has passed. What follows a spent funding output: on_chain.h. BOLT 2 and 5.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// Transactions of one block. One that comes again changes nothing: see BlockHasMore.
void on_transactions(Work& work, const std::vector<BlockTransaction>& transactions, BlockHeight height);
void on_block_gone(Work& work, const BlockDisconnected& in);
/// The chain is read to its end. What waited for that happens now, and deadlines are checked. They are not checked in
/// on_transactions, because the chain driver reports blocks while it is behind its backend, and a height that is known
/// to be old decides nothing. BOLT 2, "`cltv_expiry_delta` Selection".
void on_synced(Work& work);
/// The funding can never confirm: ends the channel, and its coins are free.
void on(Work& work, const FundingRefused& word);

}  // namespace doze::channel
