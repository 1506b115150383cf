// What every fuzz target shares. A target is one file: LLVMFuzzerTestOneInput, seeds() with good inputs, and one line
// that says how many mutations the short run makes of them.
//
// With DOZE_FUZZ each file is a libFuzzer program of its own. In every build all of them are in fuzz_short, which calls
// them with the seeds and with seeded mutations: there the function has a name of its own (CMakeLists.txt renames it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/ids.h"

/// An invariant of the parser: a breach is a finding.
#define FUZZ_CHECK(expression) LN_ASSERT(expression)

namespace doze::fuzz {

using Seeds = std::vector<Bytes>;
struct Target {
  const char* name;
  int (*run)(const std::uint8_t*, std::size_t);
  Seeds (*seeds)();
  std::size_t rounds;  // mutations in the short run
};
[[nodiscard]] std::vector<Target>& targets();
struct Register {
  explicit Register(Target target) { targets().push_back(target); }
};
#define DOZE_FUZZ_TARGET(NAME, ROUNDS) \
  static const ::doze::fuzz::Register kRegistered({#NAME, LLVMFuzzerTestOneInput, seeds, ROUNDS})

/// Every string of a file in vectors/, and those of them that are hex, as bytes.
[[nodiscard]] std::vector<std::string> vector_strings(const std::string& file);
[[nodiscard]] Seeds vector_bytes(const std::string& file, std::size_t at_least = 1);
/// Bytes of texts, for targets that read text.
[[nodiscard]] Seeds texts(const std::vector<std::string>& texts);
[[nodiscard]] Bytes with_prefix(std::initializer_list<std::uint8_t> prefix, ByteView rest);
void add(Seeds& seeds, Seeds more);

[[nodiscard]] inline std::string as_text(ByteView bytes) {
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace doze::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
