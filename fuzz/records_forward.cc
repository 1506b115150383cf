// Rows of the ledger: what is read is written so that it reads the same, and the room loads it.
#include "forwarding/forwards.h"
#include "forwarding/records.h"
#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::RowInput row({data, size});
  auto read = forwarding::read_forward(row.value);
  if (read) {
    auto written = forwarding::record(*read).value;
    auto again = forwarding::read_forward(written);
    FUZZ_CHECK(again.has_value() && forwarding::record(*again).value == written);
  }
  auto loaded = forwarding::load(std::vector<Row>{{Table::Forward, row.key, row.value}});
  FUZZ_CHECK(loaded.has_value() == read.has_value());
  if (!loaded) FUZZ_CHECK(loaded.error().table == Table::Forward && loaded.error().key == row.key);
  return 0;
}

static fuzz::Seeds seeds() {
  return fuzz::record_seeds({18});
}
DOZE_FUZZ_TARGET(records_forward, 60'000);
