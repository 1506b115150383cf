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

Result<std::uint64_t, ParseError> read_size(Reader& in, const char* what) {
  Reader before = in;
  auto value = read_compact_size(in);
  if (in.ok()) return value;
  auto marker = before.u8();
  std::size_t needed = marker < 0xfd ? 0 : marker == 0xfd ? 2 : marker == 0xfe ? 4 : 8;
  bool complete = before.ok() && before.remaining() >= needed;
  return fail(ParseError{complete ? ParseCode::NotMinimal : ParseCode::Truncated, in.at(), what});
}

void write_sized_bytes(Writer& out, ByteView bytes) {
  write_compact_size(out, bytes.size());
  out.bytes(bytes);
}

Result<Bytes, ParseError> read_sized_bytes(Reader& in, const char* what) {
  LN_TRY(size, read_size(in, what));
  auto view = in.bytes(static_cast<std::size_t>(size));
  if (!in.ok()) return fail(ParseError{ParseCode::Truncated, in.at(), what});
  return to_bytes(view);
}

}  // namespace doze::bitcoin
