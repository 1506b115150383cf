// The node's own row: the tail of the chain has one form.
#include "node/chain_tail.h"
#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::RowInput row({data, size});
  auto tail = node::read_tail(row.value);
  if (tail) FUZZ_CHECK(node::tail_record(*tail).value == row.value);
  // Read first, so a bad one costs no more.
  if (tail || row.table != 1 || !equal(row.key, bytes_of("tail"))) return 0;
  static const Config kConfig;
  static const ParallelMap kParallel;
  auto read = [&](Table table) {
    return table == Table::Meta ? std::vector<Row>{{Table::Meta, row.key, row.value}} : std::vector<Row>{};
  };
  auto loaded = node::Node::load(kConfig, fuzz::signer(), read, kParallel);
  FUZZ_CHECK(!loaded && loaded.error().table == Table::Meta && loaded.error().key == row.key);
  return 0;
}

static fuzz::Seeds seeds() {
  return fuzz::record_seeds({1});
}
DOZE_FUZZ_TARGET(records_node, 20'000);
