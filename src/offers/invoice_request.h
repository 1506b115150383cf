// Invoice requests for an offer. BOLT 12, "Invoice Requests".
//
// A request without an offer is a Refund, and refused here: MissingField of offer_issuer_id.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "offers/offer.h"

namespace doze::offers {

/// What requests and the invoices that answer them have in common: types 0 to 159 and 1,000,000,000 to 2,999,999,999.
[[nodiscard]] constexpr bool is_mirrored_type(std::uint64_t type) {
  return type <= 159 || (type >= 1'000'000'000 && type <= 2'999'999'999);
}
/// Those of them that are not the offer's.
[[nodiscard]] constexpr bool is_request_type(std::uint64_t type) {
  return is_mirrored_type(type) && !is_offer_type(type);
}

/// BIP 353: the name that the user typed, without the ₿.
struct HumanName {
  std::string name, domain;  // 0-9 a-z A-Z - _ . only
  friend bool operator==(const HumanName&, const HumanName&) = default;

  /// "alice@example.org", with or without ₿ in front. nullopt if a part is missing, is longer than a DNS name can be or
  /// has other characters.
  [[nodiscard]] static std::optional<HumanName> parse(std::string_view text);
};

/// The payer's part of a request, which the invoice repeats.
struct RequestFields {
  Bytes metadata;
  std::optional<ChainHash> chain;  // as written; absent: bitcoin
  std::optional<Msat> amount;
  wire::FeatureBits features;
  std::optional<std::uint64_t> quantity;
  PublicKey payer_id;
  std::optional<std::string> payer_note;  // well-formed UTF-8, otherwise untrusted
  std::vector<wire::BlindedPath> paths;
  std::optional<HumanName> bip_353_name;
};

struct RequestTerms {
  Bytes metadata;              // unpredictable and unique; any length above zero
  ChainHash chain;             // left out on the wire if it is bitcoin's main chain
  std::optional<Msat> amount;  // needed if the offer has none
  std::optional<std::uint64_t> quantity;
  std::optional<std::string> payer_note;
  std::vector<wire::BlindedPath> paths;   // to the payer; empty: the answer comes over the onion message's reply_path
  std::optional<HumanName> bip_353_name;  // where the offer was found; needed if it was found that way
  PrivateKey payer_key;                   // used for this request only; must be valid
};

class InvoiceRequest {
 public:
  /// Checks everything that the bytes alone show, including the signature.
  [[nodiscard]] static Result<InvoiceRequest, ParseError> parse(ByteView stream, Checks checks = Checks::All);
  /// `lnr1…`
  [[nodiscard]] static Result<InvoiceRequest, ParseError> parse_text(std::string_view text);
  /// Repeats the offer's records and signs. Fails as reading the result would (but the keys of `paths` are not looked
  /// at); whether the terms fit the offer is check_request's question.
  [[nodiscard]] static Result<InvoiceRequest, ParseError> make(const Offer& offer, const RequestTerms& terms);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  /// The offer as the request repeats it: the payer's claim until check_request compared it.
  [[nodiscard]] const Offer& offer() const { return offer_; }
  [[nodiscard]] OfferId offer_id() const { return offer_.id(); }
  [[nodiscard]] const Bytes& metadata() const { return fields_.metadata; }
  [[nodiscard]] ChainHash chain() const;  // bitcoin's if none is written
  [[nodiscard]] const std::optional<Msat>& amount() const { return fields_.amount; }
  [[nodiscard]] const wire::FeatureBits& features() const { return fields_.features; }
  [[nodiscard]] const std::optional<std::uint64_t>& quantity() const { return fields_.quantity; }
  [[nodiscard]] const PublicKey& payer_id() const { return fields_.payer_id; }
  [[nodiscard]] const std::optional<std::string>& payer_note() const { return fields_.payer_note; }
  [[nodiscard]] const std::vector<wire::BlindedPath>& paths() const { return fields_.paths; }
  [[nodiscard]] const std::optional<HumanName>& bip_353_name() const { return fields_.bip_353_name; }

 private:
  explicit InvoiceRequest(Offer offer) : offer_(std::move(offer)) {}
  Bytes bytes_;
  Offer offer_;
  RequestFields fields_;
};

/// Why the issuer of `offer` must not answer (or be paid by) this request; nullopt: it may.
[[nodiscard]] std::optional<Refusal> check_request(const InvoiceRequest& request, const Offer& offer, UnixTime now);
/// What the payer owes: invreq_amount, else the offer's price for the quantity. nullopt: neither, or too large.
[[nodiscard]] std::optional<Msat> amount_of(const InvoiceRequest& request, const Offer& offer);

}  // namespace doze::offers
