// Transactions have one form: what parses serialises to the same bytes.
#include "bitcoin/transaction.h"

#include "fuzz.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  auto parsed = bitcoin::parse_transaction(input);
  if (!parsed) return 0;
  FUZZ_CHECK(equal(bitcoin::serialize(*parsed), input));
  auto base = bitcoin::serialize_without_witness(*parsed);
  FUZZ_CHECK(bitcoin::weight(*parsed) == 3 * base.size() + size);
  FUZZ_CHECK(bitcoin::weight(*parsed) <= bitcoin::kMaxBlockWeight);
  FUZZ_CHECK(bitcoin::vsize(*parsed) * 4 >= bitcoin::weight(*parsed));
  auto id = bitcoin::txid(*parsed);
  FUZZ_CHECK(bitcoin::parse_txid(bitcoin::txid_to_string(id)) == id);
  FUZZ_CHECK(parsed->has_witness() == (base.size() != size));
  FUZZ_CHECK((bitcoin::wtxid(*parsed).bytes == id.bytes) == !parsed->has_witness());
  for (const auto& output : parsed->outputs) FUZZ_CHECK(output.amount.is_money());
  // Behind something else, as in a block.
  Writer two;
  two.bytes(input).u8(0);
  Reader in(two.view());
  auto read = bitcoin::read_transaction(in);
  FUZZ_CHECK(read && *read == *parsed && in.remaining() == 1);
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (const auto* file :
       {"bitcoin/bip143.json", "bitcoin/tx_valid.json", "bitcoin/bip341.json", "bolt03/commitment-tx.json"})
    for (auto& bytes : fuzz::vector_bytes(file, 60))
      if (bytes.size() < 1'000 && bitcoin::parse_transaction(bytes)) out.push_back(std::move(bytes));
  FUZZ_CHECK(out.size() > 100);
  return out;
}
DOZE_FUZZ_TARGET(transaction, 100'000);
