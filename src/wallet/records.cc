#include "effects/record_io.h"
#include "wallet/inside.h"

namespace doze::wallet {

namespace {
constexpr std::uint8_t kVersion = 1;
/// Version 2: next_channel follows the payments in blocks. In version 1 it grew with every opening.
constexpr std::uint8_t kIndexesVersion = 2;
constexpr std::string_view kIndexesKey = "indexes", kTransactionKey = "tx", kSentKey = "sent";

template <class Io, class T>
void coin_fields(Io& io, T& c) {
  io.all(c.outpoint, c.amount, c.key.change, c.key.index, c.coinbase, c.confirmed_at, c.spent_by, c.spent_at);
}
template <class Io, class T>
void index_fields(Io& io, T& s) {
  io.all(s.next_receive, s.next_change, s.next_channel);
}

template <class Io, class T>
void sent_fields(Io& io, T& s) {
  io.all(s.request, s.txid, s.amount, s.fee, s.height);
}
Bytes key_of_sent(const Hash32& key) {
  return Writer().bytes(bytes_of(kSentKey)).bytes(key.view()).take();
}

Status<ParseError> read_sent(const Row& row, RecordReader& in, Wallet::Inside& state) {
  Sent sent;
  sent_fields(in, sent);
  LN_CHECK(in.finish("sendtoaddress"));
  if (!sent.amount.is_money() || !sent.fee.is_money())
    return fail(ParseError{ParseCode::BadValue, 0, "sendtoaddress amount"});
  Hash32 key;
  std::copy(row.key.begin() + static_cast<std::ptrdiff_t>(kSentKey.size()), row.key.end(), key.bytes.begin());
  state.sent_by_height.emplace(sent.height, key);
  state.sent_by_txid[sent.txid] = key;
  state.sent.emplace(key, sent);
  return Done{};
}

Status<ParseError> read_coin(RecordReader& in, Wallet::Inside& state) {
  Coin coin;
  coin_fields(in, coin);
  LN_CHECK(in.finish("coin"));
  if (!coin.amount.is_money()) return fail(ParseError{ParseCode::BadValue, 0, "coin amount"});
  if (coin.spent_at && !coin.spent_by) return fail(ParseError{ParseCode::BadValue, 0, "coin spent by nothing"});
  state.coins.emplace(coin.outpoint, coin);
  return Done{};
}

Status<ParseError> read_transaction_row(RecordReader& in, Wallet::Inside& state) {
  OwnTransaction own;
  Bytes raw;
  in.all(own.state, own.fee, own.confirmed_at, raw);
  LN_CHECK(in.finish("wallet transaction"));
  LN_TRY(transaction, bitcoin::parse_transaction(raw));
  own.transaction = std::move(transaction);
  auto id = bitcoin::txid(own.transaction);
  state.transactions.emplace(id, std::move(own));
  return Done{};
}
}  // namespace

Bytes key_of(const Outpoint& outpoint) {
  return Writer().bytes(outpoint.txid.view()).u32(outpoint.index).take();
}
Bytes key_of(const Txid& txid) {
  return Writer().bytes(bytes_of(kTransactionKey)).bytes(txid.view()).take();
}

Put record(const Coin& coin) {
  RecordWriter out(kVersion);
  coin_fields(out, coin);
  return Put{Table::Coin, key_of(coin.outpoint), out.take()};
}
Put record(const Txid& txid, const OwnTransaction& own) {
  RecordWriter out(kVersion);
  out.all(own.state, own.fee, own.confirmed_at, bitcoin::serialize(own.transaction));
  return Put{Table::WalletState, key_of(txid), out.take()};
}
Put indexes_record(const Wallet::Inside& state) {
  RecordWriter out(kIndexesVersion);
  index_fields(out, state);
  return Put{Table::WalletState, to_bytes(bytes_of(kIndexesKey)), out.take()};
}

Status<ParseError> read_row(const Row& row, Wallet::Inside& state) {
  RecordReader in(row.value);
  bool indexes = row.table == Table::WalletState && equal(row.key, bytes_of(kIndexesKey));
  if (in.version() != kVersion && !(indexes && in.version() == kIndexesVersion))
    return fail(ParseError{ParseCode::UnknownVersion, in.version(), "wallet row"});
  if (row.table == Table::Coin) return read_coin(in, state);
  if (indexes) {
    state.counted_openings = in.version() == kVersion;
    index_fields(in, state);
    LN_CHECK(in.finish("wallet indexes"));
    // Addresses above this would be closing scripts, and closing scripts above it hardened keys.
    for (auto next : {state.next_receive, state.next_change, state.next_channel})
      if (next > kChannelScriptIndexBase) return fail(ParseError{ParseCode::BadValue, 0, "wallet indexes"});
    return Done{};
  }
  if (row.key.size() == kSentKey.size() + 32 && equal(ByteView(row.key).first(kSentKey.size()), bytes_of(kSentKey)))
    return read_sent(row, in, state);
  return read_transaction_row(in, state);
}

void Work::save(const Coin& coin) {
  effects.push_back(record(coin));
}
void Work::save_indexes() {
  effects.push_back(indexes_record(state));
}
void Work::save(const Txid& txid, const OwnTransaction& own) {
  effects.push_back(record(txid, own));
}
void Work::save(const Hash32& key, const Sent& sent) {
  RecordWriter out(kVersion);
  sent_fields(out, sent);
  effects.push_back(Put{Table::WalletState, key_of_sent(key), out.take()});
  state.sent_by_txid[sent.txid] = key;
  if (state.sent.insert_or_assign(key, sent).second) state.sent_by_height.emplace(sent.height, key);
}
void Work::erase(const Hash32& key) {
  auto found = state.sent.find(key);
  if (found == state.sent.end()) return;
  auto [first, last] = state.sent_by_height.equal_range(found->second.height);
  for (auto it = first; it != last; ++it)
    if (it->second == key) {
      state.sent_by_height.erase(it);
      break;
    }
  state.sent_by_txid.erase(found->second.txid);
  state.sent.erase(found);
  effects.push_back(Erase{Table::WalletState, key_of_sent(key)});
}
void Work::erase(const Outpoint& outpoint) {
  state.coins.erase(outpoint);
  effects.push_back(Unwatch{WatchOwner::Wallet, {.outputs = {{outpoint, {}}}, .scripts = {}, .fundings = {}}});
  effects.push_back(Erase{Table::Coin, key_of(outpoint)});
}
void Work::erase(const Txid& txid) {
  state.transactions.erase(txid);
  effects.push_back(Erase{Table::WalletState, key_of(txid)});
}

}  // namespace doze::wallet
