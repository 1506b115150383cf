// HTLCs that wait for a release, their next channel, a client, our chain, or room in the next channel; and their
// deadlines.
//
// Released HTLCs queue for their next channel in the order of their releases. If the channel is full, the queue waits
// until HTLCs have left it, and then continues. Each HTLC waits until its own deadline.
#pragma once

#include "effects/words.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
/// At startup: sets the times and turns, which are not durable.
void forwards_started(Work& work);
/// Fails HTLCs that are not offered yet and whose deadline has come, or whose incoming channel is on chain.
void end_parked_forwards(Work& work);
/// The same for one incoming channel, if it is on chain.
void end_forwards_from(Work& work, const ChannelId& channel);
void forward_deadlines(Work& work);
/// Offers HTLCs from this channel, whose funding is back in the chain.
void retry_forwards_from(Work& work, const ChannelId& channel);
/// Offers what waits for this channel, or for all channels.
void retry_forwards(Work& work, const ChannelId& next_channel);
void retry_all_forwards(Work& work);
/// A released HTLC is offered, or queues for room in its channel.
void forward_released(Work& work, Forward& forward);
/// Whether the same HTLC may be accepted later.
[[nodiscard]] bool waits_for_room(AddRefusal refusal);
/// The next channel refused this HTLC for lack of room.
void wait_for_room(Work& work, const Forward& forward, AddRefusal refusal);
/// Offers the first HTLC in the channel's queue behind this turn.
void offer_next(Work& work, const ChannelId& channel, std::uint64_t turn);

}  // namespace doze::forwarding
