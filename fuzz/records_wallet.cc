// Rows of the wallet: what is read is written so that it reads the same.
#include "samples.h"
#include "wallet/inside.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::RowInput row({data, size});
  Row given{row.table % 2 == 1 ? Table::Coin : Table::WalletState, row.key, row.value};
  wallet::Wallet::Inside state;
  auto read = wallet::read_row(given, state);
  if (!read) return 0;
  std::vector<Put> rows;
  for (const auto& [outpoint, coin] : state.coins) rows.push_back(wallet::record(coin));
  for (const auto& [txid, own] : state.transactions) rows.push_back(wallet::record(txid, own));
  if (rows.empty()) rows.push_back(wallet::indexes_record(state));
  FUZZ_CHECK(rows.size() == 1);
  wallet::Wallet::Inside again;
  FUZZ_CHECK(wallet::read_row({rows[0].table, rows[0].key, rows[0].value}, again).has_value());
  // A row of an older version is written in the newest one.
  FUZZ_CHECK(rows[0].value == row.value || rows[0].value[0] != row.value[0]);
  return 0;
}

static fuzz::Seeds seeds() {
  return fuzz::record_seeds({5, 6});
}
DOZE_FUZZ_TARGET(records_wallet, 100'000);
