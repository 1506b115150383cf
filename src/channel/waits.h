// Peers that are connected but do not answer lose their connection; the next one begins with channel_reestablish.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// At the end of a step: notes what the channel waits for, and since when.
void note_waiting(Work& work, Channel& channel);
/// Drops connections of peers that did not answer, force-closes channels that waited for days, and fails openings that
/// do not continue.
void end_waits(Work& work);
[[nodiscard]] std::optional<MonoTime> next_wait(const Channels::Inside& state);
/// Updates `lookup` after a change of this channel.
void note_lookup(Channels::Inside& state, const ChannelId& id);
void note_lookup(const Channels::Inside& state, const ChannelId& id, Lookup& lookup);

}  // namespace doze::channel
