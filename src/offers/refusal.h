// Why something well-formed does not fit: an offer that cannot be paid, a request that is not for our offer, an invoice
// that is not what was asked for. What is not well-formed is a ParseError.
#pragma once

#include <cstdint>
#include <string>

namespace doze::offers {

enum class RefusalCode : std::uint8_t {
  WrongChain,           // not a chain of the offer, or not ours
  Expired,              // number = the second at which it expired
  AmountMissing,        // neither offer nor request names one
  AmountTooLow,         // number = msat expected, other = msat named
  AmountWrong,          // an invoice for another amount; number = msat expected, other = msat named
  AmountTooLarge,       // the sum is above 21 million bitcoin
  CurrencyUnsupported,  // a price in another currency, which we do not convert
  QuantityMissing,
  QuantityUnexpected,
  QuantityOutOfRange,  // number = largest (0: no limit), other = asked
  OfferMismatch,       // the offer's fields are not exactly those of the offer
  RequestMismatch,     // the mirrored fields are not exactly those of the request
  WrongKey,            // signed by a key that the offer does not name
  AmountTooHigh,       // more than twice the amount; number = msat asked for, other = msat named
  FeatureDependency,   // number = a feature bit that is set without what it needs
  MultipartRequired,   // the invoice must be paid in several parts, which we do not do
};

struct Refusal {
  RefusalCode code;
  std::uint64_t field = 0;   // TLV type that is to blame, for invoice_error's erroneous_field; 0: none in particular
  std::uint64_t number = 0;  // see the codes
  std::uint64_t other = 0;
  friend bool operator==(const Refusal&, const Refusal&) = default;

  /// One sentence without a full stop: "it expired at 2025-06-15T15:06:40Z".
  [[nodiscard]] std::string text() const;
  operator std::string() const { return text(); }
};
[[nodiscard]] inline std::string operator+(const char* before, const Refusal& refusal) {
  return before + refusal.text();
}

[[nodiscard]] const char* name(RefusalCode code);

}  // namespace doze::offers
