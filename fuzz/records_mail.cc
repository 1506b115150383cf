// Rows of the mailbox have one form; one that cannot be read is named.
#include "onion_message/records.h"
#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::RowInput row({data, size});
  auto mail = onion_message::decode(row.value);
  if (mail) FUZZ_CHECK(onion_message::encode(*mail) == row.value);
  auto loaded = onion_message::load(std::vector<Row>{{Table::Mailbox, row.key, row.value}});
  FUZZ_CHECK(loaded.has_value() == (mail.has_value() && row.key.size() == 41));
  if (!loaded) FUZZ_CHECK(loaded.error().table == Table::Mailbox && loaded.error().key == row.key);
  return 0;
}

static fuzz::Seeds seeds() {
  return fuzz::record_seeds({11});
}
DOZE_FUZZ_TARGET(records_mail, 60'000);
