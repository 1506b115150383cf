// Whole networks of the real node cores in one process and thread: virtual time, simulated connections, chain and disk.
// Everything that happens follows from the seed; the trace hash says whether two runs were the same.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "effects/driver_order.h"
#include "effects/read_rows.h"
#include "node/commit_queue.h"
#include "node/node.h"
#include "sim/chain.h"
#include "sim/wire_tap.h"

namespace doze::sim {

/// Reproducible chance: a ChaCha20 stream.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed, std::string_view label);
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : u64() % limit; }
  /// Where the stream is; going back makes it repeat itself.
  [[nodiscard]] std::uint64_t position() const { return block_; }
  void seek(std::uint64_t position) { block_ = position; }

 private:
  Hash32 key_;
  std::uint64_t block_ = 0;
};

/// What goes wrong, and how often: chances are per ten thousand.
struct Faults {
  std::uint32_t crash_before_commit = 0;  // of a step: neither its batch nor its actions happen
  std::uint32_t crash_after_commit = 0;   // of a step: its batch is there, its actions are not
  std::uint32_t cut = 0;                  // of a delivery: the connection breaks before it
  std::uint32_t onion_lost = 0;           // of an onion message: it never arrives
  std::uint32_t onion_repeated = 0;       // ... arrives twice, the second time a little later
  std::uint32_t onion_delayed = 0;        // ... is overtaken by what was sent after it
  std::uint32_t onion_replayed = 0;       // ... arrives again up to two minutes later, over whatever connection
  std::uint32_t block = 0;                // of a delivery: a block is found right after it
  std::uint64_t restart_ms = 500;         // a crashed node comes back after up to this
  bool lazy_commits = false;  // a batch after which nothing leaves waits for the next one, as the daemon does
};

/// A Lightning message in transit between two nodes.
struct WireMessage {
  std::size_t from = 0, to = 0;
  std::uint16_t type = 0;
  ByteView bytes;            // type included
  std::uint64_t number = 0;  // counts deliveries of the whole world
};
inline constexpr std::uint16_t kOnionMessage = 513;

/// What a test or an enumeration does to a message that is about to be delivered.
struct Fate {
  bool drop = false;
  bool cut_after = false;                     // the connection breaks right behind it, or with it
  std::optional<std::uint64_t> delay_ms;      // instead of now: later messages overtake it
  std::vector<std::uint64_t> again_after_ms;  // it arrives again
};

/// Sees everything, changes nothing: checkers and timelines.
class Watcher {
 public:
  virtual ~Watcher() = default;
  /// A node wrote it; it may be lost yet.
  virtual void sent(const WireMessage&) {}
  virtual void delivered(const WireMessage&) {}
  /// With the commit of its step: also if the node dies right after that.
  virtual void notified(std::size_t /*node*/, const Notify&) {}
  /// A message that was lost, repeated or delayed, or with which its connection broke.
  virtual void went_wrong(const WireMessage&, const std::string& /*how*/) {}
  /// A node starts, or ends: in turns.
  virtual void happened(std::size_t /*node*/, const std::string& /*what*/) {}
};

/// A crash at one commit of a run that is otherwise as always: before it, or between it and what follows from it.
struct CrashAt {
  std::size_t node = 0;
  std::uint64_t commit = 0;  // SimNode::commits, counting this one
  bool after = false;
};

/// One node: its configuration, keys and disk; the core itself only while it runs.
struct SimNode {
  std::string name;
  Config config;
  std::shared_ptr<const Signer> signer;
  std::unique_ptr<SeededRng> rng;
  RowMap disk;
  node::CommitQueue queue;  // as the daemon has it: lost in a crash
  WatchSet watched;         // the same
  std::optional<node::Node> core;
  std::uint64_t life = 0;  // grows with every start: late events of an earlier life are dropped
  bool wanted = false;     // should run: comes back after a crash
  bool faulty = true;      // Faults apply to it
  std::map<RequestId, std::variant<Value, CommandError>> replies;
  std::vector<Notify> log;
  std::optional<MonoTime> timer;
  std::uint64_t commits = 0;
  [[nodiscard]] bool running() const { return core.has_value(); }
};

class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();
  /// The same disks, keys, chain and time, and the same chance from now on. No node may run: their cores do not copy.
  [[nodiscard]] std::unique_ptr<World> copy() const;

  std::size_t add_node(std::string name, Config config);
  [[nodiscard]] SimNode& node(std::size_t index) { return *nodes_[index]; }
  [[nodiscard]] const SimNode& node(std::size_t index) const { return *nodes_[index]; }
  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }
  void start(std::size_t index);
  /// The process is gone at once; what was durable stays.
  void stop(std::size_t index);
  /// "127.0.0.N:9735" of this node.
  [[nodiscard]] wire::NetworkAddress address(std::size_t index) const;

  /// Runs until `done` or until this much virtual time has passed; returns whether it was done.
  bool run_until(const std::function<bool()>& done, std::uint64_t ms);
  void run_for(std::uint64_t ms);
  /// Asks and runs until the reply is there. A node that does not run, or no reply in time: CommandErrorCode::Internal.
  std::variant<Value, CommandError> ask(std::size_t index, command::Command command, std::uint64_t ms = 120'000);
  /// Asks without waiting: look at node().replies.
  RequestId post(std::size_t index, command::Command command);
  void mine(std::size_t count);
  /// Blocks that each node hears of at another moment of the next `spread_ms`. May be called while something happens.
  void mine_scattered(std::size_t count, std::uint64_t spread_ms);
  /// The last `depth` blocks go, `count` others come in their place.
  void reorganise(std::size_t depth, std::size_t count);
  /// A confirmed coin for an address of the node.
  void fund(std::size_t index, Sat amount);
  /// A message arrives at `to` as if `from` had sent it, `delay_ms` from now, if they are connected then.
  void inject(std::size_t from, std::size_t to, Bytes message, std::uint64_t delay_ms);
  /// Breaks every connection between the two.
  void disconnect(std::size_t a, std::size_t b);
  [[nodiscard]] bool connected(std::size_t a, std::size_t b) const;

  Faults faults;
  std::optional<CrashAt> crash_at;
  std::function<Fate(const WireMessage&)> on_message;
  std::vector<Watcher*> watchers;  // outlive what they watch
  Chain chain;
  std::uint64_t crashes = 0, cuts = 0, steps = 0, messages = 0;
  std::uint64_t lost = 0, repeated = 0, delayed = 0, replayed = 0;  // onion messages, by Faults

  [[nodiscard]] MonoTime now() const { return now_; }
  [[nodiscard]] UnixTime wall() const { return UnixTime(kWallAtZero + now_.value() / 1000); }
  [[nodiscard]] std::string trace_hash() const { return trace_.finish().hex(); }

 private:
  static constexpr std::uint64_t kWallAtZero = 1'790'000'000;
  struct End {
    std::size_t node = 0;
    std::uint64_t life = 0;
  };
  struct Link {
    End ends[2];
    WireTap tap;
    bool open = true;
    MonoTime last[2];              // when the last delivery towards this end is due: bytes stay in order
    std::vector<Bytes> held[2]{};  // messages for an end whose handshake is not done
  };

  void at(MonoTime time, std::function<void()> what);
  void step(std::size_t index, const Input& input);
  void connect(std::size_t index, const FoundBlock& block);
  [[nodiscard]] Outbox compute(SimNode& node, const Input& input);
  /// The outbox of a step is committed, now or later, unless the node dies.
  void finish(std::size_t index, Outbox out);
  /// What waits is committed, and leaves then; `commits`: of a step that writes, after which the node may die.
  void settle(std::size_t index, bool commits);
  void settle_later(std::size_t index);
  void write(std::size_t index, Batch& batch);
  void act(std::size_t index, Action& action);
  void crash(std::size_t index, const std::string& how);
  void come_back(std::size_t index, bool after);
  [[nodiscard]] bool dies(const SimNode& node, std::size_t index, bool commits, bool after);
  void dial(std::size_t index, const Dial& dial);
  /// What the chain driver says of the blocks that the node has not heard of; whether there was any word.
  bool feed_blocks(std::size_t index);
  void arm(std::size_t index);
  void note(std::string_view what, std::size_t index, ByteView detail = {});
  std::uint64_t latency();
  [[nodiscard]] bool happens(std::uint32_t chance) { return chance != 0 && chance_.below(10'000) < chance; }

  // links.cc
  void written(ConnectionId connection, ByteView bytes);
  void send_bytes(std::uint64_t link, std::size_t side, Bytes bytes);
  void send_message(std::uint64_t link, std::size_t side, Bytes message);
  void arrive(std::uint64_t link, std::size_t side, const Bytes& message, bool may_go_wrong);
  void deliver(std::uint64_t link, std::size_t side, const Bytes& message, bool cut_after);
  [[nodiscard]] Fate fate_of(const WireMessage& message);
  [[nodiscard]] MonoTime due(Link& link, std::size_t side);
  [[nodiscard]] Link* open_link(std::uint64_t link, std::size_t side);
  void hang_up(ConnectionId connection);
  void cut(std::uint64_t link);

  std::uint64_t seed_;
  SeededRng chance_;
  MonoTime now_{1'000};
  std::uint64_t sequence_ = 0;
  std::map<std::pair<MonoTime, std::uint64_t>, std::function<void()>> events_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::map<std::uint64_t, Link> links_;  // ends have connection ids 2*link and 2*link+1
  std::uint64_t next_link_ = 1;
  RequestId next_request_ = 1;
  ParallelMap parallel_;
  crypto::Sha256 trace_;
};

}  // namespace doze::sim
