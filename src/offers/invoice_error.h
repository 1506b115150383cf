// What went wrong with a request or an invoice, told to the other side. BOLT 12, "Invoice Errors".
//
// This is the bare TLV stream; LDK's length in front of it is the onion message's business (onion::InvoiceError).
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "offers/refusal.h"

namespace doze::offers {

struct InvoiceError {
  std::optional<std::uint64_t> erroneous_field;  // TLV type
  std::optional<Bytes> suggested_value;          // only with erroneous_field
  std::string error;                             // well-formed UTF-8, otherwise untrusted
  friend bool operator==(const InvoiceError&, const InvoiceError&) = default;

  [[nodiscard]] static Result<InvoiceError, ParseError> parse(ByteView stream);
  [[nodiscard]] Bytes encode() const;
  /// With the smallest change that would do as suggested_value, where there is one.
  [[nodiscard]] static InvoiceError of(const Refusal& refusal);
};

}  // namespace doze::offers
