// The last block hashes, and how the chain is read. The node's own row: Table::Meta, key "tail".
#pragma once

#include <deque>

#include "effects/records.h"
#include "node/node.h"

namespace doze::node {

[[nodiscard]] Put tail_record(const std::deque<Tip>& tail);
[[nodiscard]] Result<std::deque<Tip>, ParseError> read_tail(ByteView value);

}  // namespace doze::node
