// init: features of both fields joined, networks, our address as the peer sees it; and what we conclude from features.
#include "samples.h"
#include "wire/messages.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto message = wire::decode(fuzz::with_prefix({0, 16}, {data, size}));
  if (!message) return 0;
  const auto& init = std::get<wire::Init>(*message);
  auto bytes = wire::encode(init);
  auto again = wire::decode(bytes);
  FUZZ_CHECK(again.has_value());
  const auto& same = std::get<wire::Init>(*again);
  FUZZ_CHECK(same.features == init.features && same.networks == init.networks && same.remote_addr == init.remote_addr);
  if (auto bit = wire::unknown_even(init.features)) {
    FUZZ_CHECK(init.features.has(*bit) && *bit % 2 == 0);
  }
  if (auto bit = wire::missing_dependency(init.features)) FUZZ_CHECK(init.features.has(*bit));
  wire::FeatureBits rebuilt;
  for (auto bit : init.features.bits()) rebuilt.set(bit);
  FUZZ_CHECK(rebuilt == init.features && rebuilt.to_bytes() == init.features.to_bytes());
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (const auto& message : fuzz::messages())
    if (std::holds_alternative<wire::Init>(message)) {
      auto bytes = wire::encode(message);
      out.emplace_back(bytes.begin() + 2, bytes.end());
    }
  out.push_back(hex("00021100000708a0880a8a59a1"));
  return out;
}
DOZE_FUZZ_TARGET(init, 80'000);
