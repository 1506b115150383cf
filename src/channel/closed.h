// A closed channel: how it ended, what it leaves on chain, and when its rows are erased.
#pragma once

#include "channel/state.h"

namespace doze::channel {

template <OneChannelMessage M>
void on(Work& /*work*/, Channel& /*channel*/, Closed& /*state*/, const M& /*message*/) {}  // no answer is due

/// Moves the channel to Closed, and answers requests that wait for it. `how`: one line for people.
void end(Work& work, Channel& channel, std::string how);
/// Answers requests to close the channel with the closing transaction.
void answer_close(Work& work, Channel& channel, const Txid& txid, const char* how);
/// An output in `unclaimed` was spent.
void on_output_spent(Work& work, Channel& channel, std::uint32_t output);
/// Ends a channel that the peer never funded, and erases its rows.
void forget_unfunded(Work& work, const ChannelId& id, const char* how);
/// Erases the oldest closed channels without money of ours, above kMaxClosedShown.
void forget_oldest_closed(Work& work);

}  // namespace doze::channel
