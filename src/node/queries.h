// Answers that need no machine: what the whole node looks like, where a closing channel pays to.
#pragma once

#include "node/inside.h"

namespace doze::node {

[[nodiscard]] Value describe_node(const Node::Inside& node);
/// `closed`: also those that are over. A channel with outputs of ours that are unspent is never over.
[[nodiscard]] Value describe_channels(const Views& views, BlockHeight height, bool closed);
/// The address given, or the channel's own wallet script.
[[nodiscard]] Result<Bytes, CommandError> closing_script(const Node::Inside& node,
                                                         const command::CloseChannel& command);

}  // namespace doze::node
