// Blocks have one form, too; their headers are always 80 bytes.
#include "bitcoin/block.h"

#include "fuzz.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  auto header = bitcoin::parse_block_header(input);
  FUZZ_CHECK(header.has_value() == (size == bitcoin::kBlockHeaderSize));
  if (header) {
    FUZZ_CHECK(equal(bitcoin::serialize(*header), input));
    (void)bitcoin::has_work(*header);
    auto hash = bitcoin::block_hash(*header);
    FUZZ_CHECK(bitcoin::parse_block_hash(bitcoin::block_hash_to_string(hash)) == hash);
  }
  auto block = bitcoin::parse_block(input);
  if (!block) return 0;
  FUZZ_CHECK(equal(bitcoin::serialize(*block), input));
  bool repeated = false;
  auto root = bitcoin::merkle_root(block->transactions, &repeated);
  FUZZ_CHECK(root.is_zero() == block->transactions.empty());
  // CVE-2012-2459: the last transaction once more gives the same root for an odd number, and must be noticed.
  if (block->transactions.size() % 2 == 1 && block->transactions.size() > 1) {
    auto more = block->transactions;
    more.push_back(more.back());
    bool noticed = false;
    FUZZ_CHECK(bitcoin::merkle_root(more, &noticed) == root && noticed);
  }
  return 0;
}

static fuzz::Seeds seeds() {
  bitcoin::Block block;
  block.header.bits = 0x207fffff;
  fuzz::Seeds out{bitcoin::serialize(block.header), bitcoin::serialize(block)};
  for (const auto& bytes : fuzz::vector_bytes("bitcoin/bip143.json", 60))
    if (auto transaction = bitcoin::parse_transaction(bytes); transaction && block.transactions.size() < 5) {
      block.transactions.push_back(*std::move(transaction));
      block.header.merkle_root = bitcoin::merkle_root(block.transactions);
      out.push_back(bitcoin::serialize(block));
    }
  FUZZ_CHECK(out.size() > 4);
  return out;
}
DOZE_FUZZ_TARGET(block, 60'000);
