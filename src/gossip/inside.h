// The gossip room's own state: the graph, announcements that wait for the chain, what each peer wants.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <variant>

#include "base/compact_set.h"
#include "effects/context.h"
#include "effects/hearers.h"
#include "gossip/gossip.h"

namespace doze::gossip {

/// Larger gossip is refused: it would be stored, and sent to every peer that asks. Real messages
/// have 430 bytes and some features, 138 and a few records, and 150 to some hundred; 2 KiB hold 32 addresses of any IP
/// or Tor kind and a long name. BOLT 7 allows 65,535.
inline constexpr std::size_t kMaxAnnouncementBytes = 1'024, kMaxUpdateBytes = 512, kMaxNodeBytes = 2'048;
/// Addresses kept per node_announcement, 48 bytes each; we dial at most eight.
inline constexpr std::size_t kMaxAddressesOfNode = 32;
/// Announcements that wait for their funding output: at most 2.5 KiB each with what follows them, 10 MiB in all. Peers
/// with a channel have half of it and all strangers the other half, so that no crowd of free ids fills it.
inline constexpr std::size_t kMaxWaiting = 4'000, kMaxWaitingOfKind = kMaxWaiting / 2;
/// Per peer: the half of its kind. When peers of one kind fill it, the one with the most loses some.
inline constexpr std::size_t kMaxWaitingOfPeer = kMaxWaitingOfKind;
/// How long an announcement may wait: with kMaxBlocksAhead it is deep enough after two hours, and bitcoind looks up
/// 4,000 outputs within minutes.
inline constexpr std::uint64_t kMaxWaitingMs = 21'600'000;
/// Channels further above our tip are ignored: their announcer has them six blocks deep, so either our chain is two
/// hours behind, or the channel is invented. The peer is not blamed, and we query them when our chain has reached their
/// blocks.
inline constexpr std::uint32_t kMaxBlocksAhead = 6;
/// Bytes of one waiting announcement with its updates and node announcements: usually 1,100, plus 840 for its entries
/// in the maps. Larger ones are not kept: a message may have 65,535.
inline constexpr std::size_t kMaxWaitingBytes = 1'700;
/// Outputs looked up at a time; peers take turns. Each may cost bitcoind reading a block, and no peer waits for more.
inline constexpr std::size_t kMaxLookUps = 64;
/// Other announcements of a scid that waits, each of another peer: one of them may be the real one, and the output
/// tells which. Of one scid so many, and so many in all: 1 KiB each. A peer with a channel takes the place of a
/// stranger.
inline constexpr std::size_t kMaxRivals = 4, kMaxRivalsInAll = 256;
/// Scids without an output, remembered until the next housekeeping so that they are not looked up again. 64 bytes each.
inline constexpr std::size_t kMaxMissing = 20'000;
/// Unfunded announcements minus valid ones; above this number a peer's announcements are ignored. Honest peers also
/// announce channels that were closed recently.
inline constexpr std::size_t kMaxBogus = 500;
/// Channels that we still want to query from one peer, more than mainnet has; and from all peers. 48 bytes each. Half
/// of them is for all strangers, half for all peers with a channel.
inline constexpr std::size_t kMaxWanted = 100'000, kMaxWantedInAll = 400'000, kMaxWantedOfKind = kMaxWantedInAll / 2;
/// How often we ask a peer with a channel for its list again if a part of it found no room.
inline constexpr std::uint64_t kListAgainMs = 60'000;
/// Channels queried at a time: the answer, five messages each, stays below what the peer should buffer.
inline constexpr std::size_t kQueryBatch = 500;
/// Messages sent to one peer at a time when it asks for a lot, and the pause between: 2 MB/s, and a step stays short.
inline constexpr std::size_t kPieceMessages = 500;
inline constexpr std::uint64_t kPieceWaitMs = 100;
/// Bytes in a piece, plus one answer: twice the size of 500 ordinary messages, and far below the unsent output that io
/// allows per peer (4.2 MB). A peer with unsent output gets no gossip, so gossip never closes a connection.
inline constexpr std::uint64_t kPieceBytes = 262'144;
/// Messages of the graph sent to all peers together per this many milliseconds, plus one piece; peers take turns. Each
/// costs two words in the dispatcher, and a payment waits for at most one such batch. A hundred strangers that ask for
/// the whole graph have it after some minutes.
inline constexpr std::size_t kStepMessages = 1'000;
inline constexpr std::uint64_t kStepWaitMs = 10;
/// Stale channels forgotten at a time, five rows each; the rest follows kStepWaitMs later. After two weeks away all are
/// stale: 50,000 on mainnet.
inline constexpr std::size_t kPrunedAtATime = 500;
/// Channels, nodes or news looked at for one peer at a time where none of them is wanted: some 0.3 ms.
inline constexpr std::size_t kPieceLooks = 2'000;
/// Bytes sent to all strangers together: the whole graph of mainnet has 40 MB, which one of them gets in 20 s, and a
/// hundred in half an hour. A stranger asks with 8 bytes for a kilobyte.
inline constexpr std::uint64_t kStrangersBurstBytes = 4'194'304, kStrangersBytesPerS = 2'097'152;
/// Ids in one reply_channel_range: 8 bytes each in a message of 65,535. It counts as so many messages.
inline constexpr std::size_t kIdsInReply = 8'000, kIdsLikeAMessage = 40;
/// query_channel_range that wait for their turn, per peer: 64 bytes each. BOLT 7 has peers ask one at a time.
inline constexpr std::size_t kMaxRangesWaiting = 100;
/// Ids that strangers have asked for and not got yet, all of them together: 9 bytes each, and 8,000 fit into a
/// question. Where there are more, who has most left gets the end of its answer at once, marked as not complete.
inline constexpr std::size_t kMaxIdsOfStrangers = 500'000;
/// Wrong signatures of one peer: each costs us up to four verifications. Then a stranger loses its connection, and a
/// peer with a channel is no longer listened to.
inline constexpr std::size_t kMaxWrongSignatures = 5;
/// BOLT 7: others' channels are taken, and relayed, when their funding output is so deep.
inline constexpr std::uint32_t kDeepEnough = 6;
/// BOLT 7 lets nodes forget channels after two weeks without an update: ours are repeated in half that time.
inline constexpr std::uint64_t kRefreshAfterS = 604'800;
/// News about one direction of a channel, or one node, that are stored and relayed: a burst, then one an hour. Honest
/// nodes change their terms some times a day; signing updates is free and each costs every peer a message and us a row.
/// News above this rate is only kept in memory.
inline constexpr std::uint64_t kNewsBurst = 4, kNewsEveryMs = 3'600'000;
/// Clocks differ; a message with a timestamp further in the future could never be replaced.
inline constexpr std::uint64_t kMaxFutureS = 86'400;
inline constexpr std::uint64_t kHousekeepingMs = 3'600'000;
/// Announcements that a client gets at once: per channel peer (one makes the node known, some channels may have closed
/// unseen), of our own channels, and bytes in all. It queries the rest like all other gossip.
inline constexpr std::size_t kAnnouncedChannelsOfAPeer = 8, kOwnChannelsToAClient = 200;
inline constexpr std::uint64_t kOurGossipBytes = 524'288;

/// A message whose signature is not yet checked. Decoded, its few bytes could fill much more memory.
struct Kept {
  std::uint32_t timestamp = 0;
  Bytes raw;  // empty: none
};

/// Another verified channel_announcement for a scid that waits.
struct Rival {
  Bytes announcement;
  NodeId from;
  bool stranger = false;
};

/// A verified channel_announcement that waits for its look-up, and the newest of what came behind it.
struct Waiting {
  Bytes announcement;
  std::array<NodeId, 2> ends;
  NodeId from;
  std::array<Kept, 2> updates;
  std::array<Kept, 2> nodes;
  std::vector<Rival> rivals;  // not among `bytes`: they have a limit of their own
  bool asked = false;         // LookUpOutput was sent
  bool stranger = false;      // it counts in the strangers' half
  MonoTime since;

  [[nodiscard]] std::size_t bytes() const;
};

/// A running answer to query_short_channel_ids.
struct Answer {
  std::vector<ShortChannelId> ids;  // ascending, each once
  std::vector<std::uint8_t> flags;  // one per id
  std::size_t next = 0;
  std::vector<bool> nodes_sent;  // by graph::NodeIndex
  [[nodiscard]] std::size_t left() const { return ids.size() - next; }
};
/// A running answer to query_channel_range, or one that waits for its turn.
struct RangeAnswer {
  ChainHash chain_hash;
  std::uint64_t first = 0, end = 0;  // blocks that are not answered yet
  ShortChannelId next;               // the first channel that is not
};
/// What a filter asked for: updates by their time, then nodes by theirs.
struct Backlog {
  graph::UpdateTime update;
  std::optional<graph::NodeTime> node;  // set when all updates have been sent
};

enum class ChannelPart : std::uint8_t { Announcement = 0, Update1 = 1, Update2 = 2 };

/// News to relay, by name only: a peer gets the graph's contents at the time of its turn.
using NewsOf = std::variant<std::pair<ShortChannelId, ChannelPart>, NodeId>;
struct News {
  NewsOf of;
  std::optional<NodeId> from;  // the peer that sent it; nullopt: our own, which every peer gets
};

struct PeerState {
  std::optional<wire::GossipTimestampFilter> filter;
  bool stranger = true;         // neither a client nor a peer with a channel
  std::uint64_t news_from = 0;  // the first of the news that the peer has not had
  std::optional<Backlog> backlog;
  std::optional<Answer> answer;
  std::vector<RangeAnswer> ranges;  // oldest first; none is usual, and a deque has half a kilobyte then
  MonoTime piece_at;                // not before
  MonoTime list_asked_at;
  bool range_asked = false;          // query_channel_range sent, its end not seen
  std::size_t ids_named = 0;         // in its answer
  std::set<ShortChannelId> wanted;   // to be queried from this peer
  bool cut = false;                  // a part of its list found no room: we ask for it again
  bool asked = false;                // query_short_channel_ids sent, its end not seen
  std::set<ShortChannelId> waiting;  // its announcements that are not looked up yet
  std::size_t bogus = 0;
  std::size_t wrong_signatures = 0;
};

/// How often something arrived recently.
struct Rate {
  MonoTime even;  // until then it arrived more often than once per kNewsEveryMs
  /// False: too often, and nothing is counted.
  [[nodiscard]] bool take(MonoTime now);
};

/// channel_updates of the two ends of one of our channels, as last sent and as last received.
struct OwnUpdates {
  std::optional<wire::ChannelUpdate> local, remote;
  Rate remote_rate;
};

struct Gossip::Inside {
  graph::Graph graph;
  std::map<ChannelId, OwnUpdates> own_updates;
  std::map<ChannelId, PolicyPair> policies;  // follows from own_updates
  /// Fundings of the channels in the graph: a spending input shows its witness script, so no txid is needed. By how the
  /// hash of the script begins: the announcement in the graph has all of it. 23 bytes per channel.
  CompactSet<std::pair<std::uint64_t, ShortChannelId>> fundings;
  std::vector<Hash32> not_watched_yet;  // loaded: watched from Started on

  std::map<std::pair<ShortChannelId, std::uint8_t>, Rate> update_rates;  // of this direction
  std::map<NodeId, Rate> node_rates;

  std::map<ShortChannelId, Waiting> waiting;  // also in its peer's `waiting` until it is looked up
  std::size_t waiting_of_strangers = 0;
  std::size_t rivals = 0;                // of all that wait
  std::size_t look_ups = 0;              // running
  std::array<NodeId, 2> looked_up_last;  // the peer with a channel, and the stranger, whose turn it was
  bool strangers_turn = false;           // the next look-up is a stranger's if one waits
  std::set<ShortChannelId> missing;
  std::vector<std::pair<Table, Bytes>> refused_rows;  // not read: larger than what is taken today
  std::map<NodeId, std::set<ShortChannelId>> waiting_nodes;
  std::map<NodeId, PeerState> peers;
  MonoTime housekeeping_at;

  /// By number, in order of arrival, each once: a new version moves to the end. Never more than the graph has messages.
  /// News that every peer has got is dropped.
  std::map<std::uint64_t, News> news;
  std::map<NewsOf, std::uint64_t> news_numbers;
  std::uint64_t next_news = 0;
  NodeId served_last;         // the peer whose turn it was
  MonoTime sent_since;        // kStepWaitMs begin here
  std::size_t sent_then = 0;  // messages since
  /// What may be sent to strangers: all of it again from then on; a piece is sent whole, so it may lie far ahead.
  MonoTime strangers_full_at;
};

/// The state of one running step.
struct Work {
  Gossip::Inside& state;
  const Context& context;
  Effects& effects;

  std::uint64_t bytes = 0;  // of what was sent with send_raw and send_sized

  void send(const NodeId& node, wire::Message message) { effects.push_back(SendMessage{node, std::move(message)}); }
  void send_sized(const NodeId& node, wire::Message message, std::size_t size);
  void send_raw(const NodeId& node, ByteView raw);
  void warn(const NodeId& node, const std::string& what);
  /// The peer has no unsent output, as far as the driver has reported.
  [[nodiscard]] bool reads(const NodeId& node) const;
  /// Fewer than kStepMessages were sent in these kStepWaitMs, and strangers have not had too many bytes.
  [[nodiscard]] bool may_send(const PeerState& peer);
  /// Books `bytes` since `before` if the peer is a stranger.
  void book(const PeerState& peer, std::uint64_t before);
  [[nodiscard]] const NodeId& self() const { return context.signer.node_id(); }
  [[nodiscard]] ChainHash chain() const { return wire::chain_hash(context.config.network); }
};

/// A message that was decoded before its bytes were kept.
template <class Message>
Message decode_kept(ByteView raw) {
  auto message = wire::decode(raw);
  LN_ASSERT(message.has_value() && std::holds_alternative<Message>(*message));
  return std::get<Message>(*std::move(message));
}

/// Puts it into the graph, with kMaxAddressesOfNode addresses at most; what is relayed is whole.
[[nodiscard]] bool apply_node(graph::Graph& graph, const wire::NodeAnnouncement& message);

// ---- records.cc ----
void save_channel(Work& work, const graph::Channel& channel);
void save_update(Work& work, ShortChannelId scid, std::uint8_t direction, ByteView raw);
void save_node(Work& work, const NodeId& node, ByteView raw);
enum class Side : std::uint8_t { Local = 0, Remote = 1 };
void save_policy(Work& work, const ChannelId& id, Side side, ByteView raw);
void erase_policies(Work& work, const ChannelId& id);
/// What read_rows did not read.
void erase_refused(Work& work);
/// Rows of channels that left the graph, and of nodes that left with them.
void erase_removed(Work& work, const std::vector<graph::ChannelRemoved>& removed);
[[nodiscard]] Status<LoadError> read_rows(std::span<const Row> rows, Gossip::Inside& state);
[[nodiscard]] ChannelPolicy policy_of(const wire::ChannelUpdate& update);
/// SHA-256 of the funding script, and the output script that has it.
[[nodiscard]] Hash32 funding_hash(const wire::ChannelAnnouncement& announcement);
[[nodiscard]] Bytes funding_script_pubkey(const wire::ChannelAnnouncement& announcement);
/// The first 8 bytes of a funding_hash.
[[nodiscard]] std::uint64_t beginning_of(const Hash32& funding);

// ---- own.cc ----
/// Our channel_update for this channel: the stored one if it still says the same, else a new one, stored, applied to
/// the graph where the channel is public. nullptr: the channel has no scid yet.
const wire::ChannelUpdate* refresh_update(Work& work, const ChannelView& channel, bool anew = false);
void send_own_update(Work& work, const ChannelId& id);
void own_channel_announced(Work& work, const ChannelAnnounced& in);
void own_channel_closed(Work& work, const ChannelClosed& in);
/// A server with a public channel announces itself: when what it says has changed, or a week has passed.
void announce_self(Work& work);
/// Updates of our channels whose terms changed or that are a week old.
void refresh_own(Work& work);
void send_our_gossip(Work& work, const SendOurGossip& in);

// ---- received.cc ----
/// Whether what the peer says is still verified.
[[nodiscard]] bool is_heard(const Work& work, const NodeId& peer);
/// A signature of what this peer said is wrong.
void blame(Work& work, const NodeId& peer, const std::string& what);
void received(Work& work, const NodeId& from, const wire::ChannelAnnouncement& message);
void received(Work& work, const NodeId& from, const wire::ChannelUpdate& message);
void received(Work& work, const NodeId& from, const wire::NodeAnnouncement& message);
void looked_up(Work& work, const OutputLookedUp& in);
/// Looks up what waits, while there is room.
void look_up_next(Work& work);
/// What this peer announced and nobody has looked up yet.
void forget_waiting(Work& work, const NodeId& peer);
/// What has waited for kMaxWaitingMs.
void forget_old_waiting(Work& work);
/// The peer has a channel with us now: what it announced is no longer a stranger's.
void now_familiar(Work& work, const NodeId& peer);
/// Of the kind's half.
[[nodiscard]] std::size_t waiting_of_kind(const Gossip::Inside& state, bool strangers);
/// Asks a peer with a channel for this one again, later.
void want_again(Work& work, PeerState& peer, ShortChannelId scid);
/// A channel that has come to the graph: the spend of its funding is watched for.
void watch_funding(Work& work, const wire::ChannelAnnouncement& announcement);
/// It has left the graph.
void unwatch_funding(Work& work, const wire::ChannelAnnouncement& announcement);
/// Channels whose funding is spent by one of these.
void find_spends(Work& work, const std::vector<BlockTransaction>& transactions, BlockHeight height);
/// Channels that were spent in this block or above are there again.
void take_spends_back(Work& work, const BlockDisconnected& in);

// ---- serve.cc ----
void peer_ready(Work& work, const NodeId& node);
void received(Work& work, const NodeId& from, const wire::GossipTimestampFilter& message);
void received(Work& work, const NodeId& from, const wire::QueryShortChannelIds& message);
void received(Work& work, const NodeId& from, const wire::QueryChannelRange& message);
void received(Work& work, const NodeId& from, const wire::ReplyChannelRange& message);
void received(Work& work, const NodeId& from, const wire::ReplyShortChannelIdsEnd& message);
/// To every peer whose filter lets its timestamp through, but not to where it came from; what is our own to all of them
/// (BOLT 7: whatever the filter says). At once, or as news in the peer's next piece if others wait already.
void relay(Work& work, const NewsOf& what, const std::optional<NodeId>& from);
/// A channel_announcement travels with its first update. BOLT 7.
void relay_update(Work& work, const graph::UpdateApplied& applied, const std::optional<NodeId>& from);
/// Whether there is something to send to this peer.
[[nodiscard]] bool has_more(const Gossip::Inside& state, const PeerState& peer);
/// When strangers may have more bytes.
[[nodiscard]] MonoTime strangers_next(const Gossip::Inside& state);
/// The next piece to every peer whose time it is, by turns, while there is room.
void serve(Work& work);
/// Asks the peer for the next channels of its list, if it has answered the last question and there is room for them. A
/// peer with a channel is asked for its list again if some of it found no room and the rest has been asked for.
void ask(Work& work, const NodeId& node, PeerState& peer);

}  // namespace doze::gossip
