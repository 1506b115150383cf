// One network, one seed, everything goes wrong, then nothing does: all payments must have ended with exact sums.
#pragma once

#include <string>
#include <vector>

#include "sim/async_network.h"

namespace doze::sim {

struct FaultResult {
  std::uint64_t payments = 0, settled = 0;
  std::map<std::string, std::uint64_t> endings;  // of those that did not settle: which limit, how often
  std::vector<std::string> problems;             // broken promises: empty for a good seed
  std::vector<std::string> story;
  std::string trace_hash;
};

/// Sets the network up without faults, then makes one to three held payments while connections are cut, processes die
/// before and after commits, onion messages are lost, repeated, overtaken and replayed, blocks come and go at any time,
/// and payer and recipient sleep; then lets it come to rest. Good: every payment has ended, all sums are exact, nothing
/// that Checker watches broke, and what did not settle names a limit that was exceeded.
[[nodiscard]] FaultResult fault_run(std::uint64_t seed);

}  // namespace doze::sim
