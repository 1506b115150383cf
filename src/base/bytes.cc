#include "base/bytes.h"

#include <algorithm>

#include "base/check.h"

namespace doze {

namespace {
/// Uses neither a branch nor a table, because the bytes may be a secret.
char digit(unsigned value) {
  return static_cast<char>('0' + value + (((9 - value) >> 8) & ('a' - '9' - 1)));
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Length of the well-formed UTF-8 character at the front and its code point, or 0.
std::size_t utf8_char(ByteView in, std::uint32_t& code) {
  auto first = in[0];
  std::size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || in.size() < length) return 0;
  code = length == 1 ? first : first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((in[i] & 0xc0) != 0x80) return 0;
    code = (code << 6) | (in[i] & 0x3fU);
  }
  if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000)) return 0;
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
  return length;
}

bool is_harmless(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  if (code == 0x061c || code == 0xfeff || (code >= 0xe0000 && code <= 0xe007f)) return false;
  if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e)) return false;
  return !(code >= 0x2060 && code <= 0x206f) && !(code >= 0xfff9 && code <= 0xfffb);
}

/// `each` takes the bytes of one character and its code point, or one byte of broken UTF-8 and no code point.
template <class Each>
void for_each_character(std::string_view text, Each&& each) {
  for (auto in = bytes_of(text); !in.empty();) {
    std::uint32_t code = 0;
    auto length = utf8_char(in, code);
    auto front = in.first(std::max<std::size_t>(length, 1));
    if (!each(front, length == 0 ? std::nullopt : std::optional(code))) return;
    in = in.subspan(front.size());
  }
}

void append_text(std::string& out, ByteView bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
void append_escaped(std::string& out, ByteView bytes) {
  for (auto byte : bytes) {
    out += "\\x";
    out.push_back(digit(byte >> 4U));
    out.push_back(digit(byte & 15U));
  }
}
/// \uXXXX, in two halves beyond the first 65,536 (RFC 8259, section 7).
void append_json_escape(std::string& out, std::uint32_t code) {
  auto unit = [&](std::uint32_t value) {
    out += "\\u";
    for (unsigned shift = 16; shift > 0; shift -= 4) out.push_back(digit((value >> (shift - 4)) & 15U));
  };
  if (code < 0x10000) return unit(code);
  unit(0xd800 + ((code - 0x10000) >> 10U));
  unit(0xdc00 + ((code - 0x10000) & 0x3ffU));
}
}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto byte : bytes) {
    out.push_back(digit(byte >> 4U));
    out.push_back(digit(byte & 15U));
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = nibble(text[i]), low = nibble(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  LN_ASSERT(out.has_value());
  return *std::move(out);
}

void append(Bytes& to, ByteView more) {
  to.insert(to.end(), more.begin(), more.end());
}

bool equal(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::string escape_untrusted(std::string_view text, std::size_t max) {
  std::string out;
  std::size_t count = 0;
  for_each_character(text, [&](ByteView bytes, std::optional<std::uint32_t> code) {
    if (count++ == max) return out += "…", false;
    if (code && *code != '\\' && is_harmless(*code))
      append_text(out, bytes);
    else
      append_escaped(out, bytes);
    return true;
  });
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  for_each_character(text, [&](ByteView bytes, std::optional<std::uint32_t> code) {
    if (code && is_harmless(*code))
      append_text(out, bytes);
    else
      append_escaped(out, bytes);
    return true;
  });
  return out;
}

std::string printable_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for_each_character(json, [&](ByteView bytes, std::optional<std::uint32_t> code) {
    if (code &&
        (is_harmless(*code) || *code < 0x20))  // below 0x20 only between values: a library escapes them in strings
      append_text(out, bytes);
    else
      append_json_escape(out, code.value_or(0xfffd));
    return true;
  });
  return out;
}

bool is_utf8(ByteView bytes) {
  std::uint32_t code = 0;
  while (!bytes.empty()) {
    std::size_t length = utf8_char(bytes, code);
    if (length == 0) return false;
    bytes = bytes.subspan(length);
  }
  return true;
}

namespace {
template <class T>
void put_be(Bytes& out, T v) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(v >> shift));
}
template <class T>
void put_le(Bytes& out, T v) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}
template <class T>
T get_be(ByteView in) {
  T v = 0;
  for (auto byte : in) v = static_cast<T>((v << 8) | byte);
  return v;
}
template <class T>
T get_le(ByteView in) {
  T v = 0;
  for (std::size_t i = in.size(); i-- > 0;) v = static_cast<T>((v << 8) | in[i]);
  return v;
}
}  // namespace

Writer& Writer::u8(std::uint8_t v) {
  out_.push_back(v);
  return *this;
}
Writer& Writer::u16(std::uint16_t v) {
  put_be(out_, v);
  return *this;
}
Writer& Writer::u32(std::uint32_t v) {
  put_be(out_, v);
  return *this;
}
Writer& Writer::u64(std::uint64_t v) {
  put_be(out_, v);
  return *this;
}
Writer& Writer::u16_le(std::uint16_t v) {
  put_le(out_, v);
  return *this;
}
Writer& Writer::u32_le(std::uint32_t v) {
  put_le(out_, v);
  return *this;
}
Writer& Writer::u64_le(std::uint64_t v) {
  put_le(out_, v);
  return *this;
}
Writer& Writer::bytes(ByteView v) {
  append(out_, v);
  return *this;
}

ByteView Reader::bytes(std::size_t n) {
  if (failed_ || n > in_.size() - at_) {
    failed_ = true;
    return {};
  }
  auto out = in_.subspan(at_, n);
  at_ += n;
  return out;
}
std::uint8_t Reader::u8() {
  return get_be<std::uint8_t>(bytes(1));
}
std::uint16_t Reader::u16() {
  return get_be<std::uint16_t>(bytes(2));
}
std::uint32_t Reader::u32() {
  return get_be<std::uint32_t>(bytes(4));
}
std::uint64_t Reader::u64() {
  return get_be<std::uint64_t>(bytes(8));
}
std::uint16_t Reader::u16_le() {
  return get_le<std::uint16_t>(bytes(2));
}
std::uint32_t Reader::u32_le() {
  return get_le<std::uint32_t>(bytes(4));
}
std::uint64_t Reader::u64_le() {
  return get_le<std::uint64_t>(bytes(8));
}

}  // namespace doze
