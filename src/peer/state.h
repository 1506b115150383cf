// The room's own state, and one step under way. Only peer/ and its tests include this.
#pragma once

#include <map>
#include <set>

#include "effects/machine.h"
#include "peer/crowd.h"
#include "peer/limits.h"
#include "peer/peers.h"
#include "transport/noise.h"

namespace doze::peer {

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

struct Work : WorkOn<Peers::Inside> {};

}  // namespace doze::peer
