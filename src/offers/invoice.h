// Invoices that answer an invoice_request, for an offer or without one (a refund). BOLT 12, "Invoices".
#pragma once

#include <optional>
#include <vector>

#include "offers/refund.h"

namespace doze::offers {

struct PaymentPath {
  wire::BlindedPath path;
  wire::BlindedPayInfo payinfo;
  friend bool operator==(const PaymentPath&, const PaymentPath&) = default;
};

/// A witness program to pay to on chain instead.
struct FallbackAddress {
  std::uint8_t version = 0;
  Bytes program;
  friend bool operator==(const FallbackAddress&, const FallbackAddress&) = default;
};

/// Bits 16 and 17 are all the invoice features there are: payable in several parts.
inline constexpr std::size_t kInvoiceMultipart = 16;
/// Lifetime of an invoice without relative_expiry.
inline constexpr std::uint32_t kDefaultInvoiceExpiryS = 7'200;

struct InvoiceTerms {
  std::vector<PaymentPath> payment_paths;  // best first, at least one
  UnixTime created_at;
  std::uint32_t relative_expiry_s = kDefaultInvoiceExpiryS;
  PaymentHash payment_hash;
  std::vector<FallbackAddress> fallbacks;  // best first
  wire::FeatureBits features;
  /// Of the issuer_id, or of the last blinded_node_id of the offer path used; for a refund any key.
  PrivateKey node_key;
};

class Invoice {
 public:
  /// Checks everything that the bytes alone show: the signature, and that an offer inside names its key.
  [[nodiscard]] static Result<Invoice, ParseError> parse(ByteView stream);
  /// `lni1…`
  [[nodiscard]] static Result<Invoice, ParseError> parse_text(std::string_view text);
  /// Repeats the request's records; the amount is amount_of(request). Fails as reading the result would.
  [[nodiscard]] static Result<Invoice, ParseError> make(const InvoiceRequest& request, const InvoiceTerms& terms);
  [[nodiscard]] static Result<Invoice, ParseError> make(const Refund& refund, const InvoiceTerms& terms);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] const std::optional<Offer>& offer() const { return offer_; }  // nullopt: it answers a refund
  [[nodiscard]] const RequestFields& request() const { return request_; }
  /// Usable ones only, best first, at least one: a path whose payinfo asks for a feature that we do not know is left
  /// out.
  [[nodiscard]] const std::vector<PaymentPath>& payment_paths() const { return payment_paths_; }
  [[nodiscard]] UnixTime created_at() const { return created_at_; }
  [[nodiscard]] UnixTime expires_at() const { return after_s(created_at_, relative_expiry_s_); }
  [[nodiscard]] bool expired(UnixTime now) const { return now > expires_at(); }
  [[nodiscard]] const PaymentHash& payment_hash() const { return payment_hash_; }
  [[nodiscard]] Msat amount() const { return amount_; }
  /// Usable ones only: versions 0 to 16 with 2 to 40 bytes, of version 0 with 20 or 32.
  [[nodiscard]] const std::vector<FallbackAddress>& fallbacks() const { return fallbacks_; }
  [[nodiscard]] const wire::FeatureBits& features() const { return features_; }
  [[nodiscard]] const PublicKey& node_id() const { return node_id_; }

 private:
  Bytes bytes_;
  std::optional<Offer> offer_;
  RequestFields request_;
  std::vector<PaymentPath> payment_paths_;
  UnixTime created_at_;
  std::uint32_t relative_expiry_s_ = 0;
  PaymentHash payment_hash_;
  Msat amount_;
  std::vector<FallbackAddress> fallbacks_;
  wire::FeatureBits features_;
  PublicKey node_id_;
};

/// Why the payer that sent `request` must not pay this invoice; nullopt: it may. An invoice must ask for exactly what
/// was offered: no user confirms another amount.
[[nodiscard]] std::optional<Refusal> check_invoice(const Invoice& invoice, const InvoiceRequest& request, UnixTime now);
/// The same for the publisher of `refund`. Anyone can sign such an invoice: whether node_id() is the right one must be
/// confirmed out of band.
[[nodiscard]] std::optional<Refusal> check_invoice(const Invoice& invoice, const Refund& refund, UnixTime now);

}  // namespace doze::offers
