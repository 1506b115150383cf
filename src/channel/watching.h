// Which outputs each channel has the chain driver watch.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// The funding output until a block spends it; then those outputs of the closing transaction that are ours and
/// unspent.
[[nodiscard]] std::vector<Outpoint> outputs_to_watch(const Channel& channel);
/// Tells the driver what changed since it was told last: at the end of each step for the channels that it touched, and
/// between two transactions of a block.
void watch(Work& work, Channel& channel);
/// The channel is about to be forgotten.
void unwatch(Work& work, Channel& channel);

}  // namespace doze::channel
