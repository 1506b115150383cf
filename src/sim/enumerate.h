// The one flow, disturbed at every place where it can be: nothing is left to chance here.
//
// The flow: S pays and gets the static invoice from M, the HTLC is held at L, held_htlc_available is in M's mailbox;
// S's process stops, L is killed and comes back; R starts, releases, L and M forward, R claims; S comes back and learns
// it.
#pragma once

#include "sim/async_network.h"

namespace doze::sim {

/// At most one thing goes wrong in a run; everything counts from the moment when S pays.
struct Disturbance {
  std::optional<std::uint64_t> cut_after;  // the connection breaks right behind this message
  std::optional<CrashAt> crash;            // `commit` counts the node's commits from 1
  std::uint64_t blocks_after = 0;          // behind this message come ...
  std::uint64_t blocks = 0;                // ... this many blocks at once, seen by each node at its own time
  [[nodiscard]] std::string text(const World& world) const;
};

struct FlowResult {
  bool settled = false;
  std::string ending;                  // if not settled: the limit that was exceeded
  std::uint64_t messages = 0;          // delivered
  std::vector<std::uint64_t> commits;  // by node
  std::vector<std::string> problems;
};

/// The start of all runs of one profile: an offer is made, all nodes sleep.
struct FlowStart {
  AsyncNetwork network;
  std::string offer;
};
[[nodiscard]] FlowStart flow_start(const AsyncSettings& settings);
/// The flow from there. Without blocks it must settle; with blocks it may end at a limit that was exceeded.
[[nodiscard]] FlowResult run_flow(const FlowStart& start, const Disturbance& disturbance);

enum class Where : std::uint8_t {
  Messages,       // a cut behind each message
  BeforeCommits,  // a crash before each commit of each node
  AfterCommits,   // a crash between each commit and what follows from it
  Blocks,         // blocks behind each message: one, and as many as bring each deadline, and one less
};
/// Every `stride`-th disturbance of this kind from `offset` on.
[[nodiscard]] std::vector<Disturbance> disturbances(const FlowStart& start, Where where, std::size_t stride = 1,
                                                    std::size_t offset = 0);

}  // namespace doze::sim
