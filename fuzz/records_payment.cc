// Rows of the payment room: what is read is written so that it reads the same, and the room loads it.
#include "payment/ended.h"
#include "payment/payments.h"
#include "payment/records.h"
#include "samples.h"

using namespace doze;

template <class Read>
static bool round(Read read, const Bytes& value) {
  auto first = read(value);
  if (!first) return false;
  Put row = payment::record(*first);
  auto second = read(row.value);
  FUZZ_CHECK(second.has_value());
  FUZZ_CHECK(payment::record(*second).value == row.value);
  return true;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace payment;
  fuzz::RowInput row({data, size});
  // Each table's own number picks it.
  constexpr Table kTables[] = {Table::InvoiceSent, Table::OutgoingPayment, Table::IncomingPayment,
                               Table::OutgoingPayment, Table::ReleaseDue};
  auto table = kTables[row.table % std::size(kTables)];
  bool good = false;
  if (table == Table::OutgoingPayment)
    good = is_late(row.value) ? round([](ByteView v) { return read_late(v); }, row.value)
                              : round([](ByteView v) { return read_outgoing(v); }, row.value);
  if (table == Table::IncomingPayment) good = round([](ByteView v) { return read_incoming(v); }, row.value);
  if (table == Table::ReleaseDue) good = round([](ByteView v) { return read_release(v); }, row.value);
  if (table == Table::InvoiceSent) good = round([](ByteView v) { return read_issued(v); }, row.value);
  auto loaded = load(std::vector<Row>{{table, row.key, row.value}});
  FUZZ_CHECK(loaded.has_value() == good);
  if (!loaded) FUZZ_CHECK(loaded.error().table == table && loaded.error().key == row.key);
  return 0;
}

static fuzz::Seeds seeds() {
  auto out = fuzz::record_seeds({16, 17, 20});
  payment::ReleaseDue release;
  release.reply_path = wire::to_bytes(fuzz::path(1));
  auto row = payment::record(release);
  auto seed = fuzz::with_prefix({19, static_cast<std::uint8_t>(row.key.size())}, row.key);
  append(seed, row.value);
  out.push_back(seed);
  return out;
}
DOZE_FUZZ_TARGET(records_payment, 60'000);
