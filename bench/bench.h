// Micro benchmarks: what an operation costs beside the library calls that nobody can avoid, in one interleaved run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "effects/context.h"
#include "effects/features.h"
#include "effects/own_paths.h"
#include "effects/seed_signer.h"

namespace bench {

using namespace doze;

struct Options {
  std::size_t rounds = 15;
  bool quick = false;                        // one or two operations a round, small tables
  std::size_t recipients = 100'000;          // of the largest si_serve and store_get
  std::string folder = "build/bench-micro";  // of the rows that write to disk
};

/// One row at work. Each operation gets its number in the round.
struct Sides {
  std::size_t operations = 0;   // a round
  std::function<void()> fresh;  // untimed, before each round: new inputs, so that nobody has seen them before
  std::function<void(std::size_t)> floor, ours;
};

struct Row {
  std::string name;
  double goal = 0;  // ours / floor at most; 0: only reported
  std::function<Sides(const Options&)> make;
  bool disk = false;     // measured in wall-clock time; the others in processor time of this thread
  std::string growth{};  // rows with the same name here grow with `size`
  std::size_t size = 0;
};

[[nodiscard]] std::vector<Row> onion_rows();
[[nodiscard]] std::vector<Row> invoice_rows(const Options& options);
[[nodiscard]] std::vector<Row> channel_rows();
[[nodiscard]] std::vector<Row> store_rows(const Options& options);

/// Aborts with the place: an input of the bench itself is wrong.
void must(bool good, const char* what);

class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<std::uint8_t>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

/// A node of which only some rooms are real.
struct BenchNode {
  BenchNode(std::uint8_t seed, Role role)
      : signer(make_seed_signer(Bytes(64, seed), wire::Network::Regtest)), rng(seed), id(signer->node_id()) {
    config.role = role;
  }
  BenchNode(const BenchNode&) = delete;
  BenchNode& operator=(const BenchNode&) = delete;

  std::unique_ptr<Signer> signer;
  SeededRng rng;
  NodeId id;
  Config config;
  ParallelMap parallel;
  graph::Graph graph;
  std::map<ChannelId, ChannelView> channels;
  std::map<NodeId, PeerView> peers;
  std::map<ChannelId, PolicyPair> policies;
  std::map<OfferId, OfferView> offers;
  std::set<NodeId> invited;
  Views views{graph, channels, peers, policies, offers, invited, true};
  MonoTime mono{1'000'000};
  UnixTime wall{1'700'000'000};

  [[nodiscard]] Context context() { return {mono, wall, BlockHeight(800), rng, config, views, *signer, parallel}; }
  void see(const NodeId& peer) {
    peers.insert_or_assign(peer, PeerView{peer, own_features(config), "bench", false, wall});
  }
  void add_channel(const NodeId& peer, std::uint8_t number);
};

}  // namespace bench
