#include "offers/invoice.h"

#include "crypto/crypto.h"
#include "offers/stream.h"
#include "offers/text.h"

namespace doze::offers {

namespace {
constexpr std::string_view kMessageName = "invoice";

bool anything(std::uint64_t) {
  return true;  // BOLT 12 names no ranges for invoices: an unknown odd record is allowed anywhere
}

Result<Invoice, ParseError> make_invoice(ByteView request, Msat amount, const InvoiceTerms& terms) {
  RecordsOut out;
  out.add_stream(select(request, is_mirrored_type));  // [B12-inv-03]
  write_payment_paths(out, terms.payment_paths);
  out.add_tu(kInvoiceCreatedAt, terms.created_at.value());
  // [B12-inv-08]
  if (terms.relative_expiry_s != kDefaultInvoiceExpiryS) out.add_tu(kInvoiceRelativeExpiry, terms.relative_expiry_s);
  out.add(kInvoicePaymentHash, terms.payment_hash.view());
  out.add_tu(kInvoiceAmount, amount.value());
  if (!terms.fallbacks.empty()) {
    Writer fallbacks;
    for (const auto& [version, program] : terms.fallbacks)
      fallbacks.u8(version).u16(static_cast<std::uint16_t>(program.size())).bytes(program);
    out.add(kInvoiceFallbacks, fallbacks.view());
  }
  if (!terms.features.empty()) out.add(kInvoiceFeatures, terms.features.to_bytes());
  out.add(kInvoiceNodeId, crypto::public_key(terms.node_key).view());
  return Invoice::parse(out.take_signed(kMessageName, terms.node_key));  // [B12-inv-06]
}

/// `request`: the stream that is answered. `expected`: nullopt for a price that cannot be converted.
std::optional<Refusal> check_answer(const Invoice& invoice, ByteView request, const std::optional<Msat>& expected,
                                    UnixTime now) {
  // [B12-invread-08]
  if (select(invoice.bytes(), is_mirrored_type) != select(request, is_mirrored_type))  // [B12-invread-02]
    return Refusal{RefusalCode::RequestMismatch};
  // [B12-invread-04]
  if (invoice.expired(now)) return Refusal{RefusalCode::Expired, kInvoiceRelativeExpiry, invoice.expires_at().value()};
  if (!expected)
    return Refusal{invoice.offer()->currency() ? RefusalCode::CurrencyUnsupported : RefusalCode::AmountMissing,
                   kInvreqAmount};
  if (invoice.amount() != *expected)  // [B12-read-12, B12-invread-15, B12-invread-16]
    return Refusal{RefusalCode::AmountWrong, kInvoiceAmount, expected->value(), invoice.amount().value()};
  // [B12-invread-14]
  if (invoice.features().has(kInvoiceMultipart)) return Refusal{RefusalCode::MultipartRequired, kInvoiceFeatures};
  return std::nullopt;
}
}  // namespace

Result<Invoice, ParseError> Invoice::parse(ByteView stream) {
  LN_TRY(records, wire::parse_tlv_stream(stream));
  Invoice out;
  FieldsIn in(records);
  if (is_without_offer(stream)) {
    (void)read_refund_fields(in);
  } else {
    LN_TRY(offer, Offer::from_bytes(select(records, is_offer_type)));
    out.offer_ = std::move(offer);
    in.offer_is_checked();
  }
  out.request_ = read_request_fields(in);
  out.payment_paths_ = read_payment_paths(in);
  out.created_at_ =
      // [B12-invread-01]
      UnixTime(in.required(in.tu(kInvoiceCreatedAt, 8, "invoice_created_at"), kInvoiceCreatedAt, "invoice_created_at"));
  out.relative_expiry_s_ = static_cast<std::uint32_t>(
      in.tu(kInvoiceRelativeExpiry, 4, "invoice_relative_expiry").value_or(kDefaultInvoiceExpiryS));
  // [B12-invread-01]
  out.payment_hash_ = in.required(in.fixed<PaymentHash>(kInvoicePaymentHash, "invoice_payment_hash"),
                                  kInvoicePaymentHash, "invoice_payment_hash");
  // [B12-invread-01]
  out.amount_ = in.required(in.msat(kInvoiceAmount, "invoice_amount"), kInvoiceAmount, "invoice_amount");
  out.fallbacks_ = read_fallbacks(in);
  out.features_ = in.features(kInvoiceFeatures, {kInvoiceMultipart}, "invoice_features");  // [B12-invread-03]
  // [B12-invread-01]
  out.node_id_ = in.required(in.point(kInvoiceNodeId, "invoice_node_id"), kInvoiceNodeId, "invoice_node_id");
  read_signature(in, records, kMessageName, out.node_id_);  // [B12-invread-11]
  in.finish(anything);
  if (in.good() && out.offer_ && !out.offer_->names(out.node_id_))  // [B12-invread-09]
    in.refuse(ParseCode::BadValue, kInvoiceNodeId, "invoice_node_id");
  if (in.error()) return fail(*in.error());
  out.bytes_ = doze::to_bytes(stream);
  return out;
}

Result<Invoice, ParseError> Invoice::parse_text(std::string_view text) {
  LN_TRY(stream, decode_text(kInvoicePrefix, text));
  return parse(stream);
}

std::string Invoice::text() const {
  return encode_text(kInvoicePrefix, bytes_);
}

Result<Invoice, ParseError> Invoice::make(const InvoiceRequest& request, const InvoiceTerms& terms) {
  auto amount = amount_of(request, request.offer());  // [B12-inv-02]
  if (!amount) return fail(ParseError{ParseCode::MissingField, kInvoiceAmount, "invoice_amount"});
  return make_invoice(request.bytes(), *amount, terms);
}

Result<Invoice, ParseError> Invoice::make(const Refund& refund, const InvoiceTerms& terms) {
  return make_invoice(refund.bytes(), refund.amount(), terms);
}

std::optional<Refusal> check_invoice(const Invoice& invoice, const InvoiceRequest& request, UnixTime now) {
  return check_answer(invoice, request.bytes(), amount_of(request, request.offer()), now);
}

std::optional<Refusal> check_invoice(const Invoice& invoice, const Refund& refund, UnixTime now) {
  return check_answer(invoice, refund.bytes(), refund.amount(), now);
}

}  // namespace doze::offers
