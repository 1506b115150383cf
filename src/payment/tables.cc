#include "payment/tables.h"

#include "crypto/crypto.h"
#include "payment/inside.h"

namespace doze::payment {

namespace {
template <class Key>
void one_less(std::map<Key, std::size_t>& counts, const Key& key) {
  auto it = counts.find(key);
  LN_ASSERT(it != counts.end());
  if (--it->second == 0) counts.erase(it);
}

/// The first 35 bits of the data part, the signature unread. BOLT 11, "Data Part".
UnixTime timestamp_of(std::string_view invoice) {
  constexpr std::string_view kDigits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  std::uint64_t out = 0;
  for (char c : invoice.substr(invoice.rfind('1') + 1).substr(0, 7)) {
    auto digit = kDigits.find(c);
    out = out << 5 | (digit == std::string_view::npos ? 0 : digit);
  }
  return UnixTime(out);
}
}  // namespace

// ---- outgoing ----

PaymentId OutgoingIndex::key_of(const Outgoing& payment) {
  return payment.id;
}
bool OutgoingIndex::over(const Outgoing& payment) {
  return is_terminal(payment.state);
}
Hash32 OutgoingIndex::offer_key(const Outgoing& payment) {
  return crypto::sha256(bytes_of(payment.offer));
}

OutgoingIndex::Marks OutgoingIndex::marks_of(const Outgoing& payment) {
  Marks out{payment.id, over(payment),          payment.created_at, payment.payment_hash, {}, false, {},
            {},         payment.idempotency_key};
  if (out.over) return out;
  out.due = payment.next_announce;
  out.waits = payment.awaits_chain() || payment.awaits_holder();
  if (payment.held && payment.htlc) out.held_in = payment.htlc->channel_id;
  if (out.held_in && payment.holder_confirmed)
    out.told = std::tuple(offer_key(payment), payment.state == OutgoingState::Notified, payment.told_at);
  return out;
}

Bytes OutgoingIndex::pack(const Outgoing& payment) {
  return record(payment).value;
}
Outgoing OutgoingIndex::unpack(ByteView bytes) {
  auto payment = read_outgoing(bytes);
  LN_ASSERT(payment.has_value());  // it was read when it was loaded, or written by us
  return *std::move(payment);
}

void OutgoingIndex::put(const Marks& marks) {
  (marks.over ? ended : open).emplace(marks.created_at, marks.id);
  if (marks.hash) by_hash.emplace(*marks.hash, marks.id);
  if (marks.due) due.emplace(*marks.due, marks.id);
  if (marks.waits) waiting.emplace(marks.created_at, marks.id);
  if (marks.held_in) held_in.emplace(*marks.held_in, marks.id);
  if (marks.told) told.insert(std::tuple_cat(*marks.told, std::tuple(marks.id)));
  if (!marks.idempotency_key.empty()) by_key.emplace(marks.idempotency_key, marks.id);
}
void OutgoingIndex::take(const Marks& marks) {
  (marks.over ? ended : open).erase({marks.created_at, marks.id});
  if (marks.hash) by_hash.erase({*marks.hash, marks.id});
  if (marks.due) due.erase({*marks.due, marks.id});
  if (marks.waits) waiting.erase({marks.created_at, marks.id});
  if (marks.held_in) held_in.erase({*marks.held_in, marks.id});
  if (marks.told) told.erase(std::tuple_cat(*marks.told, std::tuple(marks.id)));
  if (!marks.idempotency_key.empty()) by_key.erase(marks.idempotency_key);
}

// ---- incoming ----

HtlcKey IncomingIndex::key_of(const Incoming& payment) {
  return payment.htlc;
}
bool IncomingIndex::over(const Incoming& payment) {
  return payment.state != IncomingState::Claiming;
}
std::optional<HtlcKey> IncomingIndex::newest(const PaymentHash& hash) const {
  auto it = by_hash.upper_bound({hash, UnixTime(UINT64_MAX), HtlcKey{}});
  if (it == by_hash.begin() || std::get<0>(*std::prev(it)) != hash) return std::nullopt;
  return std::get<2>(*std::prev(it));
}
IncomingIndex::Marks IncomingIndex::marks_of(const Incoming& payment) {
  return {payment.htlc,        over(payment),        payment.amount < kSmallReceipt,
          payment.received_at, payment.payment_hash, !payment.is_static};
}
Bytes IncomingIndex::pack(const Incoming& payment) {
  return record(payment).value;
}
Incoming IncomingIndex::unpack(ByteView bytes) {
  auto payment = read_incoming(bytes);
  LN_ASSERT(payment.has_value());  // it was read when it was loaded, or written by us
  return *std::move(payment);
}
ByTime<HtlcKey>& IncomingIndex::list(const Marks& marks) {
  return !marks.over ? open : marks.small ? small : ended;
}
void IncomingIndex::put(const Marks& marks) {
  list(marks).emplace(marks.received_at, marks.key);
  by_hash.emplace(marks.hash, marks.received_at, marks.key);
  if (marks.ordinary) ++paid[marks.hash];
}
void IncomingIndex::take(const Marks& marks) {
  list(marks).erase({marks.received_at, marks.key});
  by_hash.erase({marks.hash, marks.received_at, marks.key});
  if (marks.ordinary) one_less(paid, marks.hash);
}

// ---- invoices ----

PaymentHash IssuedIndex::key_of(const Issued& invoice) {
  return invoice.payment_hash;
}
IssuedIndex::Marks IssuedIndex::marks_of(const Issued& invoice) {
  return {invoice.payment_hash, invoice.paid_at.has_value(), timestamp_of(invoice.invoice), invoice.expires_at};
}
Bytes IssuedIndex::pack(const Issued& invoice) {
  return record(invoice).value;
}
Issued IssuedIndex::unpack(ByteView bytes) {
  auto invoice = read_issued(bytes);
  LN_ASSERT(invoice.has_value());  // it was read when it was loaded, or written by us
  return *std::move(invoice);
}
void IssuedIndex::put(const Marks& marks) {
  all.emplace(marks.created_at, marks.hash);
  (marks.paid ? paid : unpaid).emplace(marks.expires_at, marks.hash);
}
void IssuedIndex::take(const Marks& marks) {
  all.erase({marks.created_at, marks.hash});
  (marks.paid ? paid : unpaid).erase({marks.expires_at, marks.hash});
}

// ---- forwards ----

HtlcKey ForwardIndex::key_of(const Forward& forward) {
  return forward.incoming;
}
bool ForwardIndex::over(const Forward& forward) {
  return is_terminal(forward.state);
}

ForwardIndex::Marks ForwardIndex::marks_of(const Forward& forward) {
  Marks out;
  out.key = forward.incoming;
  out.received_at = forward.received_at;
  out.list = forward.state == ForwardState::Early     ? List::Early
             : forward.state == ForwardState::Settled ? List::Settled
             : forward.state == ForwardState::Failed  ? List::Failed
                                                      : List::Open;
  if (out.list != List::Open) return out;
  bool parked = forward.state != ForwardState::Forwarded;
  out.is_hold = forward.hold.has_value();
  out.is_held = out.is_hold && parked;
  out.peer = forward.peer;
  out.amount = forward.amount_in;
  if (parked) out.fail_back = forward.fail_back;
  if (forward.state == ForwardState::Waiting) {
    out.wait_until = forward.wait_until;
    out.waits_for = forward.next_channel;
  }
  bool queues =
      forward.state == ForwardState::Released || (forward.state == ForwardState::Waiting && forward.turn != 0);
  if (queues) out.queued = std::pair(forward.next_channel, forward.turn);
  return out;
}

Bytes ForwardIndex::pack(const Forward& forward) {
  return record(forward).value;
}
Forward ForwardIndex::unpack(ByteView bytes) {
  auto forward = read_forward(bytes);
  LN_ASSERT(forward.has_value());  // it was read when it was loaded, or written by us
  return *std::move(forward);
}

ByTime<HtlcKey>& ForwardIndex::list(List which) {
  switch (which) {
    case List::Early:
      return early;
    case List::Settled:
      return settled;
    case List::Failed:
      return failed;
    case List::Open:
      break;
  }
  return open;
}

void ForwardIndex::put(const Marks& marks) {
  list(marks.list).emplace(marks.received_at, marks.key);
  if (marks.list == List::Early) ++early_in[marks.key.channel_id];
  if (marks.is_hold) {
    holds.emplace(marks.received_at, marks.key);
    total_held += marks.amount;
  }
  if (marks.is_held) {
    ++held;
    ++held_in[marks.key.channel_id];
    ++held_of[marks.peer];
  }
  if (marks.fail_back) by_fail_back.emplace(*marks.fail_back, marks.key);
  if (marks.wait_until) due.emplace(*marks.wait_until, marks.key);
  if (marks.queued) queues.emplace(marks.queued->first, marks.queued->second, marks.key);
  if (marks.waits_for) {
    waiting.emplace(*marks.waits_for, marks.key);
    ++waiting_for[*marks.waits_for];
  }
}
void ForwardIndex::take(const Marks& marks) {
  list(marks.list).erase({marks.received_at, marks.key});
  if (marks.list == List::Early) one_less(early_in, marks.key.channel_id);
  if (marks.is_hold) {
    holds.erase({marks.received_at, marks.key});
    total_held -= marks.amount;
  }
  if (marks.is_held) {
    --held;
    one_less(held_in, marks.key.channel_id);
    one_less(held_of, marks.peer);
  }
  if (marks.fail_back) by_fail_back.erase({*marks.fail_back, marks.key});
  if (marks.wait_until) due.erase({*marks.wait_until, marks.key});
  if (marks.queued) queues.erase({marks.queued->first, marks.queued->second, marks.key});
  if (marks.waits_for) {
    waiting.erase({*marks.waits_for, marks.key});
    one_less(waiting_for, *marks.waits_for);
  }
}

}  // namespace doze::payment
