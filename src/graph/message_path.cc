#include <algorithm>

#include "graph/pathfind.h"

namespace doze::graph {

const char* name(MessagePathFailure failure) {
  switch (failure) {
    case MessagePathFailure::NoPeers:
      return "no connected peer forwards onion messages";
    case MessagePathFailure::DestinationUnknown:
      return "destination unknown";
    case MessagePathFailure::NoPath:
      return "no path of nodes that forward onion messages";
    case MessagePathFailure::TooLong:
      return "path too long";
  }
  return "?";
}

// Breadth first from our peers, one generation after the other.
MessageTree::MessageTree(const Graph& graph, const NodeId& local_node_id, std::set<NodeId> connected)
    : local_node_id_(local_node_id),
      connected_(std::move(connected)),
      version_(graph.version()),
      reached_(graph.slot_count()) {
  auto local = graph.index_of(local_node_id);
  std::vector<NodeIndex> generation, next;
  for (const auto& peer : connected_)
    if (auto known = graph.index_of(peer); known && known != local) {
      reached_[*known] = {*known, 1};
      generation.push_back(*known);
    }
  for (std::uint16_t nodes = 2; !generation.empty() && nodes < UINT16_MAX; ++nodes) {
    next.clear();
    for (auto at : generation)
      for (const auto& link : graph.links_of(at)) {
        auto& there = reached_[link.other];
        if (link.other == local) continue;
        if (there.nodes == 0) {
          there = {at, nodes};
          if (graph.relays_messages(link.other)) next.push_back(link.other);
        } else if (there.nodes == nodes && graph.node_at(at).node_id < graph.node_at(there.before).node_id) {
          there.before = at;
        }
      }
    generation.swap(next);
  }
}

Result<std::vector<NodeId>, MessagePathFailure> MessageTree::way_to(const Graph& graph, const NodeId& destination,
                                                                    std::size_t max_hops) const {
  if (connected_.empty()) return fail(MessagePathFailure::NoPeers);
  if (connected_.contains(destination)) return std::vector<NodeId>{destination};
  auto at = graph.index_of(destination);
  if (destination == local_node_id_ || !at) return fail(MessagePathFailure::DestinationUnknown);
  if (*at >= reached_.size() || reached_[*at].nodes == 0) return fail(MessagePathFailure::NoPath);
  if (reached_[*at].nodes > max_hops) return fail(MessagePathFailure::TooLong);
  std::vector<NodeId> way;
  for (auto node = *at;; node = reached_[node].before) {
    if (graph.node_at(node).channels.empty()) return fail(MessagePathFailure::NoPath);  // it went meanwhile
    way.push_back(graph.node_at(node).node_id);
    if (reached_[node].nodes == 1) break;
  }
  std::reverse(way.begin(), way.end());
  if (!connected_.contains(way.front())) return fail(MessagePathFailure::NoPath);
  return way;
}

Result<std::vector<NodeId>, MessagePathFailure> find_message_path(const Graph& graph, const NodeId& local_node_id,
                                                                  const std::set<NodeId>& connected,
                                                                  const NodeId& destination, std::size_t max_hops) {
  return MessageTree(graph, local_node_id, connected).way_to(graph, destination, max_hops);
}

}  // namespace doze::graph
