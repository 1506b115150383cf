// The onion message room's own state. Only onion_message/*.cc include this.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <type_traits>

#include "effects/hearers.h"
#include "effects/limits.h"
#include "effects/tags.h"
#include "graph/pathfind.h"
#include "onion/onion_message.h"
#include "onion_message/onion_messages.h"
#include "paths/own_paths.h"

namespace doze::onion_message {

// ---- limits ----
/// What a peer may send: `messages` and `bytes` at once, refilled per second. Messages above it are refused.
struct Allowance {
  std::uint64_t messages, messages_per_s;
  std::uint64_t bytes, bytes_per_s;
};
/// Peers with a channel, and clients: a conversation takes a handful of messages, a storm of wake-ups a thousand, and
/// our own mail from a server arrives as fast as we answer pings. Every message costs us three multiplications.
inline constexpr Allowance kFamiliarAllowance{8'192, 100, 16'777'216, 524'288};
/// Strangers: nodes that dial us because we are the introduction node of one of our clients.
inline constexpr Allowance kStrangerAllowance{96, 4, 2'097'152, 32'768};
/// Messages of all strangers together that we relay or keep: 350 per second, of 1.4 KB each.
inline constexpr Allowance kAllStrangersAllowance{4'000, 350, 4'194'304, 524'288};
/// That rate is divided by network (wire::network_of): each of n sending networks has one of n + 1 equal parts, so that
/// a newcomer always finds one; but at least this much, or thousands of prefixes would make every part useless.
inline constexpr Allowance kLeastOfNetwork{16, 2, 131'072, 16'384};
/// A network that was silent for this long has its whole part again, and no longer counts among the n.
inline constexpr std::uint64_t kNetworkMemoryMs = 15'000;
constexpr bool is_full_after(const Allowance& a, std::uint64_t ms) {
  return a.messages * 1'000 <= a.messages_per_s * ms && a.bytes * 1'000 <= a.bytes_per_s * ms;
}
static_assert(is_full_after(kAllStrangersAllowance, kNetworkMemoryMs) &&
              is_full_after(kLeastOfNetwork, kNetworkMemoryMs));
/// How long budgets of disconnected peers are kept: longer than an empty budget takes to fill, so that a reconnection
/// gives no new one.
inline constexpr std::uint64_t kBudgetMemoryMs = 180'000;

/// How long our own messages wait for a connection to the introduction node. The driver tries an address for 10 s.
inline constexpr std::uint64_t kConnectWaitMs = 25'000;
/// Our messages that wait for a connection: in all; the answers among them, because their paths may lead to unreachable
/// nodes; and per node, because a dial may never be answered. The sender repeats dropped messages.
inline constexpr std::size_t kMaxWaiting = 1'024, kMaxWaitingAnswers = 128, kMaxWaitingForNode = 16;
/// Messages of our clients that wait for a connection to an announced node, in all and of one client: 33 KB at most.
inline constexpr std::size_t kMaxOnward = 256, kMaxOnwardOfClient = 16;
/// The routes to all nodes are found in one pass over the graph, a millisecond for 50,000 channels. After changes there
/// is a new pass: this many at once, then one more per interval.
inline constexpr std::uint64_t kWaysBurst = 4, kWaysEveryMs = 1'000;
/// A client whose channels do not become usable gets its mail anyway after this time.
inline constexpr std::uint64_t kDeliverAnywayMs = 30'000;

// ---- mailboxes; see doc/adr, "What a mailbox takes" ----
/// Bytes of a message on disk besides its packet.
inline constexpr std::size_t kMailOverhead = 256;
/// What one source may leave in one mailbox: a burst of units, then one more per interval, up to `most`. No newer
/// message replaces a kept one, so a flooding source shuts itself out; but the rate times the life of mail stays below
/// `most`, so the source gets in again one refill after the flood.
struct SourceAllowance {
  std::uint64_t burst_units, unit_ms, most_units;
};
inline constexpr std::size_t kMailUnitBytes = 2'048;
/// A peer with a channel, for example an LSP that relays for all its payers: several hundred at once, then 576 per day.
inline constexpr SourceAllowance kPeersMail{512, 150'000, 5'200};
/// All strangers together, because keys are free: a thousand of them at once leave room. Most payers are strangers.
inline constexpr SourceAllowance kStrangersMail{2'048, 300'000, 4'400};
constexpr bool outlasts_a_flood(const SourceAllowance& a) {
  return a.burst_units + kMailboxAgeS * 1'000 / a.unit_ms < a.most_units;
}
static_assert(outlasts_a_flood(kPeersMail) && outlasts_a_flood(kStrangersMail));
/// Units of all peers with a channel in one mailbox; each may have its first kSourceReserve units in addition.
inline constexpr std::uint64_t kBoxUnits = 6'000, kSourceReserve = 32;
/// Units of one peer with a channel in all mailboxes: 32 MiB.
inline constexpr std::uint64_t kSourceUnitsInAll = 16'384;
/// All mailboxes together, in units: 64 MiB of strangers, and 192 MiB of peers with a channel. On disk.
inline constexpr std::uint64_t kAllStrangersMail = 32'768, kAllFamiliarMail = 98'304;
/// Units of strangers above kAllStrangersMail, per mailbox and in all: a flood into the mailboxes of some clients must
/// not shut out the payers of others.
inline constexpr std::uint64_t kStrangersReserve = 16, kAllStrangersReserves = 32'768;
/// Mail that a client has not confirmed yet: the next batch follows the pong.
inline constexpr std::size_t kBatchMessages = 64, kBatchBytes = 1'048'576;
static_assert(kBatchMessages <= kMaxRowsPerRead);
/// Batches read from disk at a time, for all clients together, because their bytes are in memory then. Thousands of
/// clients may reconnect in the same second; each gets its batch in turn.
inline constexpr std::size_t kBatchesRead = 8;
static_assert(kStrangerAllowance.messages > kBatchMessages && kStrangerAllowance.bytes > kBatchBytes,
              "a batch of mail must pass at a client to which we are a stranger: its server erases it at the pong");
static_assert(kFamiliarAllowance.messages > kPeersMail.burst_units + kStrangersMail.burst_units,
              "a full mailbox must pass: a client keeps its connection to its LSP, and pongs");
/// How often the age of mail is checked.
inline constexpr std::uint64_t kAgeCheckMs = 3'600'000;

class Budget {
 public:
  Budget(const Allowance& allowance, MonoTime now)
      : thousandths_(allowance.messages * 1000), bytes_(allowance.bytes), at_(now) {}
  /// False: above the limit, nothing is booked.
  [[nodiscard]] bool take(const Allowance& allowance, std::uint64_t bytes, MonoTime now);
  [[nodiscard]] MonoTime last_used() const { return at_; }

 private:
  std::uint64_t thousandths_;  // of a message: fractions refill as well
  std::uint64_t bytes_;
  MonoTime at_;
};

// ---- mail ----
/// The index entry of a message in a mailbox. The message itself is on disk only.
struct Mail {
  NodeId source;  // the peer that brought it; ourselves for our own
  UnixTime stored_at;
  std::uint32_t packet_bytes = 0;
  bool stranger = false;  // its source is neither ourselves nor a client nor a peer with a channel
  [[nodiscard]] std::size_t size() const { return kMailOverhead + packet_bytes; }
  [[nodiscard]] std::uint64_t units() const { return (size() + kMailUnitBytes - 1) / kMailUnitBytes; }
};
/// Memory per message in a mailbox, including the map's node and its allocation: 16 MiB for all that fits into all
/// mailboxes.
inline constexpr std::size_t kMailIndexBytes = 128;
static_assert(std::is_trivially_copyable_v<Mail>, "nothing of a message hangs on the index");
static_assert(sizeof(std::pair<const std::uint64_t, Mail>) + 4 * sizeof(void*) + 2 * sizeof(void*) <= kMailIndexBytes);
static_assert((kAllStrangersMail + kAllStrangersReserves + kAllFamiliarMail) * kMailIndexBytes <= 20 * 1'048'576);
/// A row of Table::Mailbox.
struct StoredMail {
  NodeId source;
  UnixTime stored_at;
  wire::OnionMessage message;  // as sent to the client
};
struct Share {
  std::uint64_t messages = 0, bytes = 0, units = 0;
  MonoTime full_at;  // from then on the whole burst is allowed again
  void add(const Mail& mail) { ++messages, bytes += mail.size(), units += mail.units(); }
  void remove(const Mail& mail) { --messages, bytes -= mail.size(), units -= mail.units(); }
};
struct Mailbox {
  std::map<std::uint64_t, Mail> mail;  // by sequence: oldest first
  Share all, strangers;
  std::map<NodeId, Share> sources;  // peers with a channel, and ourselves
};

/// A client that is connected.
enum class Stage : std::uint8_t {
  WaitingForChannels,  // until they are usable, or `until`
  Gossip,              // our gossip and a ping were sent
  Settling,            // it has our gossip and verifies it: until `until`
  Open,                // mail is sent on arrival
};
[[nodiscard]] const char* name(Stage stage);
struct Session {
  Stage stage = Stage::WaitingForChannels;
  MonoTime until;                                           // the end of the stage, if it has one
  std::uint64_t next = 0;                                   // mail before it was sent, or asked for, since it connected
  std::optional<std::uint64_t> reading;                     // the tag of the batch that is being read
  std::optional<std::uint64_t> turn;                        // it waits until other batches have been read
  std::size_t messages_under_way = 0, bytes_under_way = 0;  // to be erased at the pong that follows them
};

/// A batch that is being read from disk. If its connection has ended, the next session asks again.
struct Reading {
  NodeId client;
  std::size_t messages = 0, bytes = 0;
};

// ---- pings whose pong we wait for ----
struct Confirm {
  std::uint64_t tag = 0;
};
struct GossipSeen {};
struct MailSeen {
  std::vector<std::uint64_t> sequences;
  std::size_t bytes = 0;
};
using Asked = std::variant<Confirm, GossipSeen, MailSeen>;

/// One of our messages; while it waits, its introduction node is not connected yet.
struct Waiting {
  NodeId introduction;
  wire::BlindedPath path;
  onion::FinalMessage message;
  bool direct = false;
  std::uint64_t tag = 0;
  std::uint32_t attempt = 0;
  MonoTime until;
  bool relayed = false;  // a relay has it; only the introduction node's own pong is missing
  /// An answer over a reply path: nothing here waits for its outcome.
  [[nodiscard]] bool is_answer() const { return tag == 0 && !direct; }
};

/// A client's message for a node that we dial.
struct Onward {
  NodeId from, next;
  wire::OnionMessage message;
  MonoTime until;
};

/// The routes over the graph, as of the last search.
struct Ways {
  std::optional<graph::MessageTree> over_channels, over_all;  // from peers with a channel; from all connected ones
  MonoTime even;                                              // until then searches were too frequent
};

struct OnionMessages::Inside {
  std::map<NodeId, Budget> budgets;
  std::deque<std::pair<MonoTime, NodeId>>
      gone;  // peers whose budget may be forgotten, in the order of their disconnection
  std::optional<Budget> all_strangers;
  std::map<std::uint64_t, Budget> networks;                      // of strangers that sent lately
  std::deque<std::pair<MonoTime, std::uint64_t>> networks_seen;  // each once; when one is to be looked at
  std::map<NodeId, Mailbox> mailboxes;
  std::uint64_t strangers_units = 0, familiar_units = 0;  // of all mailboxes
  std::map<NodeId, std::uint64_t> source_units;           // in all mailboxes
  std::uint64_t next_sequence = 1;
  std::map<NodeId, Session> sessions;
  std::set<std::pair<MonoTime, NodeId>> stages_end;  // of sessions whose stage has an end
  std::map<std::uint64_t, Reading> reads;            // by tag: kBatchesRead at most
  std::map<std::uint64_t, NodeId> turns;             // sessions that wait to read, in their order
  std::uint64_t next_turn = 1;
  std::map<std::pair<NodeId, std::uint64_t>, Asked> asked;  // by node and token
  std::uint64_t next_token = 1;
  std::vector<Waiting> waiting;  // oldest first
  std::vector<Onward> onward;    // oldest first
  Ways ways;
  std::optional<MonoTime> age_check;  // set while there is mail
};

/// The state of one running step.
class Work {
 public:
  Work(OnionMessages::Inside& self, const Context& context) : self_(self), context_(context) {}
  Effects take() { return std::move(effects_); }

  void on(const Started&);
  void on(const PeerReady& in);
  void on(const PeerGone& in);
  void on(const PongReceived& in);
  void on(const DeadlineReached&);
  void on(const CommandReceived& in);
  void answer(RequestId request, const command::ListMailboxes&);
  // sending.cc
  void on(const SendOnionMessage& in);
  void on(const PeerUnreachable& in);
  // receiving.cc
  void on(const MessageReceived& in);
  // mailbox.cc
  void on(const ChannelUsable& in);
  void on(const RowsRead& in);

 private:
  // sending.cc
  void send_or_wait(Waiting message);
  [[nodiscard]] bool may_wait(const Waiting& message) const;
  /// Whether we connect to a node only because a path names it.
  [[nodiscard]] bool may_dial(const Waiting& message) const;
  void send_direct(const Waiting& message);
  /// Over connected peers that relay, or over our LSP; false: no route, nothing sent.
  [[nodiscard]] bool send_relayed(const Waiting& message);
  [[nodiscard]] std::optional<wire::OnionMessage> build(const Waiting& message, const std::vector<NodeId>& way);
  [[nodiscard]] std::optional<NodeId> resolve(const wire::IntroductionNode& introduction) const;
  [[nodiscard]] std::optional<NodeId> resolve(const onion::NextNode& next) const;
  void end_waiting(const Waiting& message);
  void retry_waiting(const NodeId& ready);
  void waiting_deadlines();
  void report(std::uint64_t tag, OnionMessageFate fate);

  // ways.cc
  [[nodiscard]] bool has_channel_with(const NodeId& node) const;
  [[nodiscard]] std::vector<NodeId> relaying_peers(bool with_channel) const;
  /// [peer, ..., introduction] with one relay at least; empty: none.
  [[nodiscard]] std::vector<NodeId> way_over_graph(const NodeId& introduction);
  [[nodiscard]] std::vector<NodeId> way_over_lsp(const Waiting& message) const;
  /// Once per step: peers and graph do not change within one.
  void refresh_ways();

  // receiving.cc
  [[nodiscard]] bool within_limits(const NodeId& from, std::size_t bytes);
  [[nodiscard]] bool within_part_of_network(const NodeId& from, std::size_t bytes);
  void relay(const NodeId& from, const onion::RelayMessage& message);
  void relay_by_dialling(const NodeId& from, const NodeId& next, const wire::OnionMessage& message);
  void send_onward(const NodeId& ready);
  void refuse(const NodeId& from, const char* why);

  // mailbox.cc
  [[nodiscard]] bool keeps_mail_for(const NodeId& node) const;
  [[nodiscard]] bool sleeps(const NodeId& node) const;
  /// False: it was not kept, because there is no room.
  bool park(const NodeId& client, const NodeId& source, const wire::OnionMessage& message);
  [[nodiscard]] Share& share_of(Mailbox& mailbox, const Mail& mail) const;
  /// nullptr: it is accepted. Otherwise the reason.
  [[nodiscard]] const char* objection(const NodeId& client, const Mail& mail) const;
  void enter(Mailbox& mailbox, std::uint64_t sequence, const Mail& mail);
  void remove(Mailbox& mailbox, std::uint64_t sequence);
  void classify_mail();
  void erase(const NodeId& client, Mailbox& mailbox, std::uint64_t sequence);
  void drop_old_mail();
  void open_session(const NodeId& client);
  void set_stage(const NodeId& client, Session& session, Stage stage, std::optional<MonoTime> until = std::nullopt);
  void advance(const NodeId& client);
  void gossip_seen(const NodeId& client);
  void end_session(const NodeId& client);
  /// Asks for the next batch, if there is any and the client may have it.
  void deliver(const NodeId& client, Session& session);
  void hand_over(const NodeId& client, Session& session, const std::vector<Row>& rows);
  void mail_seen(const NodeId& client, const MailSeen& seen);
  void session_deadlines();
  void list_mailboxes(RequestId request, const command::Page& page);
  [[nodiscard]] Value describe(const NodeId& client, const Mailbox& mailbox) const;

  void ping(const NodeId& node, Asked what);
  [[nodiscard]] bool speaks_onion(const NodeId& node) const;
  void notify(Severity severity, Event event, Fields facts) {
    effects_.emplace_back(Notify{severity, event, std::move(facts)});
  }
  template <class E>
  void say(E&& effect) {
    effects_.emplace_back(std::forward<E>(effect));
  }

  OnionMessages::Inside& self_;
  const Context& context_;
  Effects effects_;
  bool ways_fresh_ = false;
};

// records.cc
[[nodiscard]] Bytes mail_key(const NodeId& client, std::uint64_t sequence);
/// nullopt: it is none.
[[nodiscard]] std::optional<std::pair<NodeId, std::uint64_t>> read_mail_key(ByteView key);
[[nodiscard]] Bytes encode(const StoredMail& mail);
[[nodiscard]] Result<StoredMail, ParseError> decode(ByteView value);

}  // namespace doze::onion_message
