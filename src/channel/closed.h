// A channel that is over: how it ended, what it leaves on chain, and when its row goes.
#pragma once

#include "channel/state.h"

namespace doze::channel {

template <OneChannelMessage M>
void on(Work& /*work*/, Channel& /*channel*/, Closed& /*state*/, const M& /*message*/) {}  // nothing is left to say

/// Over: nothing of it is of interest to the protocol any more. Requests that wait for the end are answered.
void end(Work& work, Channel& channel, std::string how);
/// Those who asked for the end learn the transaction.
void answer_close(Work& work, Channel& channel, const Txid& txid, const char* how);
/// This version spends no output of a commitment: somebody else did.
void on_output_spent(Work& work, Channel& channel, std::uint32_t output);
/// The channel is over and its row can go: the peer never funded it.
void forget_unfunded(Work& work, const ChannelId& id, const char* how);
/// Of those that only the operator wants to see.
void forget_oldest_closed(Work& work);

}  // namespace doze::channel
