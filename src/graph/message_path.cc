#include <algorithm>
#include <deque>

#include "graph/known_features.h"
#include "graph/pathfind.h"

namespace doze::graph {
namespace {

struct Found {
  NodeId next;
  std::size_t length = 0;  // nodes from here to the destination, both counted
};

}  // namespace

const char* name(MessagePathFailure failure) {
  switch (failure) {
    case MessagePathFailure::NoPeers:
      return "no connected peer with onion messages";
    case MessagePathFailure::DestinationUnknown:
      return "destination unknown";
    case MessagePathFailure::NoPath:
      return "no path of nodes with onion messages";
    case MessagePathFailure::TooLong:
      return "path too long";
  }
  return "?";
}

// Breadth first from the destination. A channel is taken for a connection if either side has it enabled.
Result<std::vector<NodeId>, MessagePathFailure> find_message_path(const Graph& graph, const NodeId& local_node_id,
                                                                  const std::set<NodeId>& connected,
                                                                  const NodeId& destination, std::size_t max_hops) {
  if (connected.empty()) return fail(MessagePathFailure::NoPeers);
  if (connected.contains(destination)) return std::vector<NodeId>{destination};
  if (destination == local_node_id || graph.node(destination) == nullptr) {
    return fail(MessagePathFailure::DestinationUnknown);
  }
  std::map<NodeId, Found> found{{destination, {destination, 1}}};
  std::deque<NodeId> queue{destination};
  while (!queue.empty()) {
    auto at = queue.front();
    queue.pop_front();
    auto length = found.at(at).length;
    std::set<NodeId> neighbours;
    for (auto scid : graph.node(at)->channels) {
      const auto& channel = *graph.channel(scid);
      auto enabled = [](const std::optional<Direction>& direction) { return direction && direction->enabled; };
      if (channel.spent_at || !(enabled(channel.directions[0]) || enabled(channel.directions[1]))) continue;
      neighbours.insert(at == channel.node_1 ? channel.node_2 : channel.node_1);
    }
    for (const auto& neighbour : neighbours) {
      bool peer = connected.contains(neighbour);
      if (neighbour == local_node_id || found.contains(neighbour)) continue;
      const auto& announced = graph.node(neighbour)->announced;
      if (!peer && !(announced && supports_onion_messages(announced->features))) continue;
      found.emplace(neighbour, Found{at, length + 1});
      if (!peer) {
        queue.push_back(neighbour);
        continue;
      }
      if (length + 1 > max_hops) return fail(MessagePathFailure::TooLong);
      std::vector<NodeId> path{neighbour};
      while (path.back() != destination) path.push_back(found.at(path.back()).next);
      return path;
    }
  }
  return fail(MessagePathFailure::NoPath);
}

}  // namespace doze::graph
