// HTLCs for others that wait: for their deadline, their channel, a client, our chain, or for room.
//
// Released ones queue for their channel in the order of their releases. A full channel refuses the first: the queue
// waits until HTLCs have gone, and goes on, up to the deadline of each.
#pragma once

#include "effects/words.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
/// At the start: who is awaited, and in which order.
void forwards_started(Work& work);
/// Held or waiting ones whose deadline has come, or whose own channel is gone.
void end_parked_forwards(Work& work);
/// Of this channel, if it is on chain.
void end_forwards_from(Work& work, const ChannelId& channel);
void forward_deadlines(Work& work);
/// Those from this channel, whose funding is back in the chain.
void retry_forwards_from(Work& work, const ChannelId& channel);
/// What waited for this channel, and for its chain.
void retry_forwards(Work& work, const ChannelId& next_channel);
void retry_all_forwards(Work& work);
/// It is offered, or queues for room in its channel.
void forward_released(Work& work, Forward& forward);
/// Whether there may be room later.
[[nodiscard]] bool waits_for_room(AddRefusal refusal);
/// The next channel was full for this one.
void wait_for_room(Work& work, const Forward& forward, AddRefusal refusal);
/// The first released one behind this turn.
void offer_next(Work& work, const ChannelId& channel, std::uint64_t turn);

}  // namespace doze::forwarding
