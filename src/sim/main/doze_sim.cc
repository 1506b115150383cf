// One seed or many: the async flow under faults. The same seed gives the same trace hash.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sim/fault_run.h"

int main(int argc, char** argv) {
  std::uint64_t first = 0, last = 0;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
      first = last = std::strtoull(argv[++i], nullptr, 10);
      verbose = true;
    } else if (std::strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
      char* end = nullptr;
      first = std::strtoull(argv[++i], &end, 10);
      last = std::strncmp(end, "..", 2) == 0 ? std::strtoull(end + 2, nullptr, 10) : first;
    } else {
      std::fprintf(stderr, "usage: doze_sim --seed N | --seeds FIRST..LAST\n");
      return 1;
    }
  }
  std::uint64_t settled = 0, payments = 0, failed = 0;
  for (auto seed = first; seed <= last; ++seed) {
    auto result = doze::sim::fault_run(seed);
    settled += result.settled;
    payments += result.payments;
    if (!result.problems.empty()) {
      ++failed;
      std::printf("seed %llu: FAILED (again with: ./run sim %llu)\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(seed));
      for (const auto& problem : result.problems) std::printf("  %s\n", problem.c_str());
    }
    if (verbose) {
      for (const auto& line : result.story) std::printf("%s\n", line.c_str());
      std::printf("trace %s\n", result.trace_hash.c_str());
    }
  }
  std::printf("%llu seeds, %llu payments, %llu settled, %llu seeds failed\n",
              static_cast<unsigned long long>(last - first + 1), static_cast<unsigned long long>(payments),
              static_cast<unsigned long long>(settled), static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
