// Refunds: invoice_requests without an offer, published by a node that wants to pay. A reader answers with an
// invoice and is paid. BOLT 12, "Invoice Requests".
//
// A Refund is valid as soon as it exists, and keeps its bytes: the invoice repeats them. Text is untrusted, as in
// Offer.
#pragma once

#include "offers/invoice_request.h"

namespace doze::offers {

/// The part of a refund in the offer's range of types.
struct RefundFields {
  std::optional<std::string> description;  // writers must set it
  std::optional<UnixTime> absolute_expiry;
  std::optional<std::string> issuer;
};

struct RefundTerms {
  std::string description;
  std::optional<UnixTime> absolute_expiry;
  std::optional<std::string> issuer;
  /// amount is required; payer_id and paths tell where to send the invoice, like issuer_id and paths of an offer.
  RequestFields request;
};

/// Whether a stream, valid or not, has neither offer_issuer_id nor offer_paths: then it is not a request for an offer.
[[nodiscard]] bool is_without_offer(ByteView stream);

class Refund {
 public:
  /// A signature is not needed; one that is there must be right.
  [[nodiscard]] static Result<Refund, ParseError> parse(ByteView stream);
  /// `lnr1…`
  [[nodiscard]] static Result<Refund, ParseError> parse_text(std::string_view text);
  /// Unsigned, as BOLT 12 asks. Fails as reading the result would.
  [[nodiscard]] static Result<Refund, ParseError> make(const RefundTerms& terms);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] const RefundFields& about() const { return about_; }
  [[nodiscard]] const RequestFields& request() const { return request_; }
  [[nodiscard]] ChainHash chain() const;  // bitcoin's if none is written
  [[nodiscard]] Msat amount() const { return *request_.amount; }
  [[nodiscard]] bool expired(UnixTime now) const { return about_.absolute_expiry && now > *about_.absolute_expiry; }

 private:
  Bytes bytes_;
  RefundFields about_;
  RequestFields request_;
};

/// Why it must not be answered; nullopt: it may, with an invoice for exactly its amount.
[[nodiscard]] std::optional<Refusal> check_refund(const Refund& refund, const ChainHash& chain, UnixTime now);

}  // namespace doze::offers
