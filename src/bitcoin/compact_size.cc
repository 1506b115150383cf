#include "bitcoin/compact_size.h"

namespace doze::bitcoin {

void write_compact_size(Writer& out, std::uint64_t value) {
  if (value < 0xfd) {
    out.u8(static_cast<std::uint8_t>(value));
  } else if (value <= 0xffff) {
    out.u8(0xfd).u16_le(static_cast<std::uint16_t>(value));
  } else if (value <= 0xffffffff) {
    out.u8(0xfe).u32_le(static_cast<std::uint32_t>(value));
  } else {
    out.u8(0xff).u64_le(value);
  }
}

std::size_t compact_size_length(std::uint64_t value) {
  return value < 0xfd ? 1 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9;
}

std::uint64_t read_compact_size(Reader& in) {
  auto marker = in.u8();
  std::uint64_t value = marker;
  std::size_t length = 1;
  if (marker == 0xfd) {
    value = in.u16_le();
    length = 3;
  } else if (marker == 0xfe) {
    value = in.u32_le();
    length = 5;
  } else if (marker == 0xff) {
    value = in.u64_le();
    length = 9;
  }
  if (in.ok() && compact_size_length(value) != length) in.fail();
  return in.ok() ? value : 0;
}

}  // namespace doze::bitcoin
