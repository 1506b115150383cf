#include "offers/refusal.h"

#include "base/utc.h"

namespace doze::offers {

const char* name(RefusalCode code) {
  switch (code) {
    case RefusalCode::WrongChain:
      return "wrong_chain";
    case RefusalCode::Expired:
      return "expired";
    case RefusalCode::AmountMissing:
      return "amount_missing";
    case RefusalCode::AmountTooLow:
      return "amount_too_low";
    case RefusalCode::AmountWrong:
      return "amount_wrong";
    case RefusalCode::AmountTooLarge:
      return "amount_too_large";
    case RefusalCode::CurrencyUnsupported:
      return "currency_unsupported";
    case RefusalCode::QuantityMissing:
      return "quantity_missing";
    case RefusalCode::QuantityUnexpected:
      return "quantity_unexpected";
    case RefusalCode::QuantityOutOfRange:
      return "quantity_out_of_range";
    case RefusalCode::OfferMismatch:
      return "offer_mismatch";
    case RefusalCode::RequestMismatch:
      return "request_mismatch";
    case RefusalCode::WrongKey:
      return "wrong_key";
    case RefusalCode::AmountTooHigh:
      return "amount_too_high";
    case RefusalCode::FeatureDependency:
      return "feature_dependency";
    case RefusalCode::MultipartRequired:
      return "multipart_required";
  }
  return "unknown";
}

std::string Refusal::text() const {
  auto of = [](std::uint64_t value) { return std::to_string(value); };
  switch (code) {
    case RefusalCode::WrongChain:
      return "it is not for this chain";
    case RefusalCode::Expired:
      return "it expired at " + utc_text(UnixTime(number));
    case RefusalCode::AmountMissing:
      return "no amount is given, neither by the offer or invoice nor by the payer";
    case RefusalCode::AmountTooLow:
      return of(other) + " msat are less than the requested " + of(number) + " msat";
    case RefusalCode::AmountWrong:
      return "it asks for " + of(other) + " msat instead of " + of(number) + " msat";
    case RefusalCode::AmountTooLarge:
      return "the amount is above 21 million bitcoin";
    case RefusalCode::CurrencyUnsupported:
      return "the price is in a currency that is not converted";
    case RefusalCode::QuantityMissing:
      return "the offer needs a quantity";
    case RefusalCode::QuantityUnexpected:
      return "the offer allows no quantity";
    case RefusalCode::QuantityOutOfRange:
      return "a quantity of " + of(other) + " is not offered" + (number == 0 ? "" : ": at most " + of(number));
    case RefusalCode::OfferMismatch:
      return "its offer fields differ from the offer";
    case RefusalCode::RequestMismatch:
      return "it does not repeat the request";
    case RefusalCode::WrongKey:
      return "it is signed by a key that the offer does not name";
    case RefusalCode::AmountTooHigh:
      return of(other) + " msat are more than twice the requested " + of(number) + " msat";
    case RefusalCode::FeatureDependency:
      return "its feature " + of(number) + " is set without a feature that it needs";
    case RefusalCode::MultipartRequired:
      return "it must be paid in several parts, which is not supported";
  }
  return "unknown";
}

}  // namespace doze::offers
