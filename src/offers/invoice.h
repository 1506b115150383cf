// Invoices that answer an invoice_request. BOLT 12, "Invoices".
#pragma once

#include <optional>
#include <vector>

#include "offers/invoice_request.h"

namespace doze::offers {

struct PaymentPath {
  wire::BlindedPath path;
  wire::BlindedPayInfo payinfo;
  friend bool operator==(const PaymentPath&, const PaymentPath&) = default;
};

/// Bits 16 and 17 are all the invoice features there are: payable in several parts.
inline constexpr std::size_t kInvoiceMultipart = 16;
/// Life of an invoice that does not say.
inline constexpr std::uint32_t kDefaultInvoiceExpiryS = 7'200;

struct InvoiceTerms {
  std::vector<PaymentPath> payment_paths;  // best first, at least one
  UnixTime created_at;
  std::uint32_t relative_expiry_s = kDefaultInvoiceExpiryS;
  PaymentHash payment_hash;
  wire::FeatureBits features;
  PrivateKey node_key;  // of the issuer_id, or of the last blinded_node_id of the offer path used
};

class Invoice {
 public:
  /// Everything is checked that the bytes alone can tell: the signature, and that the offer inside names its key.
  [[nodiscard]] static Result<Invoice, ParseError> parse(ByteView stream);
  /// `lni1…`
  [[nodiscard]] static Result<Invoice, ParseError> parse_text(std::string_view text);
  /// Repeats the request's records; the amount is amount_of(request). Fails as reading the result would.
  [[nodiscard]] static Result<Invoice, ParseError> make(const InvoiceRequest& request, const InvoiceTerms& terms);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] const Offer& offer() const { return offer_; }
  [[nodiscard]] const RequestFields& request() const { return request_; }
  /// Usable ones only, best first, at least one: a path whose payinfo asks for a feature that we do not know is left
  /// out.
  [[nodiscard]] const std::vector<PaymentPath>& payment_paths() const { return payment_paths_; }
  [[nodiscard]] UnixTime created_at() const { return created_at_; }
  [[nodiscard]] UnixTime expires_at() const { return after_s(created_at_, relative_expiry_s_); }
  [[nodiscard]] bool expired(UnixTime now) const { return now > expires_at(); }
  [[nodiscard]] const PaymentHash& payment_hash() const { return payment_hash_; }
  [[nodiscard]] Msat amount() const { return amount_; }
  [[nodiscard]] const wire::FeatureBits& features() const { return features_; }
  [[nodiscard]] const PublicKey& node_id() const { return node_id_; }

 private:
  explicit Invoice(Offer offer) : offer_(std::move(offer)) {}
  Bytes bytes_;
  Offer offer_;
  RequestFields request_;
  std::vector<PaymentPath> payment_paths_;
  UnixTime created_at_;
  std::uint32_t relative_expiry_s_ = 0;
  PaymentHash payment_hash_;
  Msat amount_;
  wire::FeatureBits features_;
  PublicKey node_id_;
};

/// Why the payer that sent `request` must not pay this invoice; nullopt: it may. An invoice must ask exactly what was
/// offered: there is nobody to confirm another amount.
[[nodiscard]] std::optional<Refusal> check_invoice(const Invoice& invoice, const InvoiceRequest& request, UnixTime now);

}  // namespace doze::offers
