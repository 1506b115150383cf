#include "offers/invoice_error.h"

#include "offers/stream.h"

namespace doze::offers {

namespace {
constexpr std::uint64_t kErroneousField = 1, kSuggestedValue = 3, kError = 5;

/// What the field may be instead, as its record would have it.
std::optional<Bytes> suggestion(const Refusal& refusal) {
  switch (refusal.code) {
    case RefusalCode::AmountTooLow:
    case RefusalCode::AmountWrong:
      return wire::tu(refusal.number);
    case RefusalCode::QuantityMissing:
      return wire::tu(1);
    case RefusalCode::QuantityOutOfRange:  // zero items, or too many; without a limit it can only be zero
      return wire::tu(refusal.other == 0 ? 1 : refusal.number);
    default:
      return std::nullopt;
  }
}
}  // namespace

Result<InvoiceError, ParseError> InvoiceError::parse(ByteView stream) {
  LN_TRY(records, wire::parse_tlv_stream(stream));
  FieldsIn in(records);
  InvoiceError out;
  out.erroneous_field = in.tu(kErroneousField, 8, "erroneous_field");
  out.suggested_value = in.bytes(kSuggestedValue);
  out.error = in.required(in.utf8(kError, "error"), kError, "error");
  if (out.suggested_value && !out.erroneous_field)
    in.refuse(ParseCode::UnexpectedField, kSuggestedValue, "suggested_value");
  in.finish([](std::uint64_t) { return true; });
  if (in.error()) return fail(*in.error());
  return out;
}

Bytes InvoiceError::encode() const {
  LN_ASSERT(erroneous_field || !suggested_value);  // [B12-err-02]
  RecordsOut out;
  if (erroneous_field) out.add_tu(kErroneousField, *erroneous_field);
  if (suggested_value) out.add(kSuggestedValue, *suggested_value);
  return out.add_text(kError, error).take();  // [B12-err-01]
}

InvoiceError InvoiceError::of(const Refusal& refusal) {
  if (refusal.field == 0) return InvoiceError{std::nullopt, std::nullopt, refusal.text()};
  return InvoiceError{refusal.field, suggestion(refusal), refusal.text()};
}

}  // namespace doze::offers
