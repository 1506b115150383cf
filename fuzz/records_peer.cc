// Rows of the peer room: what is read is written so that it reads the same.
#include "peer/records.h"
#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::RowInput row({data, size});
  auto known = peer::decode(row.value);
  auto loaded = peer::load(std::vector<Row>{{Table::PeerAddress, row.key, row.value}});
  FUZZ_CHECK(loaded.has_value() == (known.has_value() && row.key.size() == 33));
  if (!loaded) FUZZ_CHECK(loaded.error().key == row.key);
  if (!known) return 0;
  auto value = peer::encode(*known);
  auto again = peer::decode(value);
  FUZZ_CHECK(again && peer::encode(*again) == value);
  return 0;
}

static fuzz::Seeds seeds() {
  return fuzz::record_seeds({10});
}
DOZE_FUZZ_TARGET(records_peer, 100'000);
