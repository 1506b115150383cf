// Our money in a commitment: what a force close publishes, and what an older version left on chain.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// Outputs of our current commitment with our balance and with HTLCs that we offered.
[[nodiscard]] std::vector<Unclaimed> unclaimed_of_ours(const Channel& channel);
/// The same for the transaction in a block that spent the funding output.
[[nodiscard]] std::vector<Unclaimed> unclaimed_in(const Channel& channel, const bitcoin::Transaction& spend);
/// Our commitment as it is, or one of the peer's that may be published, if it has this txid.
[[nodiscard]] std::optional<bitcoin::Transaction> known_commitment(const Channel& channel, const Txid& id);
[[nodiscard]] Sat sum(const std::vector<Unclaimed>& outputs);
/// Fills closed_by and unclaimed of a row that an older version wrote without them.
void complete_old_row(Channel& channel);
/// The refusal of a force close without `yes`, with its sums and delay.
[[nodiscard]] CommandError cost_of_force(const Channel& channel);

}  // namespace doze::channel
