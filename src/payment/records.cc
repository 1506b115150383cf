#include "payment/records.h"

#include "effects/record_io.h"

namespace doze::payment {

namespace {
constexpr std::uint8_t kVersion = 1;
/// Of Table::IncomingPayment. 1 and 3 are payments, 3 with state, expiry, quantity and ended_at at the end; 2 and 4 are
/// HTLCs that are not judged yet, 4 with the time when they came.
constexpr std::uint8_t kIncomingVersion = 3, kParkedVersion = 4, kParkedWithoutTime = 2;
/// An invoice whose HTLC went with its channel; the fields are the same.
constexpr std::uint8_t kLostInvoiceVersion = 2;
/// 2: offer_id at the end.
constexpr std::uint8_t kReleaseVersion = 2;

template <class T, class Fields>
Result<T, ParseError> read(ByteView value, const char* what, Fields fields, std::uint8_t newest = kVersion) {
  RecordReader in(value);
  if (in.version() == 0 || in.version() > newest)
    return fail(ParseError{ParseCode::UnknownVersion, in.version(), what});
  T out;
  fields(in, out);
  LN_CHECK(in.finish(what));
  return out;
}

/// The fields of each record in order, for reading and writing alike.
template <class Io, class T>
void incoming_fields(Io& io, T& p) {
  io.all(p.payment_hash, p.htlc.channel_id, p.htlc.htlc_id, p.amount, p.offer_id, p.is_static, p.payer_note,
         p.received_at);
}
template <class Io, class T>
void issued_fields(Io& io, T& i) {
  io.all(i.payment_hash, i.nonce, i.invoice, i.expires_at, i.paid_at, i.received);
}
template <class Io, class T>
void release_fields(Io& io, T& r) {
  io.all(r.reply_path, r.profile, r.answers, r.sequence);
}
}  // namespace

Put record(const Incoming& payment) {
  RecordWriter out(kIncomingVersion);
  incoming_fields(out, payment);
  out.all(payment.state, payment.cltv_expiry, payment.quantity, payment.ended_at);
  return Put{Table::IncomingPayment, key_of(payment.htlc), out.take()};
}
Result<Incoming, ParseError> read_incoming(ByteView value) {
  auto fields = [](RecordReader& in, Incoming& payment) {
    incoming_fields(in, payment);
    if (in.version() == kVersion) return;
    in.all(payment.state, payment.cltv_expiry, payment.quantity, payment.ended_at);
  };
  if (is_parked(value)) return fail(ParseError{ParseCode::UnknownVersion, value.front(), "incoming payment"});
  return read<Incoming>(value, "incoming payment", fields, kIncomingVersion);
}

Put record(const Parked& parked) {
  RecordWriter out(kParkedVersion);
  out.all(parked.word.peer, wire::encode(parked.word.htlc), parked.since);
  return Put{Table::IncomingPayment, key_of({parked.word.channel_id, parked.word.htlc.id}), out.take()};
}
bool is_parked(ByteView value) {
  return !value.empty() && (value.front() == kParkedVersion || value.front() == kParkedWithoutTime);
}
Result<Parked, ParseError> read_parked(ByteView value) {
  RecordReader in(value);
  if (!is_parked(value)) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "waiting HTLC"});
  Parked out;
  Bytes bytes;
  in.all(out.word.peer, bytes);
  if (in.version() == kParkedVersion) in.all(out.since);
  LN_CHECK(in.finish("waiting HTLC"));
  LN_TRY(message, wire::decode(bytes));
  auto* htlc = std::get_if<wire::UpdateAddHtlc>(&message);
  if (htlc == nullptr) return fail(ParseError{ParseCode::BadValue, 0, "waiting HTLC"});
  out.word.channel_id = htlc->channel_id;
  out.word.htlc = std::move(*htlc);
  return out;
}

Put record(const Issued& invoice) {
  RecordWriter out(invoice.lost ? kLostInvoiceVersion : kVersion);
  issued_fields(out, invoice);
  return Put{Table::InvoiceSent, to_bytes(invoice.payment_hash.view()), out.take()};
}
Result<Issued, ParseError> read_issued(ByteView value) {
  // Its signature is our own: the text is parsed when somebody pays it, or asks for it.
  return read<Issued>(
      value, "invoice",
      [](RecordReader& in, Issued& invoice) {
        issued_fields(in, invoice);
        invoice.lost = in.version() == kLostInvoiceVersion;
      },
      kLostInvoiceVersion);
}

Put record(const ReleaseDue& release) {
  RecordWriter out(kReleaseVersion);
  release_fields(out, release);
  out.put(release.offer_id);
  return Put{Table::ReleaseDue, Writer().u64(release.sequence).take(), out.take()};
}
Result<ReleaseDue, ParseError> read_release(ByteView value) {
  return read<ReleaseDue>(
      value, "release",
      [](RecordReader& in, ReleaseDue& release) {
        release_fields(in, release);
        if (in.version() >= kReleaseVersion) in.get(release.offer_id);
        Reader path(release.reply_path);
        if (!wire::read_blinded_path(path) || !path.done()) in.refuse();
      },
      kReleaseVersion);
}

}  // namespace doze::payment
