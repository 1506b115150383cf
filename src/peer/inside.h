// The peer room's own state: connections, and the nodes whose addresses we know. Only peer/*.cc include this.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "effects/hearers.h"
#include "effects/limits.h"
#include "peer/crowd.h"
#include "peer/peers.h"
#include "transport/noise.h"

namespace doze::peer {

// ---- times ----
/// From the TCP connection to the first act, which arrives with the connection, or one round trip later.
inline constexpr std::uint64_t kFirstActMs = 10'000;
/// From the TCP connection to the peer's init: three acts and a message, over a slow mobile link.
inline constexpr std::uint64_t kHandshakeMs = 30'000;
/// After this time without a byte from the peer we ping. BOLT 1 wants at least 30 s between idle pings.
inline constexpr std::uint64_t kIdlePingMs = 60'000;
/// After this time without a byte while a ping is unanswered, the connection is dead.
inline constexpr std::uint64_t kSilenceMs = 30'000;
/// How long a peer that sends other messages may leave a ping unanswered: mail would wait forever for its pong.
inline constexpr std::uint64_t kPongPatienceMs = 300'000;
/// The driver answers each dial. If it does not, we continue after its longest possible attempt.
inline constexpr std::uint64_t kDialGuardMs = 120'000;
inline constexpr std::uint64_t kFirstBackoffMs = 1'000, kMaxBackoffMs = 60'000;
/// A connection that lasted this long was good: the backoff starts again.
inline constexpr std::uint64_t kStableMs = 10'000;
/// Two nodes that dial each other get two connections within this time, and must agree on one.
inline constexpr std::uint64_t kCrossedDialsMs = 5'000;

// ---- sizes ----
/// Inbound connections that have not sent the first act: they cost us 1 KiB each. Above this number one
/// of the prefix with the most is closed, not the newest (Crowd::victim): while 1,000 silent connections per second
/// arrive from the same prefix, an honest one may take 300 ms for its first act.
inline constexpr std::size_t kMaxSilent = 1'024;
/// Inbound connections between the first act and init: each costs both sides three curve operations.
/// Above it one is closed in the same way. Peers with a channel and clients leave this crowd with the third act.
inline constexpr std::size_t kMaxHandshakes = 512;
/// A stranger without a useful message for this long is the first to lose its place when kMaxPeersWithoutChannel are
/// connected: a question and its answer take seconds.
inline constexpr std::uint64_t kIdleStrangerMs = 60'000;
/// One that has been connected for this long is the next. A newcomer always gets a place; otherwise a crowd of free
/// ids that ask one question per minute would shut all others out.
inline constexpr std::uint64_t kStrangerTurnMs = 10'000;
/// Bytes of pongs that a peer may ask for: a 6-byte ping can ask for 65 KB. The burst is for peers that ping with every
/// few dozen messages while they send their whole gossip.
inline constexpr std::uint64_t kPongBurstBytes = 4'194'304, kPongBytesPerS = 65'536;
/// The same for all strangers together: 500 that ask for the largest pong once per minute get 546 KB/s. Pongs above
/// this rate wait; the smallest are sent first.
inline constexpr std::uint64_t kStrangersPongBurstBytes = 4'194'304, kStrangersPongBytesPerS = 1'048'576;
/// Bytes of pongs to one peer in one step: one of the largest, or a thousand small ones. A peer that leaves output
/// unread (OutputWaits) gets none.
inline constexpr std::uint64_t kPongBytesInStep = 65'600;
/// How often waiting pongs are checked.
inline constexpr std::uint64_t kPongPauseMs = 50;
/// Pongs that one peer may have waiting, two bytes each.
inline constexpr std::size_t kMaxPongsDue = 1'024;
/// Bytes of incomplete messages of all strangers and handshakes together; above it, the connection with the most is
/// closed. A message has at most 65,569 bytes.
inline constexpr std::size_t kMaxPartialOfStrangers = 16 * 1024 * 1024;
inline constexpr std::uint64_t kPongOverheadBytes = 64;  // what an empty pong costs us
/// BOLT 1: a ping that asks for this many bytes or more gets no pong.
inline constexpr std::uint16_t kFirstUnansweredPong = 65532;
/// Our unanswered pings: a peer with more of them is stuck.
inline constexpr std::size_t kMaxUnansweredPings = 1'024;
/// Addresses tried and remembered per node: a dial of 10 s each fits into kDialGuardMs.
inline constexpr std::size_t kMaxAddresses = 8;

struct SentPing {
  std::optional<std::uint64_t> token;  // nullopt: our own keep-alive
  MonoTime at;
};

/// A bucket that fills with time.
struct Budget {
  std::uint64_t most = kPongBurstBytes, per_s = kPongBytesPerS;
  std::uint64_t left = most;
  MonoTime at;
  [[nodiscard]] bool take(std::uint64_t amount, MonoTime now);
};

/// The crowd that an inbound connection belongs to.
enum class Stage : std::uint8_t {
  Silent,     // nothing valid heard
  Handshake,  // the first act was right
  Stranger,   // init was exchanged
  Free        // dialled by us, or by a peer with a channel or a client: not counted
};

struct Connection {
  ConnectionId id = 0;
  transport::Transport noise;
  std::optional<NodeId> dialled;
  std::string address;
  MonoTime since;                 // TCP connection
  MonoTime heard;                 // last bytes
  MonoTime useful;                // last message for another room
  std::optional<MonoTime> ready;  // init was exchanged
  Stage stage = Stage::Free;
  bool familiar = false;  // Views::is_client when it came; afterwards only better
  bool init_sent = false, init_heard = false;
  bool unread = false;              // output waits for it in the driver
  std::vector<SentPing> pings;      // unanswered, oldest first
  std::vector<std::uint16_t> owed;  // lengths of pongs that wait, oldest first
  Budget pongs;
  std::size_t partial = 0;          // counted in partial_of_strangers
  std::optional<MonoTime> wake_at;  // its place in Inside::wake_ups
};

/// A node that we dial, or may dial.
struct Known {
  std::vector<wire::NetworkAddress> addresses;  // from memory, best first
  bool keep = false;                            // durable: reconnect automatically
  bool stored = false;                          // there is a row
  bool unsaved = false;                         // addresses that are stored once they worked
  bool paused = false;                          // the user disconnected: no reconnecting until asked, or a restart
  bool dialling = false;
  bool asked = false;               // somebody waits for PeerReady or PeerUnreachable
  std::vector<RequestId> requests;  // Connect commands
  std::uint32_t failures = 0;
  std::optional<MonoTime> next;  // next attempt; while dialling: when we stop waiting for the driver
  std::string last_failure;
};

struct Peers::Inside {
  std::map<ConnectionId, Connection> connections;
  std::map<NodeId, ConnectionId> ready;  // one per node
  std::map<NodeId, PeerView> views;
  std::map<NodeId, Known> known;
  Crowd silent, handshakes, strangers;
  std::size_t partial_of_strangers = 0;
  std::set<std::pair<MonoTime, ConnectionId>> wake_ups;  // when to look at a connection
  std::set<std::pair<MonoTime, NodeId>> dials_due;       // Known::next
  std::set<ConnectionId> pinged;                         // in this step, or it reads again: pongs may be owed
  std::set<ConnectionId> owing;                          // pongs wait, looked at at `pongs_at`
  MonoTime pongs_at;
  Budget strangers_pongs{kStrangersPongBurstBytes, kStrangersPongBytesPerS, kStrangersPongBurstBytes, {}};
  bool recording = false;
};

/// The state of one running step.
class Work {
 public:
  Work(Peers::Inside& self, const Context& context) : self_(self), context_(context) {}
  Effects take() { return std::move(effects_); }

  // connection.cc
  void on(const PeerConnected& in);
  void on(const BytesReceived& in);
  void on(const PeerDisconnected& in);
  void on(const OutputWaits& in);
  void on(const ChannelUsable& in);
  void on(const SendMessage& in);
  void on(const PingPeer& in);
  void on(const DropPeer& in);
  void connection_deadlines();
  // pongs.cc
  void on(const EndOfStep& in);
  // dialling.cc
  void on(const Started& in);
  void on(const DialFailed& in);
  void on(const WantPeer& in);
  void dial_deadlines();
  // commands.cc
  void on(const CommandReceived& in);
  void on(const DeadlineReached&) {
    connection_deadlines();
    dial_deadlines();
  }

 private:
  // connection.cc; those that give bool: whether the connection is still there
  bool begin(Connection& connection);
  bool handle(Connection& connection, const Bytes& bytes);
  bool on_init(Connection& connection, const wire::Init& init);
  bool on_ping(Connection& connection, const wire::Ping& ping);
  void on_pong(Connection& connection);
  bool take_over(Connection& connection, const NodeId& node);
  void send(Connection& connection, const wire::Message& message);
  void record(const Connection& connection, const char* direction, ByteView message);
  void ping(Connection& connection, std::optional<std::uint64_t> token);
  void flush(Connection& connection, bool of_channel = false);
  /// Tells the peer why, then closes.
  bool refuse(Connection& connection, const std::string& reason);
  void close(ConnectionId id, const std::string& reason, bool hangup);
  [[nodiscard]] Connection* ready_connection(const NodeId& node);
  /// A channel that is not closed, be it only in opening: a reason to be connected.
  [[nodiscard]] bool has_channel(const NodeId& node) const;
  // places.cc
  void enter(Connection& connection, Stage stage);
  [[nodiscard]] Crowd* crowd_of(Stage stage);
  void make_room(Stage stage);
  /// False: all places are taken by those that we dialled ourselves.
  [[nodiscard]] bool make_room_for_stranger();
  void count_partial(Connection& connection);
  void set_wake_up(Connection& connection);
  // pongs.cc
  [[nodiscard]] bool pay_for_pong(const Connection& connection, std::uint64_t cost);
  void send_owed(Connection& connection);
  void look_at_owing();

  // dialling.cc
  [[nodiscard]] bool wanted(const NodeId& node, const Known& known) const;
  [[nodiscard]] std::vector<wire::NetworkAddress> addresses_of(const NodeId& node, const Known& known) const;
  void set_next(const NodeId& node, Known& known, std::optional<MonoTime> next);
  void remember(Known& known, const std::vector<wire::NetworkAddress>& addresses);
  void store(const NodeId& node, Known& known);
  void dial(const NodeId& node, Known& known);
  void dial_failed(const NodeId& node, const std::string& reason);
  void node_ready(const NodeId& node);
  void node_gone(const NodeId& node, bool was_stable);
  void retry_later(const NodeId& node, Known& known);
  void forget_if_useless(const NodeId& node);

  // commands.cc
  void command(RequestId request, const command::Connect& connect);
  void command(RequestId request, const command::Disconnect& disconnect);
  void command(RequestId request, const command::ListPeers&);
  template <class T>
    requires(!PeerCommand<T>)
  void command(RequestId, const T&) {}
  void reply_connected(RequestId request, const NodeId& node);
  void reply_error(RequestId request, CommandErrorCode code, std::string message);
  void notify(Severity severity, Event event, Fields facts);
  template <class E>
  void say(E&& effect) {
    effects_.emplace_back(std::forward<E>(effect));
  }

  Peers::Inside& self_;
  const Context& context_;
  Effects effects_;
};

// records.cc
[[nodiscard]] Bytes encode(const Known& known);
[[nodiscard]] Result<Known, ParseError> decode(ByteView value);

}  // namespace doze::peer
