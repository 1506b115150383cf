// What one machine may see of the others: const snapshots, which the corridor updates after each step.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/ids.h"
#include "base/on_disk.h"
#include "base/units.h"
#include "commitment/commitment_tx.h"
#include "graph/graph.h"
#include "offers/invoice_request.h"
#include "offers/offer.h"
#include "wire/features.h"
#include "wire/messages.h"

namespace doze {

enum class ChannelPhase : std::uint8_t {
  Opening = 0,  // before both channel_ready
  Normal = 1,
  Closing = 2,       // shutdown or closing_signed under way, or the closing transaction waits for its confirmation
  ForceClosing = 3,  // a commitment transaction was published or seen
  Closed = 4,
  OnChain = 5,  // a commitment transaction is in a block, and something of ours may be in its outputs
};
DOZE_ON_DISK(ChannelPhase, Opening, OnChain)
[[nodiscard]] const char* name(ChannelPhase phase);

/// Routing policy of one direction of a channel, from a channel_update.
struct ChannelPolicy {
  Msat fee_base;
  std::uint32_t fee_proportional_millionths = 0;
  CltvDelta cltv_expiry_delta;
  Msat htlc_minimum;
  Msat htlc_maximum;
  bool disabled = false;
};

struct ChannelView {
  ChannelId channel_id;
  NodeId peer;
  ChannelPhase phase = ChannelPhase::Opening;
  bool announced = false;                      // announce_channel was set
  bool usable = false;                         // Normal, connected and re-established: HTLCs can be added
  bool reorganised = false;                    // the funding left the chain and is not deep again: nothing is forwarded
  std::optional<ShortChannelId> scid;          // real one, once confirmed
  bool alias_only = false;                     // option_scid_alias: no onion may name it by its real scid
  std::optional<ShortChannelId> local_alias;   // ours: onions for us name this channel by it
  std::optional<ShortChannelId> remote_alias;  // the peer's: we use it in routes and paths through the peer
  Sat capacity;
  Msat local_balance, remote_balance;      // settled, without pending HTLCs
  Msat spendable;                          // largest HTLC that we could offer now
  Msat receivable;                         // largest HTLC that the peer could offer now, as far as we can tell
  Msat htlc_minimum_remote;                // the peer accepts no smaller HTLC
  std::size_t max_held_received = 0;       // half of our max_accepted_htlcs
  std::set<std::uint64_t> received_htlcs;  // live ones, proposed and committed, by htlc_id
  std::set<std::uint64_t> offered_htlcs;
  commitment::CommitmentFormat format = commitment::CommitmentFormat::StaticRemotekey;
  bool funder = false;
  std::optional<Outpoint> funding;
  FeeratePerKw feerate;
  std::string status;                         // one line for people: what the channel waits for, or why it closed
  std::uint32_t minimum_depth = 0;            // confirmations of the funding before channel_ready
  std::optional<Txid> closing_txid;           // agreed or published, or seen in a block
  std::optional<BlockHeight> closing_height;  // of the block with the transaction that closed it
  /// Of a channel that an older version let close on chain: what lies there and this version does not know how to find.
  Sat unclaimed;
  /// ForceClosing and OnChain: our balance on its way to the wallet; HTLCs and penalties that somebody else may take;
  /// what is in the wallet; what others took.
  Sat pending_close, at_risk, claimed, lost;
  std::uint64_t key_index = 0;
  std::optional<UnixTime> usable_since;
  /// Closed, and no money of ours is left in it.
  [[nodiscard]] bool over() const { return phase == ChannelPhase::Closed && unclaimed == Sat(0); }
  /// The funding was seen in a block, or we pay it. A channel that costs a stranger nothing does not count.
  [[nodiscard]] bool funded() const { return funder || scid.has_value() || phase == ChannelPhase::Normal; }
};

/// An index of the channels that are not closed, by node and by short_channel_id, for steps that must not look at all
/// channels. ChannelViews keeps it equal to the views.
class ChannelIndex {
 public:
  ChannelIndex() = default;
  explicit ChannelIndex(const std::map<ChannelId, ChannelView>& channels);

  /// Takes over a changed view. nullptr: the view was erased.
  void set(const ChannelId& id, const ChannelView* view);
  /// Channels with this node, by id.
  [[nodiscard]] const std::set<ChannelId>& with(const NodeId& peer) const;
  /// Channels whose real scid, or whose alias that we gave out, is this.
  [[nodiscard]] const std::set<ChannelId>& named(ShortChannelId scid) const;
  /// How many channels have phase Normal, and how many of those are usable.
  [[nodiscard]] std::size_t normal() const { return normal_; }
  [[nodiscard]] std::size_t usable() const { return usable_; }
  friend bool operator==(const ChannelIndex&, const ChannelIndex&) = default;

 private:
  struct Marks {
    NodeId peer;
    std::optional<ShortChannelId> scid, alias;
    bool normal = false, usable = false;
    friend bool operator==(const Marks&, const Marks&) = default;
  };
  std::map<ChannelId, Marks> marks_;  // each channel's entries in the other members
  std::map<NodeId, std::set<ChannelId>> by_peer_;
  std::map<ShortChannelId, std::set<ChannelId>> by_name_;
  std::size_t normal_ = 0, usable_ = 0;
};

/// The views of channels together with their index, which follows every change.
class ChannelViews {
 public:
  void put(ChannelView view);
  void erase(const ChannelId& id);
  /// Nothing happens if there is no such view.
  template <class Change>
  void change(const ChannelId& id, Change change) {
    auto it = views_.find(id);
    if (it == views_.end()) return;
    change(it->second);
    index_.set(id, &it->second);
  }
  [[nodiscard]] const std::map<ChannelId, ChannelView>& all() const { return views_; }
  [[nodiscard]] const ChannelIndex& index() const { return index_; }

 private:
  std::map<ChannelId, ChannelView> views_;
  ChannelIndex index_;
};

/// From channel_updates of the two ends of one of our channels.
struct PolicyPair {
  std::optional<ChannelPolicy> local;   // ours, as last sent
  std::optional<ChannelPolicy> remote;  // the peer's, for its direction towards us
};

struct PeerView {
  NodeId node_id;
  wire::FeatureBits features;
  std::string address;  // as connected, for people
  bool inbound = false;
  UnixTime connected_since;
  bool unread = false;  // output waits in our memory until the peer reads: send nothing that is not urgent
  [[nodiscard]] bool onion_messages() const;        // bit 38/39
  [[nodiscard]] bool holds(Profile profile) const;  // 153 or 53 (or the even bit)
};

/// One of our own offers: what the room payment needs to judge an HTLC that pays it.
struct OfferView {
  offers::Offer offer;
  bool async = false;
  bool disabled = false;
};

struct Views {
  const graph::Graph& graph;
  const std::map<ChannelId, ChannelView>& channels;
  const ChannelIndex& channel_index;  // of `channels`
  const std::map<NodeId, PeerView>& peers;
  const std::map<ChannelId, PolicyPair>& policies;
  const std::map<OfferId, OfferView>& offers;
  /// Node ids that joined with an invitation which is not revoked. Peers with a funded channel are clients as well.
  const std::set<NodeId>& invited;
  bool chain_synced = true;
  /// From the wallet: the closing script with this index, and all above it, were never paid. See kClosingScriptsAhead.
  std::uint32_t next_closing_script = 0;

  [[nodiscard]] const ChannelView* channel(const ChannelId& id) const;
  /// The channel that an onion for us names by its real scid or by the alias that we gave out. BOLT 2, `channel_ready`:
  /// with option_scid_alias only by the alias.
  [[nodiscard]] const ChannelView* channel_by_scid(ShortChannelId scid) const;
  /// A channel to this node, a usable one if there is one.
  [[nodiscard]] const ChannelView* channel_to(const NodeId& node) const;
  /// HTLCs of this channel can be resolved on chain only: it is force-closing or closed.
  [[nodiscard]] bool is_on_chain(const ChannelId& id) const;
  /// The channel's funding transaction left the chain: HTLCs received over it are worth nothing until it is back.
  [[nodiscard]] bool funding_gone(const ChannelId& id) const;
  /// Channels with this peer that are not closed, by id. Only these are looked at.
  [[nodiscard]] std::vector<const ChannelView*> channels_with(const NodeId& peer) const;
  template <class Predicate>
  [[nodiscard]] bool any_channel_with(const NodeId& peer, Predicate predicate) const {
    for (const auto& id : channel_index.with(peer))
      if (predicate(channels.at(id))) return true;
    return false;
  }
  /// Joined with an invitation, or has a funded channel: it has a client's rights, and a place in a crowd.
  [[nodiscard]] bool is_client(const NodeId& node) const;
  [[nodiscard]] bool connected(const NodeId& node) const { return peers.contains(node); }
};

}  // namespace doze
