#include "payment/tables.h"

#include "crypto/crypto.h"
#include "payment/records.h"

namespace doze::payment {

namespace {
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
  return payment.over();
}
Hash32 OutgoingIndex::offer_key(const Outgoing& payment) {
  return crypto::sha256(bytes_of(payment.offer));
}

OutgoingIndex::Marks OutgoingIndex::marks_of(const Outgoing& payment) {
  Marks out{payment.id, over(payment),          payment.created_at, payment.payment_hash, {}, false, {},
            {},         payment.idempotency_key};
  if (out.over) return out;
  out.due = payment.due();
  out.waits = payment.awaits();
  const auto* hold = payment.hold();
  auto htlc = htlc_of(payment);
  if (hold == nullptr || !htlc) return out;
  out.held_in = htlc->channel_id;
  if (hold->confirmed) out.told = std::tuple(offer_key(payment), payment.is<Notified>(), hold->announcing.told_at);
  return out;
}

Outgoing OutgoingIndex::unpack(ByteView bytes) {
  auto payment = read_outgoing(bytes);
  LN_ASSERT(payment.has_value());  // it was read when it was loaded
  return *std::move(payment);
}

void OutgoingIndex::stand(const Marks& marks, auto in) {
  in(marks.over ? ended : open, std::pair(marks.created_at, marks.id));
  if (marks.hash) in(by_hash, std::pair(*marks.hash, marks.id));
  if (marks.due) in(due, std::pair(*marks.due, marks.id));
  if (marks.waits) in(waiting, std::pair(marks.created_at, marks.id));
  if (marks.held_in) in(held_in, std::pair(*marks.held_in, marks.id));
  if (marks.told) in(told, std::tuple_cat(*marks.told, std::tuple(marks.id)));
}
void OutgoingIndex::put(const Marks& marks) {
  stand(marks, kInsert);
  if (!marks.idempotency_key.empty()) by_key.emplace(marks.idempotency_key, marks.id);
}
void OutgoingIndex::take(const Marks& marks) {
  stand(marks, kErase);
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
  return {payment.htlc, over(payment), payment.received_at, payment.payment_hash};
}
Incoming IncomingIndex::unpack(ByteView bytes) {
  auto payment = read_incoming(bytes);
  LN_ASSERT(payment.has_value());  // it was read when it was loaded
  return *std::move(payment);
}
void IncomingIndex::stand(const Marks& marks, auto in) {
  in(marks.over ? ended : open, std::pair(marks.received_at, marks.key));
  in(by_hash, std::tuple(marks.hash, marks.received_at, marks.key));
}
void IncomingIndex::put(const Marks& marks) {
  stand(marks, kInsert);
}
void IncomingIndex::take(const Marks& marks) {
  stand(marks, kErase);
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
void IssuedIndex::stand(const Marks& marks, auto in) {
  in(all, std::pair(marks.created_at, marks.hash));
  in(marks.paid ? paid : unpaid, std::pair(marks.expires_at, marks.hash));
}
void IssuedIndex::put(const Marks& marks) {
  stand(marks, kInsert);
}
void IssuedIndex::take(const Marks& marks) {
  stand(marks, kErase);
}

// ---- releases ----

Hash32 ReleaseIndex::path_of(ByteView reply_path) {
  return crypto::sha256(reply_path);
}
std::uint64_t ReleaseIndex::key_of(const ReleaseDue& release) {
  return release.sequence;
}
ReleaseIndex::Marks ReleaseIndex::marks_of(const ReleaseDue& release) {
  Marks out;
  out.sequence = release.sequence;
  out.path = path_of(release.reply_path);
  out.bytes = release.reply_path.size();
  out.offer = release.offer_id;
  out.use = release.finished()      ? Use::Finished
            : release.answers != 0  ? Use::Answered
            : release.failures != 0 ? Use::Undeliverable
                                    : Use::Waiting;
  out.due = release.next;
  out.unanswered = release.tag == 0 && !release.finished();
  return out;
}
Bytes ReleaseIndex::pack(const ReleaseDue& release) {
  return record(release).value;
}
ReleaseDue ReleaseIndex::unpack(ByteView bytes) {
  auto release = read_release(bytes);
  LN_ASSERT(release.has_value());  // it was read when it was loaded, or written by us
  return *std::move(release);
}
void ReleaseIndex::stand(const Marks& marks, auto in) {
  if (marks.due) in(due, std::pair(*marks.due, marks.sequence));
  if (marks.unanswered) in(marks.due ? later : waiting, marks.sequence);
  in(by_use, std::pair(marks.use, marks.sequence));
  in(of[marks.offer], std::pair(marks.use, marks.sequence));
}
void ReleaseIndex::put(const Marks& marks) {
  stand(marks, kInsert);
  by_path.emplace(marks.path, marks.sequence);
  bytes += marks.bytes;
}
void ReleaseIndex::take(const Marks& marks) {
  stand(marks, kErase);
  by_path.erase(marks.path);
  if (auto offer = of.find(marks.offer); offer->second.empty()) of.erase(offer);
  bytes -= marks.bytes;
}

}  // namespace doze::payment
