// Invoice errors: read and written, they say the same.
#include "offers/invoice_error.h"

#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto error = offers::InvoiceError::parse({data, size});
  if (!error) return 0;
  FUZZ_CHECK(is_utf8(bytes_of(error->error)));
  FUZZ_CHECK(!error->suggested_value || error->erroneous_field);
  auto again = offers::InvoiceError::parse(error->encode());
  FUZZ_CHECK(again && *again == *error);
  return 0;
}

static fuzz::Seeds seeds() {
  return {offers::InvoiceError{std::nullopt, std::nullopt, "no"}.encode(),
          offers::InvoiceError{82, Bytes{5}, "too little"}.encode(),
          offers::InvoiceError::of({offers::RefusalCode::AmountTooLow, 82, 5, 4}).encode()};
}
DOZE_FUZZ_TARGET(invoice_error, 60'000);
