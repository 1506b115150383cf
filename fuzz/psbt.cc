// Partially signed transactions have one form: what parses serialises to the same bytes.
#include "bitcoin/psbt.h"

#include "fuzz.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  auto psbt = bitcoin::parse_psbt(input);
  if (!psbt) return 0;
  FUZZ_CHECK(equal(bitcoin::serialize(*psbt), input));
  FUZZ_CHECK(psbt->version == 0 || psbt->version == 2);
  auto tx = bitcoin::unsigned_transaction(*psbt);
  FUZZ_CHECK(tx.has_value() == (psbt->version == 0 || bitcoin::psbt_locktime(*psbt).has_value()));
  if (!tx) return 0;
  FUZZ_CHECK(tx->inputs.size() == psbt->inputs.size() && tx->outputs.size() == psbt->outputs.size());
  FUZZ_CHECK(bitcoin::parse_unsigned_transaction(bitcoin::serialize_without_witness(*tx)).has_value());
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (auto& bytes : fuzz::vector_bytes("bitcoin/psbt.json", 10))
    if (bytes.size() < 600) out.push_back(std::move(bytes));
  return out;
}
DOZE_FUZZ_TARGET(psbt, 60'000);
