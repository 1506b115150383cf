// Rows of the channel room: what is read is written so that it reads the same, and the room loads it if it is
// under its id and has our keys.
#include "channel/records.h"
#include "samples.h"

using namespace doze;

namespace {

std::vector<channel::HtlcRow> rows_of(const channel::Channel& channel) {
  std::vector<channel::HtlcRow> out;
  for (const auto& [id, value] : htlc_records(channel)) {
    auto row = channel::read_htlc(channel::htlc_key(channel.id, id), value);
    FUZZ_CHECK(row.has_value() && row->id == id);
    out.push_back(*row);
  }
  return out;
}
/// Its rows say the same when they are read and written again.
void check_again(const channel::Channel& read) {
  auto written = channel::record(read);
  auto again = channel::read_channel(written.value, rows_of(read));
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(channel::record(*again).value == written.value);
  FUZZ_CHECK(channel::htlc_records(*again) == channel::htlc_records(read));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::RowInput row({data, size});
  if (auto counter = channel::read_key_counter(row.value))
    FUZZ_CHECK(channel::key_counter_record(*counter).value == row.value);
  auto loaded = channel::load(std::vector<Row>{{Table::Channel, row.key, row.value}}, fuzz::signer());
  if (!loaded) FUZZ_CHECK(loaded.error().table == Table::Channel && loaded.error().key == row.key);
  if (channel::is_htlc_key(row.key)) {
    FUZZ_CHECK(!loaded.has_value());  // it is never alone
    auto htlc = channel::read_htlc(row.key, row.value);
    // It is read beside any channel's row, and fits or not: nothing but that.
    static const auto channels = fuzz::record_seeds({2});
    for (const auto& seed : channels) {
      fuzz::RowInput other(seed);
      if (!htlc || other.key.size() != 32) continue;
      if (auto read = channel::read_channel(other.value, {*htlc})) check_again(*read);
    }
    return 0;
  }
  auto read = channel::read_channel(row.value, {});
  if (read) check_again(*read);
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
