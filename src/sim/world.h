// Whole networks of the real node cores in one process and thread: virtual time, simulated connections, chain and disk.
// Everything that happens follows from the seed; the trace hash says whether two runs were the same.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "node/node.h"
#include "sim/chain.h"

namespace doze::sim {

/// Reproducible chance: a ChaCha20 stream.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed, std::string_view label);
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : u64() % limit; }

 private:
  Hash32 key_;
  std::uint64_t block_ = 0;
};

/// What goes wrong, and how often: chances are per ten thousand.
struct Faults {
  std::uint32_t crash_before_commit = 0;  // of a step: neither its batch nor its actions happen
  std::uint32_t crash_after_commit = 0;   // of a step: its batch is there, its actions are not
  std::uint32_t cut = 0;                  // of a delivery: the connection breaks before it
  std::uint64_t restart_ms = 500;         // a crashed node comes back after up to this
};

class World;

/// One node: its configuration, keys and disk; the core itself only while it runs.
struct SimNode {
  std::string name;
  Config config;
  std::unique_ptr<Signer> signer;
  std::unique_ptr<SeededRng> rng;
  std::map<std::pair<Table, Bytes>, Bytes> disk;
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

  std::size_t add_node(std::string name, Config config);
  [[nodiscard]] SimNode& node(std::size_t index) { return *nodes_[index]; }
  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }
  void start(std::size_t index);
  /// The process is gone at once; what was durable stays.
  void stop(std::size_t index);
  /// "127.0.0.N:9735" of this node.
  [[nodiscard]] wire::NetworkAddress address(std::size_t index) const;

  /// Runs until `done` or until so much virtual time has passed; says whether it was done.
  bool run_until(const std::function<bool()>& done, std::uint64_t ms);
  void run_for(std::uint64_t ms);
  /// Asks and runs until the reply is there. A node that does not run, or no reply in time: CommandErrorCode::Internal.
  std::variant<Value, CommandError> ask(std::size_t index, command::Command command, std::uint64_t ms = 120'000);
  /// Asks without waiting: look at node().replies.
  RequestId post(std::size_t index, command::Command command);
  void mine(std::size_t count);
  /// A confirmed coin for an address of the node.
  void fund(std::size_t index, Sat amount);

  Faults faults;
  Chain chain;
  std::uint64_t crashes = 0, cuts = 0, steps = 0;
  /// Called for every onion message bytes and others: (from, to, bytes). For tests that watch the wire.
  std::function<void(const std::string&)> on_event;

  [[nodiscard]] MonoTime now() const { return now_; }
  [[nodiscard]] UnixTime wall() const { return UnixTime(1'790'000'000 + now_.value() / 1000); }
  [[nodiscard]] std::string trace_hash() const { return trace_.finish().hex(); }

 private:
  struct End {
    std::size_t node = 0;
    std::uint64_t life = 0;
  };
  struct Link {
    End ends[2];
    bool open = true;
    MonoTime last[2];  // when the last delivery towards this end is due: bytes stay in order
  };

  void at(MonoTime time, std::function<void()> what);
  void step(std::size_t index, const Input& input);
  void act(std::size_t index, Action& action);
  void crash(std::size_t index);
  void cut(ConnectionId connection);
  void dial(std::size_t index, const Dial& dial);
  void feed_blocks(std::size_t index);
  void arm(std::size_t index);
  void note(std::string_view what, std::size_t index, ByteView detail = {});
  std::uint64_t latency();

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
