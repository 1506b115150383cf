// BigSize, truncated integers and TLV streams. BOLT 1, "Type-Length-Value Format" and Appendices A, B.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"

namespace doze::wire {

void write_bigsize(Writer& out, std::uint64_t value);
[[nodiscard]] std::size_t bigsize_length(std::uint64_t value);
/// Minimal encoding required: otherwise the reader fails and 0 is returned (NotMinimal is then in `why`).
std::uint64_t read_bigsize(Reader& in, ParseCode* why = nullptr);

/// tu16, tu32, tu64: big endian without leading zero bytes; `value` fills the whole TLV value.
void write_tu(Writer& out, std::uint64_t value);
[[nodiscard]] Bytes tu(std::uint64_t value);
/// nullopt if longer than max_bytes (2, 4 or 8) or with a leading zero.
[[nodiscard]] std::optional<std::uint64_t> read_tu(ByteView value, std::size_t max_bytes);

/// One record; `value` views the parsed buffer.
struct TlvRecord {
  std::uint64_t type = 0;
  ByteView value;
  ByteView whole;  // type, length and value as they stood
};

void write_record(Writer& out, std::uint64_t type, ByteView value);
/// All records of a stream, strictly increasing types, minimal sizes. Unknown types are the caller's business:
/// see refuse_unknown_even.
[[nodiscard]] Result<std::vector<TlvRecord>, ParseError> parse_tlv_stream(ByteView stream);
[[nodiscard]] const TlvRecord* find(const std::vector<TlvRecord>& records, std::uint64_t type);
/// UnknownEven (where = the type) if a record has an even type that is not in `known`.
[[nodiscard]] Status<ParseError> refuse_unknown_even(const std::vector<TlvRecord>& records,
                                                     std::initializer_list<std::uint64_t> known);

/// Appends records; types must come in increasing order (aborts otherwise: our own bug).
class TlvWriter {
 public:
  TlvWriter& add(std::uint64_t type, ByteView value);
  TlvWriter& add_tu(std::uint64_t type, std::uint64_t value);
  TlvWriter& add_u16(std::uint64_t type, std::uint16_t value);
  TlvWriter& add_u64(std::uint64_t type, std::uint64_t value);
  [[nodiscard]] Bytes take() { return out_.take(); }

 private:
  Writer out_;
  std::optional<std::uint64_t> last_;
};

}  // namespace doze::wire
