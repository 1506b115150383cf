// The peers that our messages may use as relays.
#pragma once

#include <vector>

#include "onion_message/state.h"

namespace doze::onion_message {

/// Connected, and it takes onion messages.
[[nodiscard]] bool speaks_onion(const Work& work, const NodeId& node);
[[nodiscard]] bool has_channel_with(const Work& work, const NodeId& node);
[[nodiscard]] std::vector<NodeId> relaying_peers(const Work& work, bool with_channel);
/// [peer, ..., introduction] with one relay at least; empty: none.
[[nodiscard]] std::vector<NodeId> way_over_graph(Work& work, const NodeId& introduction);
[[nodiscard]] std::vector<NodeId> way_over_lsp(const Work& work, const Waiting& message);

}  // namespace doze::onion_message
