// The peer room's own state: connections, and the nodes that we know how to dial. Only peer/*.cc include this.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "effects/limits.h"
#include "peer/peers.h"
#include "transport/noise.h"

namespace doze::peer {

// ---- times ----
/// From the TCP connection to the peer's init: three acts and a message, over a slow mobile link.
inline constexpr std::uint64_t kHandshakeMs = 30'000;
/// Nothing heard for so long: ask with a ping. BOLT 1 wants at least 30 s between idle pings.
inline constexpr std::uint64_t kIdlePingMs = 60'000;
/// Nothing heard for so long while a ping is unanswered: the connection is dead.
inline constexpr std::uint64_t kSilenceMs = 30'000;
/// A peer that talks but leaves a ping unanswered so long is no use: mail would wait for ever.
inline constexpr std::uint64_t kPongPatienceMs = 300'000;
/// The driver answers each dial; should it not, we go on after its longest possible attempt.
inline constexpr std::uint64_t kDialGuardMs = 120'000;
inline constexpr std::uint64_t kFirstBackoffMs = 1'000, kMaxBackoffMs = 60'000;
/// A connection that lasted so long was good: the backoff starts anew.
inline constexpr std::uint64_t kStableMs = 10'000;
/// Two nodes that dial each other get two connections within this time, and must agree on one.
inline constexpr std::uint64_t kCrossedDialsMs = 5'000;

// ---- sizes ----
/// Inbound connections before init at a time: strangers cost us memory and curve operations before we know them.
/// Beyond, the oldest goes: an honest handshake takes some round trips, silence would keep its place for kHandshakeMs.
inline constexpr std::size_t kMaxHandshakes = 128;
/// A stranger that said nothing of use for so long gives its place to another when kMaxPeersWithoutChannel are there: a
/// question and its answer take seconds.
inline constexpr std::uint64_t kIdleStrangerMs = 60'000;
/// Bytes of pongs that a peer may ask for: a 6-byte ping can ask for 65 KB. The burst is for peers that ping with every
/// few dozen messages while they send their whole gossip.
inline constexpr std::uint64_t kPongBurstBytes = 4'194'304, kPongBytesPerS = 65'536;
inline constexpr std::uint64_t kPongOverheadBytes = 64;  // what an empty pong costs us
/// BOLT 1: a ping that asks for so much or more gets no pong.
inline constexpr std::uint16_t kFirstUnansweredPong = 65532;
/// Unanswered pings of ours: who asks more often than the peer answers is stuck.
inline constexpr std::size_t kMaxUnansweredPings = 1'024;
/// Addresses tried and remembered per node: a dial of 10 s each fits into kDialGuardMs.
inline constexpr std::size_t kMaxAddresses = 8;

struct SentPing {
  std::optional<std::uint64_t> token;  // nullopt: our own keep-alive
  MonoTime at;
};

/// A bucket that fills with time.
struct Budget {
  std::uint64_t left = kPongBurstBytes;
  MonoTime at;
  [[nodiscard]] bool take(std::uint64_t amount, MonoTime now);
};

struct Connection {
  ConnectionId id = 0;
  transport::Transport noise;
  std::optional<NodeId> dialled;
  std::string address;
  MonoTime since;                 // TCP connection
  MonoTime heard;                 // last bytes
  MonoTime useful;                // last message for a room beside this one
  std::optional<MonoTime> ready;  // init was exchanged
  bool init_sent = false;
  bool unread = false;         // output waits for it in the driver
  std::deque<SentPing> pings;  // unanswered, oldest first
  Budget pongs;
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
  std::map<NodeId, ConnectionId> ready;  // one a node
  std::map<NodeId, PeerView> views;
  std::map<NodeId, Known> known;
  std::vector<std::pair<ConnectionId, wire::Pong>> pongs;  // of this step
  bool recording = false;
};

/// One step under way.
class Work {
 public:
  Work(Peers::Inside& self, const Context& context) : self_(self), context_(context) {}
  Effects take() { return std::move(effects_); }

  // connection.cc
  void on(const PeerConnected& in);
  void on(const BytesReceived& in);
  void on(const PeerDisconnected& in);
  void on(const OutputWaits& in);
  void on(const SendMessage& in);
  void on(const PingPeer& in);
  void on(const DropPeer& in);
  void on(const EndOfStep& in);
  void connection_deadlines();
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
  bool handle(Connection& connection, const Bytes& bytes);
  bool on_init(Connection& connection, const wire::Init& init);
  bool on_ping(Connection& connection, const wire::Ping& ping);
  void on_pong(Connection& connection);
  bool take_over(Connection& connection, const NodeId& node);
  void send(Connection& connection, const wire::Message& message);
  void record(const Connection& connection, const char* direction, ByteView message);
  void ping(Connection& connection, std::optional<std::uint64_t> token);
  void flush(Connection& connection);
  /// Tells the peer why, then closes.
  bool refuse(Connection& connection, const std::string& reason);
  void close(ConnectionId id, const std::string& reason, bool hangup);
  [[nodiscard]] Connection* ready_connection(const NodeId& node);
  [[nodiscard]] bool has_channel(const NodeId& node) const;
  void drop_oldest_handshake();
  /// Whether a stranger may stay, perhaps in place of an idle one.
  [[nodiscard]] bool make_room_for_stranger();

  // dialling.cc
  [[nodiscard]] bool wanted(const NodeId& node, const Known& known) const;
  [[nodiscard]] std::vector<wire::NetworkAddress> addresses_of(const NodeId& node, const Known& known) const;
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
  void command(RequestId, const T&) {}  // another room's
  void reply_connected(RequestId request, const NodeId& node);
  void reply_error(RequestId request, CommandErrorCode code, std::string message);
  void notify(Severity severity, const char* event, Fields facts);
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
