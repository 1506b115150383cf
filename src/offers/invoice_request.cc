#include "offers/invoice_request.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "offers/merkle.h"
#include "offers/stream.h"
#include "offers/text.h"
#include "wire/chains.h"

namespace doze::offers {

namespace {

/// A DNS name in text.
constexpr std::size_t kMaxNamePart = 253;

bool is_human_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

std::optional<HumanName> read_human_name(FieldsIn& in) {
  auto view = in.value(kInvreqBip353Name);
  if (!view) return std::nullopt;
  Reader reader(*view);
  auto text = [&] {
    auto bytes = reader.bytes(reader.u8());
    return std::string(bytes.begin(), bytes.end());
  };
  HumanName out;
  out.name = text();
  out.domain = text();
  if (!reader.done()) in.refuse(ParseCode::BadLength, kInvreqBip353Name, "invreq_bip_353_name");
  if (!is_human_name(out.name) || !is_human_name(out.domain))  // [B12-reqread-19]
    in.refuse(ParseCode::BadValue, kInvreqBip353Name, "invreq_bip_353_name");
  return out;
}

}  // namespace

bool belongs_in_request(std::uint64_t type) {
  return is_mirrored_type(type) || is_signature_type(type);  // [B12-req-10]
}

std::optional<HumanName> HumanName::parse(std::string_view text) {
  constexpr std::string_view kSign = "₿";
  if (text.starts_with(kSign)) text.remove_prefix(kSign.size());
  auto at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  HumanName out{std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
  for (const auto& part : {out.name, out.domain})
    if (part.empty() || part.size() > kMaxNamePart || !is_human_name(part)) return std::nullopt;
  return out;
}

RequestFields read_request_fields(FieldsIn& in) {
  RequestFields out;
  out.metadata = in.required(in.bytes(kInvreqMetadata), kInvreqMetadata, "invreq_metadata");  // [B12-reqread-01]
  out.chain = in.fixed<ChainHash>(kInvreqChain, "invreq_chain");
  out.amount = in.msat(kInvreqAmount, "invreq_amount");
  out.features = in.features(kInvreqFeatures, {}, "invreq_features");  // [B12-reqread-03]
  out.quantity = in.tu(kInvreqQuantity, 8, "invreq_quantity");
  // [B12-reqread-01]
  out.payer_id = in.required(in.point(kInvreqPayerId, "invreq_payer_id"), kInvreqPayerId, "invreq_payer_id");
  out.payer_note = in.utf8(kInvreqPayerNote, "invreq_payer_note");
  out.paths = in.paths(kInvreqPaths, "invreq_paths");  // [B12-reqread-05]
  out.bip_353_name = read_human_name(in);
  return out;
}

void write_request_fields(RecordsOut& out, const RequestFields& fields) {
  out.add(kInvreqMetadata, fields.metadata);
  if (fields.chain && *fields.chain != wire::chain_hash(wire::Network::Mainnet))  // [B12-req-03]
    out.add(kInvreqChain, fields.chain->view());
  if (fields.amount) out.add_tu(kInvreqAmount, fields.amount->value());  // [B12-req-12]
  if (!fields.features.empty()) out.add(kInvreqFeatures, fields.features.to_bytes());
  if (fields.quantity) out.add_tu(kInvreqQuantity, *fields.quantity);
  out.add(kInvreqPayerId, fields.payer_id.view());
  out.add_text(kInvreqPayerNote, fields.payer_note);
  if (!fields.paths.empty()) out.add(kInvreqPaths, wire::to_bytes(fields.paths));
  if (const auto& name = fields.bip_353_name) {
    Writer value;
    for (const auto& part : {name->name, name->domain})
      value.u8(static_cast<std::uint8_t>(part.size())).bytes(bytes_of(part));
    out.add(kInvreqBip353Name, value.view());
  }
}

Result<InvoiceRequest, ParseError> InvoiceRequest::parse(ByteView stream, Checks checks) {
  LN_TRY(records, wire::parse_tlv_stream(stream));
  LN_TRY(offer, Offer::from_bytes(select(records, is_offer_type), checks));
  InvoiceRequest out(std::move(offer));
  FieldsIn in(records, checks);
  in.offer_is_checked();
  out.fields_ = read_request_fields(in);
  read_signature(in, records, kRequestName, out.fields_.payer_id);  // [B12-reqread-04]
  in.finish(belongs_in_request);                                    // [B12-reqread-02]
  if (in.error()) return fail(*in.error());
  out.bytes_ = doze::to_bytes(stream);
  return out;
}

Result<InvoiceRequest, ParseError> InvoiceRequest::parse_text(std::string_view text) {
  LN_TRY(stream, decode_text(kInvoiceRequestPrefix, text));
  return parse(stream);
}

Result<InvoiceRequest, ParseError> InvoiceRequest::make(const Offer& offer, const RequestTerms& terms) {
  RecordsOut out;
  out.add_stream(offer.bytes());  // [B12-req-01]
  RequestFields fields;
  fields.metadata = terms.metadata;
  fields.chain = terms.chain;
  fields.amount = terms.amount;
  fields.quantity = terms.quantity;
  fields.payer_id = crypto::public_key(terms.payer_key);
  fields.payer_note = terms.payer_note;
  fields.paths = terms.paths;
  fields.bip_353_name = terms.bip_353_name;
  write_request_fields(out, fields);
  return parse(out.take_signed(kRequestName, terms.payer_key), Checks::Stored);  // [B12-req-04]
}

ChainHash InvoiceRequest::chain() const {
  return fields_.chain.value_or(wire::chain_hash(wire::Network::Mainnet));
}

std::optional<Refusal> check_request(const InvoiceRequest& request, const Offer& offer, UnixTime now) {
  if (request.offer() != offer) return Refusal{RefusalCode::OfferMismatch};                    // [B12-reqread-07]
  if (!offer.accepts(request.chain())) return Refusal{RefusalCode::WrongChain, kInvreqChain};  // [B12-reqread-18]
  if (offer.expired(now)) return Refusal{RefusalCode::Expired, kOfferAbsoluteExpiry, offer.absolute_expiry()->value()};
  if (auto refusal = wrong_quantity(offer, request.quantity())) return refusal;  // [B12-reqread-10]
  if (offer.currency()) return Refusal{RefusalCode::CurrencyUnsupported, kOfferCurrency};
  return wrong_amount(offer, request.amount(), request.quantity());  // [B12-reqread-12]
}

std::optional<Msat> amount_of(const InvoiceRequest& request, const Offer& offer) {
  return request.amount() ? request.amount() : expected_amount(offer, request.quantity());
}

}  // namespace doze::offers
