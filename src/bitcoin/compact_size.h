// Bitcoin's CompactSize: one byte below 0xfd, else a marker and 2, 4 or 8 little-endian bytes.
#pragma once

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"

namespace doze::bitcoin {

void write_compact_size(Writer& out, std::uint64_t value);
[[nodiscard]] std::size_t compact_size_length(std::uint64_t value);
/// Fails the reader and gives 0 unless the shortest form was used.
[[nodiscard]] std::uint64_t read_compact_size(Reader& in);
/// The same with a reason: NotMinimal for a long form, Truncated for a missing byte.
[[nodiscard]] Result<std::uint64_t, ParseError> read_size(Reader& in, const char* what);

/// A CompactSize and as many bytes.
void write_sized_bytes(Writer& out, ByteView bytes);
[[nodiscard]] Result<Bytes, ParseError> read_sized_bytes(Reader& in, const char* what);

}  // namespace doze::bitcoin
