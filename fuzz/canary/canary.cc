// Planted bugs, one a program: whoever says "no finding" must have found these. scripts/fuzz-canaries runs them.
#include <climits>
#include <cstring>

#include "fuzz.h"

using namespace doze;

namespace {
volatile int sink = 0;

#if defined(CANARY_ASAN)
/// Reads one byte behind what it has.
void bug(ByteView input) {
  auto copy = to_bytes(input);
  const volatile std::uint8_t* bytes = copy.data();
  sink = bytes[copy.size()];
}
#elif defined(CANARY_UBSAN)
/// Adds more than an int holds.
void bug(ByteView input) {
  volatile int most = INT_MAX;
  sink = most + input[0];
}
#else
/// A reader that forgets the last byte: its writer does not give back what was read.
void bug(ByteView input) {
  auto read = to_bytes(input.first(input.size() - 1));
  FUZZ_CHECK(equal(read, input));
}
#endif
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size >= 3 && std::memcmp(data, "bug", 3) == 0) bug({data, size});
  return 0;
}

#ifndef CANARY_FUZZED
/// Without libFuzzer: the input that it would have to find.
int main() {
  Bytes input{'b', 'u', 'g'};
  return LLVMFuzzerTestOneInput(input.data(), input.size());
}
#endif
