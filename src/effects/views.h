// What one machine may see of the others: const snapshots that the corridor keeps up to date after each step.
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
  bool reorganised = false;                    // its funding left the chain and is not deep again: nothing is forwarded
  std::optional<ShortChannelId> scid;          // real one, once confirmed
  bool alias_only = false;                     // option_scid_alias: no onion may name it by its real scid
  std::optional<ShortChannelId> local_alias;   // we gave it to the peer: it names this channel in onions for us
  std::optional<ShortChannelId> remote_alias;  // the peer gave it to us: we use it in routes and paths through the peer
  Sat capacity;
  Msat local_balance, remote_balance;      // settled, without pending HTLCs
  Msat spendable;                          // largest HTLC that we could offer now
  Msat receivable;                         // largest HTLC that the peer could offer now, as far as we can tell
  Msat htlc_minimum_remote;                // the peer accepts no HTLC below
  std::size_t max_held_received = 0;       // half of our max_accepted_htlcs
  std::set<std::uint64_t> received_htlcs;  // live ones, proposed and committed, by htlc_id
  std::set<std::uint64_t> offered_htlcs;
  commitment::CommitmentFormat format = commitment::CommitmentFormat::StaticRemotekey;
  bool funder = false;
  std::optional<Outpoint> funding;
  FeeratePerKw feerate;
  std::string status;                         // one line for people: what it waits for, or why it closed
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
  /// Nothing happens in it any more, and nothing of ours is left.
  [[nodiscard]] bool over() const { return phase == ChannelPhase::Closed && unclaimed == Sat(0); }
  /// Its funding was seen in a block, or we pay it: what a stranger can have for nothing is not.
  [[nodiscard]] bool funded() const { return funder || scid.has_value() || phase == ChannelPhase::Normal; }
};

/// Which channels that are not closed a node has with us, and which one a short_channel_id means: for steps that must
/// not look at all channels. It follows the views of channels (ChannelViews) and nothing else.
class ChannelIndex {
 public:
  ChannelIndex() = default;
  explicit ChannelIndex(const std::map<ChannelId, ChannelView>& channels);

  /// The view as it is now; nullptr: there is none any more.
  void set(const ChannelId& id, const ChannelView* view);
  /// By id.
  [[nodiscard]] const std::set<ChannelId>& with(const NodeId& peer) const;
  /// Its real scid, or an alias that we gave out, is this.
  [[nodiscard]] const std::set<ChannelId>& named(ShortChannelId scid) const;
  /// How many of them have phase Normal, and how many of those are usable.
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
  std::map<ChannelId, Marks> marks_;  // what stands in the others
  std::map<NodeId, std::set<ChannelId>> by_peer_;
  std::map<ShortChannelId, std::set<ChannelId>> by_name_;
  std::size_t normal_ = 0, usable_ = 0;
};

/// The views of channels with their index: whoever changes one changes the other.
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
  bool unread = false;  // output waits in our memory until it reads: what is not urgent should wait, too
  [[nodiscard]] bool onion_messages() const;        // bit 38/39
  [[nodiscard]] bool holds(Profile profile) const;  // 153 or 53 (or the even bit)
};

/// One of our own offers, as much as the payment room needs to judge an HTLC that pays it.
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
  /// Clients of ours by invitation (node ids), revoked ones left out. A peer with a funded channel is a client too.
  const std::set<NodeId>& invited;
  bool chain_synced = true;
  /// From the wallet: above it no closing script of ours was ever paid. See kClosingScriptsAhead.
  std::uint32_t next_closing_script = 0;

  [[nodiscard]] const ChannelView* channel(const ChannelId& id) const;
  /// By real scid or by the alias that we gave out: what an onion for us may name. BOLT 2, `channel_ready`: with
  /// option_scid_alias the alias only.
  [[nodiscard]] const ChannelView* channel_by_scid(ShortChannelId scid) const;
  /// The channel to a node: a usable one first.
  [[nodiscard]] const ChannelView* channel_to(const NodeId& node) const;
  /// HTLCs of this channel can be resolved on chain only, by force or because it is closed.
  [[nodiscard]] bool is_on_chain(const ChannelId& id) const;
  /// The channel's funding transaction left the chain: nothing that comes over it is worth anything until it is back.
  [[nodiscard]] bool funding_gone(const ChannelId& id) const;
  /// Those with this peer that are not closed, by id. A step that has to do with one peer looks at no others.
  [[nodiscard]] std::vector<const ChannelView*> channels_with(const NodeId& peer) const;
  template <class Predicate>
  [[nodiscard]] bool any_channel_with(const NodeId& peer, Predicate predicate) const {
    for (const auto& id : channel_index.with(peer))
      if (predicate(channels.at(id))) return true;
    return false;
  }
  /// Invited, or with a channel that cost it something: client rights, and a place in a crowd.
  [[nodiscard]] bool is_client(const NodeId& node) const;
  [[nodiscard]] bool connected(const NodeId& node) const { return peers.contains(node); }
};

}  // namespace doze
