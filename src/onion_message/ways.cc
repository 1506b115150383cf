// The peers that our messages may use as relays.
#include <algorithm>

#include "onion_message/inside.h"

namespace doze::onion_message {

bool Work::has_channel_with(const NodeId& node) const {
  return context_.views.any_channel_with(
      node, [](const ChannelView& channel) { return channel.phase == ChannelPhase::Normal; });
}

std::vector<NodeId> Work::relaying_peers(bool with_channel) const {
  std::vector<NodeId> out;
  for (const auto& [node, view] : context_.views.peers)
    if (view.onion_messages() && (!with_channel || has_channel_with(node))) out.push_back(node);
  return out;
}

/// Searches the trees again after changes of graph or peers, but not too often: a message without a route in an old
/// tree is repeated by its sender.
void Work::refresh_ways() {
  if (std::exchange(ways_fresh_, true)) return;
  auto& ways = self_.ways;
  auto all = relaying_peers(false), own = relaying_peers(true);
  auto fits = [&](const std::optional<graph::MessageTree>& tree, const std::vector<NodeId>& peers) {
    return tree && tree->version() == context_.views.graph.version() &&
           std::equal(peers.begin(), peers.end(), tree->connected().begin(), tree->connected().end());
  };
  if (fits(ways.over_all, all) && fits(ways.over_channels, own)) return;
  auto from = std::max(ways.even, context_.mono);
  if (ways.over_all && from > after_ms(context_.mono, (kWaysBurst - 1) * kWaysEveryMs)) return;
  ways.even = after_ms(from, kWaysEveryMs);
  const auto& self = context_.signer.node_id();
  ways.over_channels.emplace(context_.views.graph, self, std::set<NodeId>(own.begin(), own.end()));
  ways.over_all.emplace(context_.views.graph, self, std::set<NodeId>(all.begin(), all.end()));
}

/// Peers with a channel first: others may relay only for their own peers.
std::vector<NodeId> Work::way_over_graph(const NodeId& introduction) {
  refresh_ways();
  for (const auto& tree : {&self_.ways.over_channels, &self_.ways.over_all}) {
    auto way = (*tree)->way_to(context_.views.graph, introduction);
    if (way && way->size() >= 2 && speaks_onion(way->front())) return *std::move(way);
  }
  return {};
}

/// A client lets its LSP dial nodes that it cannot reach: an LSP is announced, and the message does not name us.
std::vector<NodeId> Work::way_over_lsp(const Waiting& message) const {
  if (context_.config.role == Role::Server) return {};
  auto peers = relaying_peers(true);
  std::erase(peers, message.introduction);
  if (peers.empty()) return {};
  return {peers[message.attempt % peers.size()], message.introduction};
}

}  // namespace doze::onion_message
