// Bitcoin's CompactSize: one byte below 0xfd, else a marker and 2, 4 or 8 little-endian bytes.
#pragma once

#include "base/bytes.h"

namespace doze::bitcoin {

void write_compact_size(Writer& out, std::uint64_t value);
[[nodiscard]] std::size_t compact_size_length(std::uint64_t value);
/// Fails the reader and gives 0 unless the shortest form was used.
[[nodiscard]] std::uint64_t read_compact_size(Reader& in);

}  // namespace doze::bitcoin
