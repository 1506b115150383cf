// Which outputs each channel has the chain driver watch.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// The funding output, also while it is spent: a reorganisation may bring another spend. Outputs on chain that are ours
/// or may be. Nothing of a channel that is over; of one that an older version let close, what it kept of its outputs.
[[nodiscard]] std::vector<Outpoint> outputs_to_watch(const Channel& channel);
/// Tells the driver what changed since it was told last: at the end of each step for the channels that it touched, and
/// between two transactions of a block.
void watch(Work& work, Channel& channel);
/// The channel is about to be forgotten.
void unwatch(Work& work, Channel& channel);

}  // namespace doze::channel
