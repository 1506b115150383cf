#include "offers/static_invoice.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "offers/stream.h"

namespace doze::offers {

namespace {

constexpr std::string_view kStaticMessageName = "static_invoice";
constexpr std::uint64_t kMessagePathsLdk = wire::kLdk.static_invoice_message_paths;
constexpr std::uint64_t kMessagePathsDraft = wire::kDraft.static_invoice_message_paths;

bool belongs_here(std::uint64_t type) {
  return !is_request_type(type) && type != kInvoicePaymentHash && type != kInvoiceAmount;  // [AP-inv-01]
}

Profile read_profile(FieldsIn& in) {
  bool ldk = in.value(kMessagePathsLdk).has_value(), draft = in.value(kMessagePathsDraft).has_value();
  if (ldk && draft) in.refuse(ParseCode::UnexpectedField, kMessagePathsDraft, "static_invoice_message_paths");
  return draft ? Profile::Draft : Profile::Ldk;
}

}  // namespace

Result<StaticInvoice, ParseError> StaticInvoice::parse(ByteView stream, Checks checks) {
  LN_TRY(records, wire::parse_tlv_stream(stream));
  LN_TRY(offer, Offer::from_bytes(select(records, is_offer_type), checks));
  StaticInvoice out(std::move(offer));
  FieldsIn in(records, checks);
  in.offer_is_checked();
  if (out.offer_.paths().empty()) in.refuse(ParseCode::MissingField, kOfferPaths, "offer_paths");
  if (out.offer_.chains().size() > 1) in.refuse(ParseCode::BadValue, kOfferChains, "offer_chains");  // [AP-offer-02]
  out.payment_paths_ = read_payment_paths(in);
  out.created_at_ =
      UnixTime(in.required(in.tu(kInvoiceCreatedAt, 8, "invoice_created_at"), kInvoiceCreatedAt, "invoice_created_at"));
  out.relative_expiry_s_ = static_cast<std::uint32_t>(
      in.tu(kInvoiceRelativeExpiry, 4, "invoice_relative_expiry").value_or(kDefaultStaticInvoiceExpiryS));
  (void)read_fallbacks(in);  // we pay over Lightning only
  out.features_ = in.features(kInvoiceFeatures, {kInvoiceMultipart}, "invoice_features");
  out.node_id_ = in.required(in.point(kInvoiceNodeId, "invoice_node_id"), kInvoiceNodeId, "invoice_node_id");
  out.profile_ = read_profile(in);
  auto paths_type = wire::numbers(out.profile_).static_invoice_message_paths;
  out.message_paths_ = in.paths(paths_type, "static_invoice_message_paths");
  // [AP-inv-05]
  if (out.message_paths_.empty()) in.refuse(ParseCode::MissingField, paths_type, "static_invoice_message_paths");
  read_signature(in, records, kStaticMessageName, out.node_id_);
  in.finish(belongs_here);
  // [AP-inv-09]
  if (in.good() && !out.offer_.names(out.node_id_)) in.refuse(ParseCode::BadValue, kInvoiceNodeId, "invoice_node_id");
  if (in.error()) return fail(*in.error());
  out.bytes_ = doze::to_bytes(stream);
  return out;
}

Result<StaticInvoice, ParseError> StaticInvoice::make(const Offer& offer, const StaticInvoiceTerms& terms) {
  auto paths_type = wire::numbers(terms.profile).static_invoice_message_paths;
  if (terms.profile == Profile::Draft && terms.message_paths.size() < kMinMessagePathsDraft)  // [AP-inv-02]
    return fail(ParseError{ParseCode::BadValue, paths_type, "static_invoice_message_paths"});
  RecordsOut out;
  out.add_stream(offer.bytes());
  write_payment_paths(out, terms.payment_paths);
  out.add_tu(kInvoiceCreatedAt, terms.created_at.value());
  if (terms.relative_expiry_s != kDefaultStaticInvoiceExpiryS)  // [AP-inv-03]
    out.add_tu(kInvoiceRelativeExpiry, terms.relative_expiry_s);
  if (!terms.features.empty()) out.add(kInvoiceFeatures, terms.features.to_bytes());
  out.add(kInvoiceNodeId, crypto::public_key(terms.node_key).view());
  out.add(paths_type, wire::to_bytes(terms.message_paths));
  return parse(out.take_signed(kStaticMessageName, terms.node_key), Checks::Stored);  // [AP-inv-04]
}

bool is_withdrawn(const StaticInvoice& invoice) {
  const auto& paths = invoice.payment_paths();
  return !paths.empty() && std::all_of(paths.begin(), paths.end(), [](const PaymentPath& path) {
    return path.payinfo.htlc_maximum_msat.value() == 0;
  });
}

bool repeats(ByteView static_invoice, const Offer& offer) {
  return select(static_invoice, is_offer_type) == offer.bytes();
}

std::optional<Refusal> check_static_invoice(const StaticInvoice& invoice, const Offer& offer, UnixTime now) {
  if (invoice.offer() != offer) return Refusal{RefusalCode::OfferMismatch};  // [AP-inv-07]
  if (offer.expired(now)) return Refusal{RefusalCode::Expired, kOfferAbsoluteExpiry, offer.absolute_expiry()->value()};
  // [AP-inv-08]
  if (invoice.expired(now)) return Refusal{RefusalCode::Expired, kInvoiceRelativeExpiry, invoice.expires_at().value()};
  if (invoice.features().has(kInvoiceMultipart)) return Refusal{RefusalCode::MultipartRequired, kInvoiceFeatures};
  return std::nullopt;
}

}  // namespace doze::offers
