// What a channel that closed by force leaves on chain for us.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// What our commitment as it is would leave for us on chain: our balance, and HTLCs that we offered.
[[nodiscard]] std::vector<Unclaimed> unclaimed_of_ours(const Channel& channel);
/// The same of a transaction in a block that spent the funding output.
[[nodiscard]] std::vector<Unclaimed> unclaimed_in(const Channel& channel, const bitcoin::Transaction& spend);
[[nodiscard]] Sat sum(const std::vector<Unclaimed>& outputs);
/// Channels of before rows had closed_by: what their status says is worked out from what the row has.
void complete_old_row(Channel& channel);
/// What closing by force would cost, for an operator who has not said yes to it.
[[nodiscard]] CommandError cost_of_force(const Channel& channel);

}  // namespace doze::channel
