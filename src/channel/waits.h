// A peer that lives but does not answer: its connection is dropped, and the next one starts with channel_reestablish.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// At the end of a step: what the channel waits for now, and since when.
void note_waiting(Work& work, Channel& channel);
/// Peers that did not answer lose their connection, openings that stand still fail.
void end_waits(Work& work);
[[nodiscard]] std::optional<MonoTime> next_wait(const Channels::Inside& state);
/// `lookup` follows what a step did with this channel.
void note_lookup(Channels::Inside& state, const ChannelId& id);
void note_lookup(const Channels::Inside& state, const ChannelId& id, Lookup& lookup);

}  // namespace doze::channel
