// Micro benchmarks: what an operation costs beside the library calls that nobody can avoid, in one interleaved run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "effects/features.h"
#include "effects/test/surroundings.h"
#include "paths/own_paths.h"

namespace bench {

using namespace doze;

struct Options {
  std::size_t rounds = 15;
  bool quick = false;                        // one or two operations a round, small tables
  bool plain = false;                        // per round a line for programs: name, floor, ours; us per operation
  std::size_t recipients = 1'000'000;        // of the largest si_serve and store_get
  std::string folder = "build/bench-micro";  // of the rows that write to disk
};

/// One row at work. Each operation gets its number in the round.
struct Sides {
  std::size_t operations = 0;   // a round
  std::function<void()> fresh;  // untimed, before each round: new inputs, so that nobody has seen them before
  std::function<void(std::size_t)> floor, ours;
};

/// How cost may grow from the smallest size to the largest, a hundred times it: to 1.3 times; to twice; and where there
/// is work for each of N things, none more costs more than 1.15 times what it costs in smaller numbers.
enum class Growth : std::uint8_t { Constant, Logarithmic, Linear };

struct Row {
  std::string name;
  double goal = 0;  // ours / floor at most; 0: only reported
  std::function<Sides(const Options&)> make;
  bool disk = false;     // measured in wall-clock time; the others in processor time of this thread
  std::string growth{};  // rows with the same name here grow with `size`
  std::size_t size = 0;
  Growth grows = Growth::Logarithmic;  // at most
};

[[nodiscard]] std::vector<Row> onion_rows();
[[nodiscard]] std::vector<Row> invoice_rows(const Options& options);
[[nodiscard]] std::vector<Row> channel_rows();
[[nodiscard]] std::vector<Row> gossip_rows();
[[nodiscard]] std::vector<Row> store_rows(const Options& options);

/// Aborts with the place: an input of the bench itself is wrong.
void must(bool good, const char* what);

using SeededRng = test::CountingRng;

/// A node of which only some rooms are real.
struct BenchNode : test::Surroundings {
  BenchNode(std::uint8_t seed, Role role) : Surroundings(seed, role) { tip = BlockHeight(800); }
  using Surroundings::see;
  void see(const NodeId& peer) { see(peer, own_features(config)); }
  void add_channel(const NodeId& peer, std::uint8_t number);
};

}  // namespace bench
