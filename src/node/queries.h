// The answer that no machine has: what the whole node looks like.
#pragma once

#include "node/state.h"

namespace doze::node {

[[nodiscard]] Value describe_node(const Node::Inside& node);

}  // namespace doze::node
