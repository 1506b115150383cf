#include "offers/refund.h"

#include "offers/stream.h"
#include "offers/text.h"
#include "wire/chains.h"

namespace doze::offers {

bool is_without_offer(ByteView stream) {
  auto records = wire::parse_tlv_stream(stream);
  return records && wire::find(*records, kOfferPaths) == nullptr && wire::find(*records, kOfferIssuerId) == nullptr;
}

RefundFields read_refund_fields(FieldsIn& in) {
  for (auto type : {kOfferChains, kOfferFeatures, kOfferQuantityMax, kOfferPaths, kOfferIssuerId})  // [B12-reqread-15]
    if (in.value(type)) in.refuse(ParseCode::UnexpectedField, type, "field of an offer");
  // For display at most: what is paid is invreq_amount.
  (void)in.bytes(kOfferMetadata);
  (void)in.utf8(kOfferCurrency, "offer_currency");
  (void)in.tu(kOfferAmount, 8, "offer_amount");
  RefundFields out;
  out.description = in.utf8(kOfferDescription, "offer_description");
  if (auto expiry = in.tu(kOfferAbsoluteExpiry, 8, "offer_absolute_expiry")) out.absolute_expiry = UnixTime(*expiry);
  out.issuer = in.utf8(kOfferIssuer, "offer_issuer");
  return out;
}

Result<Refund, ParseError> Refund::parse(ByteView stream) {
  LN_TRY(records, wire::parse_tlv_stream(stream));
  FieldsIn in(records);
  Refund out;
  out.about_ = read_refund_fields(in);
  out.request_ = read_request_fields(in);
  (void)in.required(out.request_.amount, kInvreqAmount, "invreq_amount");  // [B12-reqread-16]
  if (in.value(kSignature)) read_signature(in, records, kRequestName, out.request_.payer_id);
  in.finish(belongs_in_request);
  if (in.error()) return fail(*in.error());
  out.bytes_ = doze::to_bytes(stream);
  return out;
}

Result<Refund, ParseError> Refund::parse_text(std::string_view text) {
  LN_TRY(stream, decode_text(kInvoiceRequestPrefix, text));
  return parse(stream);
}

Result<Refund, ParseError> Refund::make(const RefundTerms& terms) {
  RecordsOut out;
  out.add_text(kOfferDescription, terms.description);
  if (terms.absolute_expiry) out.add_tu(kOfferAbsoluteExpiry, terms.absolute_expiry->value());
  out.add_text(kOfferIssuer, terms.issuer);
  write_request_fields(out, terms.request);  // [B12-req-09]
  return parse(out.take());
}

std::string Refund::text() const {
  return encode_text(kInvoiceRequestPrefix, bytes_);
}

ChainHash Refund::chain() const {
  return request_.chain.value_or(wire::chain_hash(wire::Network::Mainnet));
}

std::optional<Refusal> check_refund(const Refund& refund, const ChainHash& chain, UnixTime now) {
  if (refund.chain() != chain) return Refusal{RefusalCode::WrongChain, kInvreqChain};
  if (refund.expired(now))
    return Refusal{RefusalCode::Expired, kOfferAbsoluteExpiry, refund.about().absolute_expiry->value()};
  if (refund.amount().value() == 0) return Refusal{RefusalCode::AmountTooLow, kInvreqAmount, 1, 0};
  return std::nullopt;
}

}  // namespace doze::offers
