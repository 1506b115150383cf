// Finds a route for one payment HTLC, and one for an onion message. Pure functions of the graph and the request.
//
// Amounts and expiries are exact and computed from the destination backwards, as BOLT 7, "HTLC Fees", wants: a node is
// paid for what it forwards, never for what it receives; our own channel charges nothing.
// Cost of a route = its fees + a risk term per hop (they fail) + one per block of delay (money is locked) + one for
// using much of a channel. Ties are broken by fewer hops, then by the smaller scid, so equal inputs give equal routes.
// The first pass keeps one label a node (about a millisecond on mainnet). Only if that misses the limits, a second pass
// keeps up to kMaxLabels undominated ones, because the cheapest route to a node may be too long, expensive or slow.
#pragma once

#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "graph/graph.h"
#include "wire/blinded_path.h"

namespace doze::graph {

/// Labels per node in the second pass, and directions of channels that it looks at in all: mainnet has 66,000, of which
/// the first pass sees each once at most, in some 4 ms. The cheapest labels come first, so what is cut off is dear. A
/// search that fails takes 40 ms, most of it here.
inline constexpr std::size_t kMaxLabels = 8, kMaxSecondLooks = 400'000;
/// BOLT 4's 1300 bytes hold at most this many ordinary hops; the caller may allow fewer (see RouteRequest::max_hops).
inline constexpr std::size_t kMaxRouteHops = 20;
/// Each hop of an onion message wraps all later ones: longer routes are fragile and large.
inline constexpr std::size_t kMaxMessageHops = 8;

/// One of our own channels that can send now.
struct LocalChannel {
  ChannelId channel_id;
  ShortChannelId scid;  // real scid or alias: names the channel in `only_channels` and `avoid`
  NodeId peer;
  Msat spendable;        // largest HTLC that we can offer now
  Msat htlc_minimum{0};  // the peer accepts no smaller HTLC
};

/// A blinded payment path. If its introduction node is ourselves the caller unwraps our hop first and names the next
/// node here (the payinfo may stay, it then pays a little more than needed).
struct BlindedDestination {
  wire::IntroductionNode introduction;
  wire::BlindedPayInfo payinfo;
};
/// One hop of a BOLT 11 route hint: `node_id` forwards over `scid` to the next one or to the payee.
struct HintHop {
  NodeId node_id;
  ShortChannelId scid;
  Msat fee_base;
  std::uint32_t fee_proportional_millionths = 0;
  CltvDelta cltv_expiry_delta;
};
struct PlainDestination {
  NodeId node_id;
  std::vector<std::vector<HintHop>> route_hints;  // routes to the node besides those of the graph
};

/// Do not use this direction for `at_least` or more: Msat(0) excludes it. `direction`: 0 from the lesser node id.
struct Avoid {
  ShortChannelId scid;
  std::uint8_t direction = 0;
  Msat at_least{0};
};

struct RiskWeights {
  Msat hop{1000};                       // per forwarding node
  std::uint32_t hop_ppm = 100;          // of the amount, per forwarding node
  std::uint32_t block_ppb = 2'000;      // of the amount, per block of delay: about 10 % a year
  std::uint32_t liquidity_ppm = 1'000;  // of the amount, times amount / largest HTLC of the direction
};

struct RouteRequest {
  NodeId local_node_id;
  std::vector<LocalChannel> channels;
  /// The first hop must be one of these, for example those whose peer holds; nullopt: any.
  std::optional<std::set<ShortChannelId>> only_channels;
  std::variant<std::vector<BlindedDestination>, PlainDestination> destination;
  Msat amount;                           // what the recipient gets
  CltvExpiry final_cltv_expiry;          // outgoing_cltv_value of the recipient's payload; payinfo deltas come on top
  Msat max_fee;                          // whole fee, that of a blinded path included
  CltvExpiry max_cltv_expiry;            // of our own HTLC
  std::size_t max_hops = kMaxRouteHops;  // ordinary payloads: the room in the onion besides the blinded tail
  std::vector<Avoid> avoid;
  std::set<NodeId> avoid_nodes;  // never forward through these
  RiskWeights risk;
};

/// A node that gets a payload of ours. The last one is the payee or the introduction node.
struct RouteHop {
  NodeId node_id;
  ShortChannelId incoming;  // channel over which its HTLC arrives; LocalChannel::scid for the first
  Msat amount_msat;         // of the HTLC that arrives
  CltvExpiry cltv_expiry;   // of the HTLC that arrives
  /// For its payload (BOLT 4). At the last hop short_channel_id is nullopt and the other two are the recipient's: with
  /// a blinded destination they belong into the payload of the final blinded hop.
  std::optional<ShortChannelId> short_channel_id;
  Msat amt_to_forward;
  CltvExpiry outgoing_cltv_value;
  friend bool operator==(const RouteHop&, const RouteHop&) = default;
};

struct Route {
  std::size_t channel = 0;             // index into RouteRequest::channels
  std::optional<std::size_t> blinded;  // index into the blinded destinations
  std::vector<RouteHop> hops;          // at least one; hops[0].node_id is the channel's peer
  Msat amount_msat;                    // of our update_add_htlc: hops[0].amount_msat
  CltvExpiry cltv_expiry;              // of our update_add_htlc
  Msat fee;                            // amount_msat - RouteRequest::amount
  friend bool operator==(const Route&, const Route&) = default;
};

enum class RouteFailureCode : std::uint8_t {
  NoUsableChannel,      // no channel given, or none allowed by only_channels
  InsufficientBalance,  // msat: the HTLC needed at least, the most that one allowed channel can send
  DestinationUnknown,   // no introduction node could be resolved; or we are the payee
  IntroductionIsUs,     // the only blinded paths start at ourselves: unwrap our hop first
  DestinationFeatures,  // payinfo features or introduction node with unknown even bits
  AmountBelowMinimum,   // msat: least htlc_minimum_msat of the blinded paths, amount
  AmountAboveMaximum,   // msat: amount, largest htlc_maximum_msat of the blinded paths
  FeeTooHigh,           // msat: fee of the best route, max_fee
  CltvTooFar,           // heights: expiry needed, max_cltv_expiry
  TooManyHops,          // hops needed, max_hops
  NoPath,
};
[[nodiscard]] const char* name(RouteFailureCode code);

struct RouteFailure {
  RouteFailureCode code;
  std::uint64_t needed = 0;
  std::uint64_t available = 0;
  friend bool operator==(const RouteFailure&, const RouteFailure&) = default;
};
/// "fee too high: 1200 msat needed, 1000 msat allowed"
[[nodiscard]] std::string describe(const RouteFailure& failure);

/// `amount` must be money (is_money) and above zero: aborts otherwise.
[[nodiscard]] Result<Route, RouteFailure> find_route(const Graph& graph, const RouteRequest& request);

/// fee_base + amount * ppm / 1000000, rounded down. BOLT 7, "HTLC Fees". nullopt beyond 64 bits.
[[nodiscard]] std::optional<Msat> forwarding_fee(Msat amount, Msat fee_base, std::uint32_t fee_proportional_millionths);

// ---- onion messages ----
enum class MessagePathFailure : std::uint8_t {
  NoPeers,             // `connected` is empty
  DestinationUnknown,  // not connected, and no channel of it is known
  NoPath,
  TooLong,  // there is a route, but it is longer than max_hops
};
[[nodiscard]] const char* name(MessagePathFailure failure);

/// The shortest routes for onion messages from us to every node, found in one pass over the graph: a sender of many
/// messages uses one tree. A route: [connected peer, ..., destination] over channels between nodes that announced
/// onion_messages (BOLT 9, 38/39). The destination itself need not have announced it. Ties: the smaller node id nearest
/// to the destination.
class MessageTree {
 public:
  /// `connected`: peers whose init had the bit.
  MessageTree(const Graph& graph, const NodeId& local_node_id, std::set<NodeId> connected);
  /// `graph`: the same one, changed since then perhaps; a route that no longer exists is NoPath. Only [destination] if
  /// it is connected.
  [[nodiscard]] Result<std::vector<NodeId>, MessagePathFailure> way_to(const Graph& graph, const NodeId& destination,
                                                                       std::size_t max_hops = kMaxMessageHops) const;
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] const std::set<NodeId>& connected() const { return connected_; }

 private:
  struct Reached {
    NodeIndex before = 0;     // the node before it on the route; itself if it is connected
    std::uint16_t nodes = 0;  // on the route, both ends counted; 0: not reached
  };
  NodeId local_node_id_;
  std::set<NodeId> connected_;
  std::uint64_t version_ = 0;
  std::vector<Reached> reached_;  // by NodeIndex
};

/// One route from a tree of its own: costs one pass over the graph.
[[nodiscard]] Result<std::vector<NodeId>, MessagePathFailure> find_message_path(const Graph& graph,
                                                                                const NodeId& local_node_id,
                                                                                const std::set<NodeId>& connected,
                                                                                const NodeId& destination,
                                                                                std::size_t max_hops = kMaxMessageHops);

}  // namespace doze::graph
