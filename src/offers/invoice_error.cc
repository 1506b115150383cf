#include "offers/invoice_error.h"

#include "offers/stream.h"

namespace doze::offers {

namespace {
constexpr std::uint64_t kErroneousField = 1, kSuggestedValue = 3, kError = 5;
}

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
  LN_ASSERT(erroneous_field || !suggested_value);
  RecordsOut out;
  if (erroneous_field) out.add_tu(kErroneousField, *erroneous_field);
  if (suggested_value) out.add(kSuggestedValue, *suggested_value);
  return out.add_text(kError, error).take();
}

InvoiceError InvoiceError::of(const Refusal& refusal) {
  auto field = refusal.field == 0 ? std::nullopt : std::optional(refusal.field);
  return InvoiceError{field, std::nullopt, refusal.text()};
}

}  // namespace doze::offers
