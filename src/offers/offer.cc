#include "offers/offer.h"

#include <algorithm>

#include "offers/merkle.h"
#include "offers/stream.h"
#include "offers/text.h"
#include "wire/chains.h"

namespace doze::offers {

namespace {

std::vector<ChainHash> read_chains(FieldsIn& in) {
  auto view = in.value(kOfferChains);
  if (!view) return {};
  if (view->empty() || view->size() % ChainHash::kSize != 0)
    in.refuse(ParseCode::BadLength, kOfferChains, "offer_chains");
  std::vector<ChainHash> out;
  for (Reader reader(*view); reader.remaining() >= ChainHash::kSize;)
    out.push_back(ChainHash{reader.array<ChainHash::kSize>()});
  return out;
}

bool is_currency(const std::string& text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

Result<Offer, ParseError> Offer::parse(std::string_view text) {
  LN_TRY(stream, decode_text(kOfferPrefix, text));
  return from_bytes(stream);
}

Result<Offer, ParseError> Offer::from_bytes(ByteView stream, Checks checks) {
  LN_TRY(records, wire::parse_tlv_stream(stream));
  FieldsIn in(records, checks);
  Offer out;
  out.chains_ = read_chains(in);
  out.metadata_ = in.bytes(kOfferMetadata);
  out.currency_ = in.utf8(kOfferCurrency, "offer_currency");
  out.amount_ = in.tu(kOfferAmount, 8, "offer_amount");
  out.description_ = in.utf8(kOfferDescription, "offer_description");
  out.features_ = in.features(kOfferFeatures, {}, "offer_features");  // [B12-read-03]
  if (auto expiry = in.tu(kOfferAbsoluteExpiry, 8, "offer_absolute_expiry")) out.absolute_expiry_ = UnixTime(*expiry);
  out.paths_ = in.paths(kOfferPaths, "offer_paths");
  out.issuer_ = in.utf8(kOfferIssuer, "offer_issuer");
  out.quantity_max_ = in.tu(kOfferQuantityMax, 8, "offer_quantity_max");
  out.issuer_id_ = in.point(kOfferIssuerId, "offer_issuer_id");
  in.finish(is_offer_type);  // [B12-offer-01]
  if (out.currency_ && !is_currency(*out.currency_)) in.refuse(ParseCode::BadValue, kOfferCurrency, "offer_currency");
  if (out.currency_ && !out.amount_) in.refuse(ParseCode::MissingField, kOfferAmount, "offer_amount");  // [B12-read-08]
  if (out.amount_ && (*out.amount_ == 0 || (!out.currency_ && !Msat(*out.amount_).is_money())))         // [B12-read-07]
    in.refuse(ParseCode::BadValue, kOfferAmount, "offer_amount");
  // [B12-read-06]
  if (out.amount_ && !out.description_) in.refuse(ParseCode::MissingField, kOfferDescription, "offer_description");
  // [B12-offer-11, B12-read-09]
  if (out.paths_.empty() && !out.issuer_id_) in.refuse(ParseCode::MissingField, kOfferIssuerId, "offer_issuer_id");
  if (in.error()) return fail(*in.error());
  out.bytes_ = doze::to_bytes(stream);
  return out;
}

Result<Offer, ParseError> Offer::make(const OfferTerms& terms) {
  RecordsOut out;
  if (!terms.chains.empty()) {
    Writer chains;
    for (const auto& chain : terms.chains) chains.bytes(chain.view());
    out.add(kOfferChains, chains.view());
  }
  if (terms.metadata) out.add(kOfferMetadata, *terms.metadata);
  if (terms.amount) out.add_tu(kOfferAmount, terms.amount->value());  // [B12-offer-07]
  if (const auto& price = terms.currency_amount)                      // [B12-offer-05]
    out.add(kOfferCurrency, bytes_of(price->currency)).add_tu(kOfferAmount, price->amount);
  out.add_text(kOfferDescription, terms.description);
  if (terms.absolute_expiry) out.add_tu(kOfferAbsoluteExpiry, terms.absolute_expiry->value());
  if (!terms.paths.empty()) out.add(kOfferPaths, wire::to_bytes(terms.paths));
  out.add_text(kOfferIssuer, terms.issuer);
  if (terms.quantity_max) out.add_tu(kOfferQuantityMax, *terms.quantity_max);
  if (terms.issuer_id) out.add(kOfferIssuerId, terms.issuer_id->view());
  return from_bytes(out.take());
}

OfferId Offer::id() const {
  auto records = wire::parse_tlv_stream(bytes_);
  LN_ASSERT(records.has_value());  // they were read from it
  return convert<OfferId>(merkle_root(*records));
}

std::string Offer::text() const {
  return encode_text(kOfferPrefix, bytes_);
}

bool Offer::accepts(const ChainHash& chain) const {
  if (chains_.empty()) return chain == wire::chain_hash(wire::Network::Mainnet);
  return std::find(chains_.begin(), chains_.end(), chain) != chains_.end();
}

std::optional<Msat> Offer::amount() const {
  return amount_ && !currency_ ? std::optional(Msat(*amount_)) : std::nullopt;
}

std::optional<std::uint64_t> Offer::currency_amount() const {
  return currency_ ? amount_ : std::nullopt;
}

bool Offer::names(const PublicKey& node_id) const {
  if (issuer_id_) return *issuer_id_ == node_id;  // [B12-inv-05]
  return std::any_of(paths_.begin(), paths_.end(),
                     [&](const auto& path) { return path.path.back().blinded_node_id == node_id; });
}

std::optional<Msat> expected_amount(const Offer& offer, std::optional<std::uint64_t> quantity) {
  auto each = offer.amount();
  std::uint64_t total = 0;
  if (!each || __builtin_mul_overflow(each->value(), quantity.value_or(1), &total)) return std::nullopt;
  return Msat(total).is_money() ? std::optional(Msat(total)) : std::nullopt;
}

std::optional<Refusal> wrong_quantity(const Offer& offer, const std::optional<std::uint64_t>& quantity) {
  const auto& max = offer.quantity_max();
  if (!max) {
    if (quantity) return Refusal{RefusalCode::QuantityUnexpected, kInvreqQuantity};
    return std::nullopt;
  }
  if (!quantity) return Refusal{RefusalCode::QuantityMissing, kInvreqQuantity};
  if (*quantity == 0 || (*max != 0 && *quantity > *max))
    return Refusal{RefusalCode::QuantityOutOfRange, kInvreqQuantity, *max, *quantity};  // [B12-req-08]
  return std::nullopt;
}

std::optional<Refusal> wrong_amount(const Offer& offer, const std::optional<Msat>& amount,
                                    const std::optional<std::uint64_t>& quantity) {
  if (amount && !amount->is_money()) return Refusal{RefusalCode::AmountTooLarge, kInvreqAmount};
  if (!offer.amount()) {
    // [B12-req-05, B12-reqread-13]
    if (!amount)
      // [B12-read-11]
      return Refusal{offer.currency() ? RefusalCode::CurrencyUnsupported : RefusalCode::AmountMissing, kInvreqAmount};
    if (amount->value() == 0) return Refusal{RefusalCode::AmountTooLow, kInvreqAmount, 1, 0};
    return std::nullopt;
  }
  auto expected = expected_amount(offer, quantity);
  if (!expected) return Refusal{RefusalCode::AmountTooLarge, kInvreqQuantity};
  if (amount && *amount < *expected)  // [B12-req-06]
    return Refusal{RefusalCode::AmountTooLow, kInvreqAmount, expected->value(), amount->value()};
  return std::nullopt;
}

std::optional<Refusal> cannot_pay(const Offer& offer, const ChainHash& chain, UnixTime now,
                                  const std::optional<Msat>& amount, const std::optional<std::uint64_t>& quantity) {
  if (!offer.accepts(chain)) return Refusal{RefusalCode::WrongChain, kOfferChains};  // [B12-read-05, B12-req-02]
  // [B12-read-13]
  if (offer.expired(now)) return Refusal{RefusalCode::Expired, kOfferAbsoluteExpiry, offer.absolute_expiry()->value()};
  if (auto refusal = wrong_quantity(offer, quantity)) return refusal;
  return wrong_amount(offer, amount, quantity);
}

}  // namespace doze::offers
