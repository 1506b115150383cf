// Failures on their way back: from anywhere, and from a hop of ours through the layers of those before it.
#include "onion/failures.h"

#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView input = ByteView(data, size).subspan(1);
  std::vector<SharedSecret> secrets;
  for (std::uint8_t hop = 0; hop < 4; ++hop) secrets.emplace_back(std::array<std::uint8_t, 32>{hop, 9});
  if (data[0] % 2 == 0) {
    if (auto failure = onion::decode_failure(secrets, input)) FUZZ_CHECK(failure->hop < secrets.size());
    return 0;
  }
  if (input.size() < 2 || input.size() > 256) return 0;
  std::size_t origin = data[0] / 2 % secrets.size();
  auto reason = onion::create_failure(secrets[origin], input);
  FUZZ_CHECK(reason.size() >= 292);
  for (auto hop = origin; hop-- > 0;) reason = onion::wrap_failure(secrets[hop], reason);
  auto failure = onion::decode_failure(secrets, reason);
  FUZZ_CHECK(failure && failure->hop == origin);
  FUZZ_CHECK(failure->code == (input[0] << 8 | input[1]));
  FUZZ_CHECK(equal(failure->data, input.subspan(2)));
  FUZZ_CHECK(*onion::failure_name(failure->code) != 0);
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (std::uint8_t mode : {1, 3, 5, 7})
    out.push_back(fuzz::with_prefix({mode}, onion::failure_message(0x400f, Bytes(12, 1))));
  SharedSecret first(std::array<std::uint8_t, 32>{0, 9});
  out.push_back(fuzz::with_prefix({0}, onion::create_failure(first, onion::failure_message(0x2002))));
  for (auto& bytes : fuzz::vector_bytes("bolt04/onion-error-test.json", 200))
    out.push_back(fuzz::with_prefix({0}, bytes));
  return out;
}
DOZE_FUZZ_TARGET(failure, 15'000);
