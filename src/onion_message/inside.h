// The onion message room's own state. Only onion_message/*.cc include this.
#pragma once

#include <map>
#include <set>

#include "effects/limits.h"
#include "effects/own_paths.h"
#include "effects/tags.h"
#include "onion/onion_message.h"
#include "onion_message/onion_messages.h"

namespace doze::onion_message {

// ---- limits ----
/// What a peer may send: `messages` and `bytes` at once, refilled by so many a second. Beyond, messages are not taken.
struct Allowance {
  std::uint64_t messages, messages_per_s;
  std::uint64_t bytes, bytes_per_s;
};
/// Peers with a channel, and clients: a conversation takes a handful of messages, a full mailbox comes in one burst.
inline constexpr Allowance kFamiliarAllowance{512, 20, 8'388'608, 262'144};
/// Strangers: whoever dialled us because we introduce one of our clients. Every message costs us three multiplications.
inline constexpr Allowance kStrangerAllowance{96, 4, 2'097'152, 32'768};
static_assert(kStrangerAllowance.messages > kMailboxMessages && kStrangerAllowance.bytes > kMailboxBytes,
              "a mailbox that is delivered to us in one burst must pass: its server erases it at our pong");
/// Longer than an empty budget takes to be full. Budgets of peers that have gone are kept so long: reconnecting gives
/// nothing new.
inline constexpr std::uint64_t kBudgetMemoryMs = 120'000;

/// Our own messages wait so long for a connection to the introduction node. The driver tries an address for 10 s.
inline constexpr std::uint64_t kConnectWaitMs = 25'000;
/// Messages of ours that wait for a connection at a time; among them answers to whoever asked, whose paths may lead to
/// nodes that nobody can reach; and for one node, which may answer no dial. All of them are repeated by who needs them.
inline constexpr std::size_t kMaxWaiting = 1'024, kMaxWaitingAnswers = 128, kMaxWaitingForNode = 16;
/// Searches in the graph for waiting messages in one step, for answers and for our own: a search may see every channel.
inline constexpr std::size_t kMaxSearches = 32;
/// A client whose channels do not become usable gets its mail anyway after this.
inline constexpr std::uint64_t kDeliverAnywayMs = 30'000;
/// Of a mailbox, so much may be from peers that are neither clients nor have a channel with us: most payers are, but
/// keys are free, and whoever makes many of them must not keep out those who have something to lose.
inline constexpr std::size_t kStrangersMessages = kMailboxMessages / 4 * 3;
inline constexpr std::uint64_t kStrangersBytes = kMailboxBytes / 4 * 3;
/// How often the age of the mail is looked at.
inline constexpr std::uint64_t kAgeCheckMs = 3'600'000;
/// All mailboxes together: they are kept in memory, too. Beyond, new mail is dropped.
inline constexpr std::uint64_t kAllMailboxesBytes = 268'435'456;

class Budget {
 public:
  Budget(const Allowance& allowance, MonoTime now)
      : thousandths_(allowance.messages * 1000), bytes_(allowance.bytes), at_(now) {}
  /// False: over the limit, and nothing is taken.
  [[nodiscard]] bool take(const Allowance& allowance, std::uint64_t bytes, MonoTime now);
  [[nodiscard]] MonoTime last_used() const { return at_; }

 private:
  std::uint64_t thousandths_;  // of a message: a trickle refills, too
  std::uint64_t bytes_;
  MonoTime at_;
};

// ---- mail ----
struct Mail {
  NodeId source;  // the peer that brought it; ourselves for our own
  UnixTime stored_at;
  wire::OnionMessage message;  // as it goes to the client
  [[nodiscard]] std::size_t size() const { return 33 + message.onion_message_packet.size(); }
};
struct Mailbox {
  std::map<std::uint64_t, Mail> mail;  // by sequence: oldest first
  std::uint64_t bytes = 0;
};

/// A client that is connected.
enum class Stage : std::uint8_t {
  WaitingForChannels,  // until they are usable, or `until`
  Gossip,              // our gossip and a ping have left
  Settling,            // it has our gossip but verifies it in its own time: until `until`
  Open,                // mail goes out when it comes
};
[[nodiscard]] const char* name(Stage stage);
struct Session {
  Stage stage = Stage::WaitingForChannels;
  MonoTime until;
  std::set<std::uint64_t> sent;  // mail under way, to be erased at the pong behind it
};

// ---- pings that we wait for ----
struct Confirm {
  std::uint64_t tag = 0;
};
struct GossipSeen {};
struct MailSeen {
  std::vector<std::uint64_t> sequences;
};
struct Asked {
  NodeId node;
  std::variant<Confirm, GossipSeen, MailSeen> what;
};

/// A message of ours whose introduction node is not connected yet.
struct Waiting {
  NodeId introduction;
  wire::BlindedPath path;
  onion::FinalMessage message;
  bool direct = false;
  std::uint64_t tag = 0;
  MonoTime until;
  /// To a path that somebody gave us with a question: nobody here waits for its outcome.
  [[nodiscard]] bool is_answer() const { return tag == 0 && !direct; }
};

/// What one step may still spend on ways for waiting messages.
struct Searches {
  std::size_t answers = kMaxSearches, own = kMaxSearches;
  std::set<NodeId> no_way;  // sought in vain
};

struct OnionMessages::Inside {
  std::map<NodeId, Budget> budgets;
  std::map<NodeId, Mailbox> mailboxes;
  std::uint64_t all_bytes = 0;
  std::uint64_t next_sequence = 1;
  std::map<NodeId, Session> sessions;
  std::map<std::uint64_t, Asked> asked;  // by token
  std::uint64_t next_token = 1;
  std::vector<Waiting> waiting;       // oldest first
  std::optional<MonoTime> age_check;  // set while there is mail
};

/// One step under way.
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
  // sending.cc
  void on(const SendOnionMessage& in);
  void on(const PeerUnreachable& in);
  // receiving.cc
  void on(const MessageReceived& in);
  // mailbox.cc
  void on(const ChannelUsable& in);

 private:
  // sending.cc
  void send_or_wait(Waiting message);
  [[nodiscard]] bool may_wait(const Waiting& message) const;
  void send_direct(const Waiting& message);
  /// Over connected peers that relay; false: no way, nothing sent.
  [[nodiscard]] bool send_over_graph(const Waiting& message);
  [[nodiscard]] bool send_over_graph(const Waiting& message, Searches& searches);
  [[nodiscard]] std::optional<wire::OnionMessage> build(const Waiting& message, const std::vector<NodeId>& way);
  [[nodiscard]] std::optional<NodeId> resolve(const wire::IntroductionNode& introduction) const;
  [[nodiscard]] std::optional<NodeId> resolve(const onion::NextNode& next) const;
  [[nodiscard]] std::set<NodeId> relaying_peers() const;
  void retry_waiting(const NodeId& ready);
  void waiting_deadlines();
  void report(std::uint64_t tag, OnionMessageFate fate);

  // receiving.cc
  [[nodiscard]] bool within_limits(const NodeId& from, std::size_t bytes);
  void relay(const NodeId& from, const onion::RelayMessage& message);
  void refuse(const NodeId& from, const char* why);

  // mailbox.cc
  [[nodiscard]] bool keeps_mail_for(const NodeId& node) const;
  [[nodiscard]] bool sleeps(const NodeId& node) const;
  /// False: it was not kept, for there is no room.
  bool park(const NodeId& client, const NodeId& source, wire::OnionMessage message);
  void shrink(const NodeId& client, Mailbox& mailbox, std::uint64_t newest);
  [[nodiscard]] std::optional<std::uint64_t> surplus(const Mailbox& mailbox, std::uint64_t newest,
                                                     bool strangers) const;
  void remove(Mailbox& mailbox, std::uint64_t sequence);
  void erase(const NodeId& client, Mailbox& mailbox, std::uint64_t sequence);
  void drop_old_mail();
  void open_session(const NodeId& client);
  void advance(const NodeId& client);
  void gossip_seen(const NodeId& client);
  void deliver(const NodeId& client, Session& session);
  void mail_seen(const NodeId& client, const std::vector<std::uint64_t>& sequences);
  void session_deadlines();
  [[nodiscard]] Value describe_mailboxes() const;

  void ping(const NodeId& node, std::variant<Confirm, GossipSeen, MailSeen> what);
  [[nodiscard]] bool speaks_onion(const NodeId& node) const;
  void notify(Severity severity, const char* event, Fields facts) {
    effects_.emplace_back(Notify{severity, event, std::move(facts)});
  }
  template <class E>
  void say(E&& effect) {
    effects_.emplace_back(std::forward<E>(effect));
  }

  OnionMessages::Inside& self_;
  const Context& context_;
  Effects effects_;
};

// records.cc
[[nodiscard]] Bytes mail_key(const NodeId& client, std::uint64_t sequence);
[[nodiscard]] Bytes encode(const Mail& mail);
[[nodiscard]] Result<Mail, ParseError> decode(ByteView value);

}  // namespace doze::onion_message
