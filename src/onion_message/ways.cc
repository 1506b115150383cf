#include "onion_message/ways.h"

#include <algorithm>

namespace doze::onion_message {

bool speaks_onion(const Work& work, const NodeId& node) {
  auto it = work.context.views.peers.find(node);
  return it != work.context.views.peers.end() && it->second.onion_messages();
}

bool has_channel_with(const Work& work, const NodeId& node) {
  return work.context.views.any_channel_with(
      node, [](const ChannelView& channel) { return channel.phase == ChannelPhase::Normal; });
}

std::vector<NodeId> relaying_peers(const Work& work, bool with_channel) {
  std::vector<NodeId> out;
  for (const auto& [node, view] : work.context.views.peers)
    if (view.onion_messages() && (!with_channel || has_channel_with(work, node))) out.push_back(node);
  return out;
}

namespace {
/// Searches the trees again after changes of graph or peers, but not too often: a message without a route in an old
/// tree is repeated by its sender.
void refresh_ways(Work& work) {
  if (std::exchange(work.ways_fresh, true)) return;
  auto& ways = work.state.ways;
  auto all = relaying_peers(work, false), own = relaying_peers(work, true);
  auto fits = [&](const std::optional<graph::MessageTree>& tree, const std::vector<NodeId>& peers) {
    return tree && tree->version() == work.context.views.graph.version() &&
           std::equal(peers.begin(), peers.end(), tree->connected().begin(), tree->connected().end());
  };
  if (fits(ways.over_all, all) && fits(ways.over_channels, own)) return;
  auto from = std::max(ways.even, work.context.mono);
  if (ways.over_all && from > after_ms(work.context.mono, (kWaysBurst - 1) * kWaysEveryMs)) return;
  ways.even = after_ms(from, kWaysEveryMs);
  const auto& self = work.context.signer.node_id();
  ways.over_channels.emplace(work.context.views.graph, self, std::set<NodeId>(own.begin(), own.end()));
  ways.over_all.emplace(work.context.views.graph, self, std::set<NodeId>(all.begin(), all.end()));
}
}  // namespace

/// Peers with a channel first: others may relay only for their own peers.
std::vector<NodeId> way_over_graph(Work& work, const NodeId& introduction) {
  refresh_ways(work);
  for (const auto& tree : {&work.state.ways.over_channels, &work.state.ways.over_all}) {
    auto way = (*tree)->way_to(work.context.views.graph, introduction);
    if (way && way->size() >= 2 && speaks_onion(work, way->front())) return *std::move(way);
  }
  return {};
}

/// A client lets its LSP dial nodes that it cannot reach: an LSP is announced, and the message does not name us.
std::vector<NodeId> way_over_lsp(const Work& work, const Waiting& message) {
  if (work.context.config.role == Role::Server) return {};
  auto peers = relaying_peers(work, true);
  std::erase(peers, message.introduction);
  if (peers.empty()) return {};
  return {peers[message.attempt % peers.size()], message.introduction};
}

}  // namespace doze::onion_message
