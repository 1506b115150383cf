// The store of revealed secrets, from its record and secret by secret.
#include "commitment/shachain.h"

#include "fuzz.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  if (auto store = commitment::SecretStore::parse(input)) {
    auto bytes = store->serialize();
    auto again = commitment::SecretStore::parse(bytes);
    FUZZ_CHECK(again && again->serialize() == bytes);
    (void)store->find(commitment::kFirstIndex);
  }
  if (size < 33) return 0;
  auto seed = *Secret::from(input.first(32));
  commitment::SecretStore store;
  std::uint64_t count = input[32] % 40;
  for (std::uint64_t n = 0; n < count; ++n)
    FUZZ_CHECK(
        store.insert(commitment::kFirstIndex - n, commitment::secret_from_seed(seed, commitment::kFirstIndex - n)));
  auto kept = commitment::SecretStore::parse(store.serialize());
  FUZZ_CHECK(kept.has_value());
  for (std::uint64_t n = 0; n < count; n += 7)
    FUZZ_CHECK(kept->find(commitment::kFirstIndex - n) ==
               commitment::secret_from_seed(seed, commitment::kFirstIndex - n));
  FUZZ_CHECK(!kept->find(commitment::kFirstIndex - count));
  return 0;
}

static fuzz::Seeds seeds() {
  commitment::SecretStore store;
  Secret seed(std::array<std::uint8_t, 32>{1, 2, 3});
  fuzz::Seeds out{store.serialize()};
  for (std::uint64_t n = 0; n < 9; ++n) {
    FUZZ_CHECK(
        store.insert(commitment::kFirstIndex - n, commitment::secret_from_seed(seed, commitment::kFirstIndex - n)));
    if (n % 4 == 0) out.push_back(store.serialize());
  }
  auto chain = to_bytes(seed.reveal());
  chain.push_back(20);
  out.push_back(chain);
  return out;
}
DOZE_FUZZ_TARGET(shachain, 2'000);
