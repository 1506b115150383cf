// The channel graph as a value: what verified announcements say about the network, and nothing else.
//
// Source: BOLT 7. The caller of a mutation has verified the signatures (verify.h), the chain_hash and, for a
// channel_announcement, the funding output: those need the world or cost time, ordering and consistency do not.
// Channels and nodes are held in ordered maps, so crafted ids cannot make look-ups slow. Copying copies everything.
// Memory: about 1.5 KiB per channel with both updates, most of it the raw messages that are kept for relaying.
// What is asked by time, by block or by state has an order of its own: no answer walks the whole graph.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/units.h"
#include "wire/messages.h"

namespace doze::graph {

/// Mainnet has about 50,000 announced channels. Each needs a funding output of its own, but test chains make them free.
inline constexpr std::size_t kMaxChannels = 400'000;
/// BOLT 7, "Pruning the Network View": two weeks.
inline constexpr std::uint64_t kStaleAfterS = 1'209'600;
/// BOLT 7: a spent channel is remembered for this many blocks, because it may have been spliced.
inline constexpr std::uint32_t kForgetSpentAfterBlocks = 72;

/// One direction of a channel, from its newest channel_update.
struct Direction {
  bool enabled = false;
  Msat fee_base;
  std::uint32_t fee_proportional_millionths = 0;
  CltvDelta cltv_expiry_delta;
  Msat htlc_minimum;
  Msat htlc_maximum;
  std::uint32_t timestamp = 0;
  Bytes raw;  // the whole message, type included
};

/// `direction` is 0 for what node_1 forwards to node_2, 1 for the opposite.
struct Channel {
  ShortChannelId scid;
  NodeId node_1, node_2;        // node_1 is the lesser
  std::optional<Sat> capacity;  // nullopt: the funding output was not looked up
  wire::FeatureBits features;
  UnixTime announced_at;  // when we learnt of it: replaces a missing update when pruning
  std::optional<BlockHeight> spent_at;
  std::array<std::optional<Direction>, 2> directions;
  Bytes raw;

  [[nodiscard]] const NodeId& node(std::uint8_t direction) const { return direction == 0 ? node_1 : node_2; }
  /// 0 or 1 if `from` is one of the two, nullopt otherwise.
  [[nodiscard]] std::optional<std::uint8_t> direction_from(const NodeId& from) const;
};

/// What a node_announcement said.
struct Announced {
  wire::FeatureBits features;
  std::uint32_t timestamp = 0;
  std::array<std::uint8_t, 3> rgb_color{};
  std::array<std::uint8_t, 32> alias{};  // foreign text, zero-padded: escape before showing
  std::vector<wire::NetworkAddress> addresses;
  Bytes raw;
};

struct Node {
  NodeId node_id;
  std::optional<Announced> announced;    // nullopt: known from its channels only
  std::vector<ShortChannelId> channels;  // ascending, at least one
};

enum class RefusalCode : std::uint8_t {
  ChannelKnown,       // the same channel with the same nodes is there
  ConflictingNodes,   // the same scid was announced with other nodes: somebody's keys leaked (BOLT 7: blacklist)
  NodesNotAscending,  // node_id_1 is not less than node_id_2
  GraphFull,          // numbers: kMaxChannels
  UnknownChannel,
  UnknownNode,           // no channel of it is known
  Stale,                 // numbers: timestamp held, timestamp offered
  SameTimestampDiffers,  // same timestamp, other contents (BOLT 7: may blacklist)
  SameTimestamp,         // the same again, or only the signature differs
};
[[nodiscard]] const char* name(RefusalCode code);

struct Refusal {
  RefusalCode code;
  std::uint64_t held = 0;     // what the graph has: timestamp or count
  std::uint64_t offered = 0;  // what came
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct ChannelAdded {
  ShortChannelId scid;
  std::vector<NodeId> new_nodes;  // those that this channel made known
};
struct UpdateApplied {
  ShortChannelId scid;
  std::uint8_t direction = 0;
  bool first = false;  // the first for this direction: BOLT 7 announces a channel with its first update
};
struct NodeApplied {
  NodeId node_id;
  bool first = false;
};
struct ChannelRemoved {
  ShortChannelId scid;
  Bytes raw;                       // its channel_announcement
  std::vector<NodeId> gone_nodes;  // had no other channel, so their announcements went as well
};

/// Position of a node in dense arrays: stable while the node stays, reused afterwards.
using NodeIndex = std::uint32_t;

/// A direction that can carry payments, kept with the node that it leads to. 48 bytes, for path finding only.
struct InEdge {
  ShortChannelId scid;
  std::uint64_t htlc_minimum_msat = 0;
  std::uint64_t htlc_maximum_msat = 0;  // the lesser of htlc_maximum_msat and the capacity
  std::uint32_t fee_base_msat = 0;
  std::uint32_t fee_proportional_millionths = 0;
  NodeIndex source = 0;
  std::uint16_t cltv_expiry_delta = 0;
  std::uint8_t direction = 0;
};

/// A channel that payments or onion messages may use, kept with both its ends.
struct Link {
  ShortChannelId scid;
  NodeIndex other = 0;
};

/// The position of a channel_update in the order of the timestamps.
struct UpdateTime {
  std::uint32_t timestamp = 0;
  ShortChannelId scid;
  std::uint8_t direction = 0;
  friend auto operator<=>(const UpdateTime&, const UpdateTime&) = default;
};
struct NodeTime {
  std::uint32_t timestamp = 0;
  NodeIndex node = 0;
  friend auto operator<=>(const NodeTime&, const NodeTime&) = default;
};

class Graph {
 public:
  // ---- mutations: what changed, or why nothing did ----
  /// `raw` is the whole message, type included, kept for relaying. Unknown even channel features do not refuse it: such
  /// a channel is kept but never routed through.
  [[nodiscard]] Result<ChannelAdded, Refusal> add_channel(const wire::ChannelAnnouncement& announcement, Bytes raw,
                                                          std::optional<Sat> capacity, UnixTime now);
  /// An htlc_maximum_msat below the minimum or above the capacity is not refused: the direction is not routed through.
  [[nodiscard]] Result<UpdateApplied, Refusal> apply(const wire::ChannelUpdate& update, Bytes raw);
  [[nodiscard]] Result<NodeApplied, Refusal> apply(const wire::NodeAnnouncement& announcement, Bytes raw);
  [[nodiscard]] Result<ChannelRemoved, Refusal> remove_channel(ShortChannelId scid);
  /// The funding output was spent. The channel stays in use until an update disables it or forget_spent takes it away,
  /// for it may have been spliced. BOLT 7, "Pruning the Network View".
  [[nodiscard]] Status<Refusal> mark_spent(ShortChannelId scid, BlockHeight height);
  /// A reorganisation took the spend back.
  [[nodiscard]] Status<Refusal> mark_unspent(ShortChannelId scid);
  /// Removes channels spent at least 72 blocks ago.
  [[nodiscard]] std::vector<ChannelRemoved> forget_spent(BlockHeight tip);
  /// Removes channels of which either direction had its last update (or, without one, the announcement) more than two
  /// weeks before `now`. `keep`: node whose channels stay (our own). `most`: remove at most this many.
  [[nodiscard]] std::vector<ChannelRemoved> prune_stale(UnixTime now, const std::optional<NodeId>& keep = std::nullopt,
                                                        std::size_t most = kMaxChannels);

  // ---- queries ----
  [[nodiscard]] const Channel* channel(ShortChannelId scid) const;
  [[nodiscard]] const Node* node(const NodeId& id) const;
  [[nodiscard]] const std::map<ShortChannelId, Channel>& channels() const { return channels_; }
  [[nodiscard]] std::size_t node_count() const { return index_.size(); }
  /// Channels spent at this height or above.
  [[nodiscard]] std::vector<ShortChannelId> spent_since(BlockHeight height) const;
  /// Every channel_update that is held, oldest first.
  [[nodiscard]] const std::set<UpdateTime>& update_times() const { return update_times_; }
  /// Every node_announcement that is held, oldest first.
  [[nodiscard]] const std::set<NodeTime>& node_times() const { return node_times_; }
  /// Every node in the order of the ids.
  template <class F>
  void for_each_node(F&& f) const {
    for (const auto& [id, index] : index_) f(slots_[index].node);
  }
  /// The node that a sciddir names (direction 0: node_1), or nullopt.
  [[nodiscard]] std::optional<NodeId> resolve(const wire::ScidDir& scid_dir) const;
  [[nodiscard]] std::optional<NodeId> resolve(const wire::IntroductionNode& introduction) const;

  // ---- dense view for path finding ----
  [[nodiscard]] std::optional<NodeIndex> index_of(const NodeId& id) const;
  /// All indexes are below this.
  [[nodiscard]] std::size_t slot_count() const { return slots_.size(); }
  [[nodiscard]] const Node& node_at(NodeIndex index) const { return slots_[index].node; }
  [[nodiscard]] std::span<const InEdge> edges_into(NodeIndex index) const { return slots_[index].in; }
  /// False if the node announced an even feature that we do not know: BOLT 7 forbids routing through it.
  [[nodiscard]] bool forwards(NodeIndex index) const { return slots_[index].forwards; }
  /// Whether the node announced onion_messages. BOLT 9, 38/39.
  [[nodiscard]] bool relays_messages(NodeIndex index) const { return slots_[index].relays_messages; }
  /// Channels of which either side is enabled.
  [[nodiscard]] std::span<const Link> links_of(NodeIndex index) const { return slots_[index].links; }
  /// Another number after each change of channels, of their state or of what nodes announce.
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  struct Slot {
    Node node;
    bool forwards = true;
    bool relays_messages = false;
    std::vector<InEdge> in;
    std::vector<Link> links;
  };
  NodeIndex intern(const NodeId& id, std::vector<NodeId>& new_nodes);
  void refresh_edges(const Channel& channel);
  void drop_edges(const Channel& channel);
  ChannelRemoved erase(std::map<ShortChannelId, Channel>::iterator at);
  /// Puts the channel into, or takes it out of, the orders by time and by height.
  void list(const Channel& channel);
  void unlist(const Channel& channel);

  std::map<ShortChannelId, Channel> channels_;
  std::map<NodeId, NodeIndex> index_;
  std::vector<Slot> slots_;
  std::vector<NodeIndex> free_;
  std::set<UpdateTime> update_times_;
  std::set<NodeTime> node_times_;
  std::set<std::pair<std::uint64_t, ShortChannelId>> half_known_;  // announced_at of those that lack an update
  std::set<std::pair<std::uint32_t, ShortChannelId>> spent_;       // by height
  std::uint64_t version_ = 0;
};

}  // namespace doze::graph
