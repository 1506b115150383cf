#include "payment/ended.h"

#include "effects/record_io.h"
#include "payment/answers.h"
#include "payment/hearing.h"
#include "payment/incoming.h"
#include "payment/pages.h"
#include "payment/records.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

/// Keys of Table::PaymentIndex begin with one of these; the values are keys of Table::EndedPayment. Behind a hash comes
/// how the payment ended, then its id; behind that of a receipt whether it is a small one, its time and its HTLC.
constexpr std::uint8_t kById = 1, kByKey = 2, kByHash = 3, kReceiptByHash = 4;
constexpr std::uint8_t kSettledFirst = 0, kThenOthers = 1, kBehindAll = 2;
constexpr std::uint8_t kSmallFirst = 0, kThenLarger = 1;
constexpr std::uint8_t kPaidVersion = 1;
/// Read of the payments with one hash: a few decide, and one that settled is before all others.
constexpr std::uint32_t kReadOfOneHash = 4;

Bytes id_key(const PaymentId& id) {
  return Writer().u8(kById).bytes(id.view()).take();
}
Bytes idempotency_index(const std::string& key) {
  return Writer().u8(kByKey).bytes(bytes_of(key)).take();
}
Bytes hash_key(const PaymentHash& hash, ByteView rest) {
  return Writer().u8(kByHash).bytes(hash.view()).bytes(rest).take();
}

Bytes receipt_key(const PaymentHash& hash, ByteView rest) {
  return Writer().u8(kReceiptByHash).bytes(hash.view()).bytes(rest).take();
}
bool is_small(const Incoming& payment) {
  return payment.amount < kSmallReceipt;
}
std::vector<Bytes> index_keys(const Incoming& payment) {
  auto order = is_small(payment) ? kSmallFirst : kThenLarger;
  auto rest = Writer().u8(order).u64(payment.received_at.value()).bytes(key_of(payment.htlc)).take();
  return {receipt_key(payment.payment_hash, rest)};
}
/// The rows of a payment in the index.
std::vector<Bytes> index_keys(const Outgoing& payment) {
  std::vector<Bytes> out{id_key(payment.id)};
  auto order = payment.settled() ? kSettledFirst : kThenOthers;
  if (payment.payment_hash)
    out.push_back(hash_key(*payment.payment_hash, Writer().u8(order).bytes(payment.id.view()).view()));
  if (!payment.idempotency_key.empty()) out.push_back(idempotency_index(payment.idempotency_key));
  return out;
}

void into_list(const EndedList& list, const Outgoing& payment, auto say) {
  auto row_key = list.key(payment.created_at, payment.id.view());
  for (auto& key : index_keys(payment)) say(Put{Table::PaymentIndex, std::move(key), row_key});
  say(Put{Table::EndedPayment, std::move(row_key), record(payment).value});
  say(Erase{Table::OutgoingPayment, to_bytes(payment.id.view())});
}

void into_list(const EndedList& list, const Incoming& payment, auto say) {
  auto key = key_of(payment.htlc);
  auto row_key = list.key(payment.received_at, key);
  for (auto& index : index_keys(payment)) say(Put{Table::PaymentIndex, std::move(index), row_key});
  say(Put{Table::EndedPayment, std::move(row_key), record(payment).value});
  say(Erase{Table::IncomingPayment, std::move(key)});
}

}  // namespace

EndedList& list_of(Payments::Inside& state, std::uint8_t list) {
  return list == kSentList ? state.sent : list == kReceivedList ? state.received : state.small;
}
EndedList& list_of(Payments::Inside& state, const Incoming& payment) {
  return is_small(payment) ? state.small : state.received;
}

void save(Work& work, const Outgoing& payment) {
  if (!payment.over()) return work.say(record(payment));
  into_list(work.state.sent, payment, [&](auto record) { work.say(std::move(record)); });
}
void save(Work& work, const Incoming& payment) {
  if (payment.state == IncomingState::Claiming) return work.say(record(payment));
  into_list(list_of(work.state, payment), payment, [&](auto record) { work.say(std::move(record)); });
}

void unlist(Work& work, const Outgoing& payment) {
  for (auto& key : index_keys(payment)) work.say(Erase{Table::PaymentIndex, std::move(key)});
}

bool is_moving(const Payments::Inside& state) {
  return state.outgoing.is_moving() || state.incoming.is_moving();
}

void move_ended(Work& work, std::size_t most) {
  auto& state = work.state;
  std::size_t moved = 0;
  for (const auto& id : state.outgoing.to_move(most)) {
    ++moved;
    auto& payment = *state.outgoing.edit(id);
    if (payment.counted) continue;  // a late preimage has put it into its list in this step
    payment.counted = true;
    (void)state.sent.add();
    save(work, payment);
  }
  for (const auto& key : state.incoming.to_move(most - std::min(most, moved))) {
    ++moved;
    const auto& payment = *state.incoming.edit(key);
    (void)list_of(state, payment).add();
    save(work, payment);
  }
  for (auto list : {kSentList, kReceivedList, kSmallList})
    if (moved != 0) work.say(list_of(state, list).count());
}

// ---- reads ----

Read by_id(const PaymentId& id) {
  return ReadRows{Table::PaymentIndex, {id_key(id)}, 0};
}
Read by_key(const std::string& idempotency_key) {
  return ReadRows{Table::PaymentIndex, {idempotency_index(idempotency_key)}, 0};
}
Read by_hash(const PaymentHash& hash) {
  return ReadRange{Table::PaymentIndex,
                   hash_key(hash, Bytes{kSettledFirst}),
                   hash_key(hash, Bytes{kBehindAll}),
                   false,
                   kReadOfOneHash,
                   0};
}
Read receipt_of(const PaymentHash& hash) {
  return ReadRange{Table::PaymentIndex,
                   receipt_key(hash, Bytes{kSmallFirst}),
                   receipt_key(hash, Bytes{kThenLarger + 1}),
                   true,
                   1,
                   0};
}
std::optional<Read> row_of(const std::vector<Row>& index) {
  if (index.empty()) return std::nullopt;
  return ReadRows{Table::EndedPayment, {index[0].value}, 0};
}
namespace {
void say_unreadable(Work& work, const Row& row) {
  work.notify(Severity::Error, "row_unreadable",
              {{"table", std::uint64_t{static_cast<std::uint8_t>(row.table)}}, {"key", to_hex(row.key)}});
}
}  // namespace

std::optional<Outgoing> payment_in(Work& work, const std::vector<Row>& rows) {
  if (rows.empty()) return std::nullopt;
  auto read = read_outgoing(rows[0].value);
  if (read) return *std::move(read);
  say_unreadable(work, rows[0]);
  return std::nullopt;
}
std::optional<Incoming> receipt_in(Work& work, const std::vector<Row>& rows) {
  if (rows.empty()) return std::nullopt;
  auto read = read_incoming(rows[0].value);
  if (read) return *std::move(read);
  say_unreadable(work, rows[0]);
  return std::nullopt;
}
std::vector<SameHash> same_hash(const std::vector<Row>& index) {
  std::vector<SameHash> out;
  constexpr std::size_t kOrderAt = 1 + 32;
  for (const auto& row : index) {
    if (row.key.size() <= kOrderAt) continue;
    auto id = PaymentId::from(ByteView(row.key).subspan(kOrderAt + 1));
    if (id) out.push_back({*id, row.key[kOrderAt] == kSettledFirst});
  }
  return out;
}

// ---- what was asked ----

namespace {

void forget(Work& work, EndedList& list, const std::vector<Row>& rows) {
  work.state.forgetting = false;
  std::uint64_t gone = 0;
  for (const auto& row : rows) {
    if (list.size() - gone <= list.most()) break;
    bool sent = &list == &work.state.sent;
    if (auto payment = sent ? payment_in(work, {row}) : std::nullopt) unlist(work, *payment);
    if (auto receipt = sent ? std::nullopt : receipt_in(work, {row}))
      for (auto& key : index_keys(*receipt)) work.say(Erase{Table::PaymentIndex, std::move(key)});
    work.say(Erase{row.table, row.key});
    ++gone;
  }
  // There are no rows where some were counted: the number was wrong, and is right from now on.
  work.say(list.remove(rows.empty() ? list.size() : gone));
}

/// A preimage for a payment that is over: our own bug, but the money has gone, and a payment that shows as failed would
/// be made again.
void settle_late(Work& work, LateSettlement late, const std::vector<Row>& rows) {
  if (!rows.empty() && rows[0].table == Table::PaymentIndex) return work.ask({*row_of(rows)}, std::move(late));
  auto payment = payment_in(work, rows);
  if (!payment) say_unexpected(work, late.id, late.word);
  if (!payment || payment->settled()) return work.say(Erase{Table::OutgoingPayment, to_bytes(late.id.view())});
  payment->counted = true;
  hear(work, work.state.outgoing.add(*std::move(payment)), late.word);
}

/// Its id and its hash were looked up, then the row that one of them led to.
void tell_ended(Work& work, const PaymentAsked& asked, const std::vector<std::vector<Row>>& rows) {
  if (asked.gone) return;  // or it would be waited for
  for (const auto& found : rows)
    if (!found.empty() && found[0].table == Table::PaymentIndex) return work.ask({*row_of(found)}, asked);
  if (rows.size() != 1 || rows[0].empty()) return tell_unpaid(work, asked);
  bool sent = rows[0][0].key.at(0) == kSentList;
  if (auto payment = sent ? payment_in(work, rows[0]) : std::nullopt) return tell_payment(work, asked, *payment);
  if (auto receipt = sent ? std::nullopt : receipt_in(work, rows[0])) return tell_receipt(work, asked, *receipt);
  no_such_payment(work, asked);
}

}  // namespace

void take_late(Work& work, LateSettlement late) {
  work.say(record(late));
  work.ask({by_id(late.id)}, std::move(late));
}

void go_on(Work& work, Questions<Asked>::Answer answer) {
  auto& rows = answer.rows;
  std::visit(Overloaded{[&](PayAsked& asked) { pay_answered(work, asked, rows); },
                        [&](PayKnown& known) { pay_known(work, known.asked, payment_in(work, rows[0])); },
                        [&](InvoiceAsked& asked) {
                          auto others = same_hash(rows[0]);
                          if (auto* payment = find(work, asked.word.payment_id))
                            hear(work, *payment, InvoiceChecked{asked.word, others});
                        },
                        [&](PaymentAsked& asked) { tell_ended(work, asked, rows); },
                        [&](LateSettlement& late) { settle_late(work, std::move(late), rows[0]); },
                        [&](PageAsked& asked) { list_payments(work, asked, std::move(rows)); },
                        [&](OldestAsked& asked) { forget(work, list_of(work.state, asked.list), rows[0]); }},
             answer.what);
}

void forget_payments(Work& work) {
  /// Read and erased at a time. A step ends a few payments.
  constexpr std::uint32_t kForgottenAtATime = 64;
  if (work.state.forgetting || is_moving(work.state)) return;  // older ones may still come
  for (auto list : {kSentList, kReceivedList, kSmallList}) {
    if (!list_of(work.state, list).too_many()) continue;
    work.state.forgetting = true;
    return work.ask({list_of(work.state, list).oldest(kForgottenAtATime)}, OldestAsked{list});
  }
}

// ---- paid invoices ----

Put paid_record(const PaymentHash& hash, UnixTime until) {
  RecordWriter out(kPaidVersion);
  out.put(until);
  return {Table::PaidInvoice, to_bytes(hash.view()), out.take()};
}
Result<UnixTime, ParseError> read_paid(ByteView value) {
  RecordReader in(value);
  if (in.version() != kPaidVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "paid invoice"});
  UnixTime until;
  in.get(until);
  LN_CHECK(in.finish("paid invoice"));
  return until;
}

void remember_paid(Work& work, const PaymentHash& hash, UnixTime until) {
  if (!work.state.paid.emplace(hash, until).second) return;
  work.state.paid_until.emplace(until, hash);
  work.say(paid_record(hash, until));
}

void forget_paid(Work& work) {
  /// As many as a step can have made, and some more.
  constexpr std::size_t kPerStep = 8;
  auto& until = work.state.paid_until;
  for (std::size_t i = 0; i < kPerStep && !until.empty(); ++i) {
    if (after_s(until.begin()->first, kPaidKeptS) > work.context.wall) return;
    auto hash = until.extract(until.begin()).value().second;
    work.state.paid.erase(hash);
    work.say(Erase{Table::PaidInvoice, to_bytes(hash.view())});
  }
}

}  // namespace doze::payment
