// Rows of the invoicing room: what is read is written so that it reads the same, and the room loads it.
#include "invoicing/records.h"
#include "samples.h"

using namespace doze;

template <class Read, class Write>
static bool round(Read read, const Bytes& value, Write write) {
  auto first = read(value);
  if (!first) return false;
  Put row = write(*first);
  auto second = read(row.value);
  FUZZ_CHECK(second.has_value());
  FUZZ_CHECK(write(*second).value == row.value);
  return true;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invoicing;
  fuzz::RowInput row({data, size});
  auto table = static_cast<Table>(12 + row.table % 4);
  auto write = [](const auto& value) { return record(value); };
  bool good = false;
  if (table == Table::Offer) good = round([](ByteView v) { return read_own_offer(v); }, row.value, write);
  if (table == Table::Joined) good = round([](ByteView v) { return read_joined(v); }, row.value, write);
  if (table == Table::Invitation) good = round([](ByteView v) { return read_invited(v); }, row.value, write);
  if (table == Table::StaticInvoice)
    good = round([&](ByteView v) { return read_served(row.key, v); }, row.value,
                 [](const auto& pair) { return record(pair.first, pair.second); });
  auto loaded = load(std::vector<Row>{{table, row.key, row.value}});
  FUZZ_CHECK(loaded.has_value() == good);
  if (!loaded) FUZZ_CHECK(loaded.error().table == table && loaded.error().key == row.key);
  return 0;
}

static fuzz::Seeds seeds() {
  return fuzz::record_seeds({12, 13, 14, 15});
}
DOZE_FUZZ_TARGET(records_invoicing, 4'000);
