// Rows of the channel room: what is read is written so that it reads the same, and the room loads it if it is
// under its id and has our keys.
#include "channel/records.h"
#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::RowInput row({data, size});
  if (auto counter = channel::read_key_counter(row.value))
    FUZZ_CHECK(channel::key_counter_record(*counter).value == row.value);
  auto read = channel::read_channel(row.value);
  if (read) {
    auto written = channel::record(*read);
    auto again = channel::read_channel(written.value);
    FUZZ_CHECK(again.has_value());
    FUZZ_CHECK(channel::record(*again).value == written.value);
  }
  auto loaded = channel::load(std::vector<Row>{{Table::Channel, row.key, row.value}}, fuzz::signer());
  if (!loaded) FUZZ_CHECK(loaded.error().table == Table::Channel && loaded.error().key == row.key);
  if (channel::is_key_counter(row.key)) return 0;
  bool ours = read && row.key == to_bytes(read->id.view()) &&
              fuzz::signer().channel(read->key_index)->public_keys() == read->params().local.keys;
  FUZZ_CHECK(loaded.has_value() == ours);
  return 0;
}

static fuzz::Seeds seeds() {
  return fuzz::record_seeds({2});
}
DOZE_FUZZ_TARGET(records_channel, 15'000);
