// TLV streams of BOLT 12 and of invitations: every record by name, and the place of a broken rule.
#pragma once

#include <string_view>
#include <vector>

#include "toolbox/problem.h"
#include "wire/tlv.h"

namespace doze::toolbox {

enum class Stream : std::uint8_t { Offer, InvoiceRequest, Invoice, StaticInvoice, InvoiceError, Invitation };
[[nodiscard]] const char* name(Stream stream);  // "offer", "invoice_request", …

/// Every record of a valid stream, in order, under its BOLT name; unknown ones as "unknown_TYPE" in hex.
[[nodiscard]] Value show_records(Stream stream, ByteView bytes);
/// Reads and shows, with what follows from the records: ids, profile, when it expires.
[[nodiscard]] Result<Value, Problem> decode_stream(Stream stream, ByteView bytes);
/// The place in `bytes` of a reader's error about this stream. For missing fields: the place where they belong.
[[nodiscard]] Problem locate(Stream stream, ByteView bytes, const ParseError& error);
struct StreamRecord {
  std::uint64_t type;
  const char* name;
  const char* fields;  // "name:type name:type", types as type_text has them, and tu16 to tu64
};
/// Every record that such a stream may have.
[[nodiscard]] std::vector<StreamRecord> records_of(Stream stream);

}  // namespace doze::toolbox
