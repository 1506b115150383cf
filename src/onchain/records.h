// The rows of channels that close on chain: one per channel, under its id, and one per output, under the id and the
// outpoint.
#pragma once

#include <map>
#include <span>

#include "effects/records.h"
#include "onchain/close.h"

namespace doze::onchain {

/// All rows of one channel, by their keys in Table::Close.
[[nodiscard]] std::map<Bytes, Bytes> records(const ChannelId& id, const Close& close);
/// `rows`: all of Table::Close.
[[nodiscard]] Result<std::map<ChannelId, Close>, LoadError> read(std::span<const Row> rows);

}  // namespace doze::onchain
