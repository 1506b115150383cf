// The search behind find_route: Dijkstra from the destination backwards. Private to this room.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "graph/pathfind.h"

namespace doze::graph {

/// An HTLC behind the entry of a tail: arrives at `node_id` over `scid`.
struct TailHop {
  NodeId node_id;
  ShortChannelId scid;
  Msat amount;
  CltvExpiry cltv_expiry;
};

/// What lies behind the graph's last node: nothing, a blinded path, or a route hint. Route to `entry`, which must
/// receive `amount` with `cltv_expiry`.
struct Tail {
  NodeId entry;
  Msat amount;
  CltvExpiry cltv_expiry;
  std::vector<TailHop> hops;           // ordinary hops of a route hint, behind `entry`
  std::optional<std::size_t> blinded;  // index of the blinded path
};

struct Limits {
  Msat max_amount;             // of our own HTLC
  CltvExpiry max_cltv_expiry;  // of our own HTLC
  std::size_t max_hops = 0;
  bool ignore_balance = false;
};

class Search {
 public:
  Search(const Graph& graph, const RouteRequest& request, const std::vector<Tail>& tails);
  /// Those that the request asks for.
  [[nodiscard]] const Limits& limits() const { return limits_; }
  /// The cheapest route within the limits that `labels` labels per node can find by looking at `most_looks` directions
  /// of channels and those of one node more.
  [[nodiscard]] std::optional<Route> run(const Limits& limits, std::size_t labels, std::size_t most_looks = SIZE_MAX);
  /// Of the last run.
  [[nodiscard]] std::size_t looks() const { return looks_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // What one partial route from a node to the destination needs: the HTLC that has to arrive at `node`.
  struct Label {
    std::uint64_t cost = 0;
    Msat amount;
    std::uint32_t cltv_expiry = 0;
    std::uint32_t hops = 0;  // ordinary payloads from `node` on
    NodeIndex node = 0;
    std::uint32_t next = kNone;  // label of the next node; kNone at an entry
    std::uint32_t tail = 0;
    ShortChannelId scid;          // channel from `node` to the next node
    std::uint32_t older = kNone;  // the label settled before at this node
  };
  struct Waiting {
    std::uint64_t cost;
    std::uint32_t hops;
    ShortChannelId scid;
    std::uint32_t label;
  };
  struct LocalHop {
    std::size_t channel;
    const LocalChannel* local;
    Msat spendable;  // what `avoid` leaves of it
  };

  NodeIndex index(const NodeId& id);
  void start(std::uint32_t tail);
  void expand(std::uint32_t at);
  void push(const Label& label);
  [[nodiscard]] bool settle(std::uint32_t at);
  [[nodiscard]] bool avoided(const InEdge& edge, Msat amount) const;
  [[nodiscard]] std::uint64_t delay_risk(std::uint64_t blocks) const;
  [[nodiscard]] std::uint64_t hop_risk(Msat amount, std::uint64_t htlc_maximum_msat) const;
  [[nodiscard]] const LocalHop* first_hop(const Label& label) const;
  [[nodiscard]] Route build(const Label& first, const LocalHop& hop) const;

  const Graph& graph_;
  const RouteRequest& request_;
  const std::vector<Tail>& tails_;
  Limits limits_;
  std::map<NodeId, NodeIndex> outside_;               // nodes that the graph does not know
  std::map<NodeIndex, std::vector<LocalHop>> local_;  // our channels by peer
  std::vector<bool> blocked_;                         // ourselves, avoided nodes, nodes with unknown features
  std::vector<bool> local_peer_;
  std::map<std::pair<ShortChannelId, std::uint8_t>, Msat> avoid_;
  std::uint64_t hop_cost_ = 0, block_cost_ = 0;  // block_cost_ in 1/1024 msat

  // Of one run.
  Limits now_;
  std::size_t labels_max_ = 1, looks_ = 0;
  std::vector<Label> labels_;
  std::vector<Waiting> heap_;
  struct NodeState {
    std::uint64_t best = UINT64_MAX;
    std::uint32_t settled = kNone, count = 0;
  };
  std::vector<NodeState> states_;
};

}  // namespace doze::graph
