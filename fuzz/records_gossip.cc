// Rows of the gossip room, all of one input's rows together: the room loads them or says which it cannot read.
#include "gossip/inside.h"
#include "samples.h"

using namespace doze;

// The first byte chooses how many good rows of the golden file stand in front; then a row.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const auto kGood = fuzz::record_seeds({7, 8, 9});
  std::vector<Row> rows;
  auto push = [&](const fuzz::RowInput& row) {
    rows.push_back({static_cast<Table>(7 + (row.table + 2) % 3), row.key, row.value});
  };
  for (std::size_t i = 0; i < data[0] % (kGood.size() + 1); ++i) push(fuzz::RowInput(kGood[i]));
  push(fuzz::RowInput(ByteView(data, size).subspan(1)));
  gossip::Gossip::Inside state;
  auto read = gossip::read_rows(rows, state);
  if (!read) {
    FUZZ_CHECK(static_cast<int>(read.error().table) >= 7 && static_cast<int>(read.error().table) <= 9);
    return 0;
  }
  FUZZ_CHECK(gossip::load(rows).has_value());
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (const auto& row : fuzz::record_seeds({7, 8, 9}))
    for (std::uint8_t before : {0, 1, 4, 12}) out.push_back(fuzz::with_prefix({before}, row));
  return out;
}
DOZE_FUZZ_TARGET(records_gossip, 15'000);
