// The node's own durable rows: Table::Meta, key "tail" (the last block hashes).
#pragma once

#include <deque>

#include "effects/records.h"
#include "node/node.h"

namespace doze::node {

[[nodiscard]] Put tail_record(const std::deque<Tip>& tail);
[[nodiscard]] Result<std::deque<Tip>, ParseError> read_tail(ByteView value);

}  // namespace doze::node
