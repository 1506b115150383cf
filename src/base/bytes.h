// Bytes, hex, and plain big- and little-endian reading and writing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace doze {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

[[nodiscard]] std::string to_hex(ByteView bytes);
/// Either case, even number of digits; nullopt otherwise.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
/// For constants and tests only: aborts on bad hex.
[[nodiscard]] Bytes hex(std::string_view text);
[[nodiscard]] inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline Bytes to_bytes(ByteView view) {
  return Bytes(view.begin(), view.end());
}
void append(Bytes& to, ByteView more);
[[nodiscard]] bool equal(ByteView a, ByteView b);

/// Foreign text made safe for logs and tables: control, bidirectional and line-separator characters, broken UTF-8 and
/// backslashes become \xNN; cut at `max` characters (256 by default) with "…".
[[nodiscard]] std::string escape_untrusted(std::string_view text, std::size_t max = 256);
/// Text from a reply made safe for a table on a terminal: as escape_untrusted, but whole, and backslashes stay, as
/// parts of it may have been escaped before.
[[nodiscard]] std::string printable(std::string_view text);
/// JSON made safe for terminals and logs without changing what it says: the characters that escape_untrusted takes out
/// become \uXXXX, which is allowed only within strings. Broken UTF-8 becomes U+FFFD, because JSON cannot express it.
/// `json` must be what a JSON library wrote: it has these characters in strings alone.
[[nodiscard]] std::string printable_json(std::string_view json);
/// Whether the bytes are well-formed UTF-8 (no overlong forms, no surrogates).
[[nodiscard]] bool is_utf8(ByteView bytes);

/// Appends to a byte vector.
class Writer {
 public:
  Writer& u8(std::uint8_t v);
  Writer& u16(std::uint16_t v);  // big endian
  Writer& u32(std::uint32_t v);
  Writer& u64(std::uint64_t v);
  Writer& u16_le(std::uint16_t v);
  Writer& u32_le(std::uint32_t v);
  Writer& u64_le(std::uint64_t v);
  Writer& bytes(ByteView v);
  [[nodiscard]] std::size_t size() const { return out_.size(); }
  [[nodiscard]] const Bytes& view() const { return out_; }
  [[nodiscard]] Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

/// Reads forward; the first read past the end sets failed() and every later read gives zeros. Check ok() once at the
/// end, or before a length is trusted. Never allocates more than what is there.
class Reader {
 public:
  explicit Reader(ByteView in) : in_(in) {}
  std::uint8_t u8();
  std::uint16_t u16();  // big endian
  std::uint32_t u32();
  std::uint64_t u64();
  std::uint16_t u16_le();
  std::uint32_t u32_le();
  std::uint64_t u64_le();
  /// A view into the input; empty and failed if `n` bytes are not there.
  ByteView bytes(std::size_t n);
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> out{};
    auto view = bytes(N);
    if (view.size() == N) std::copy(view.begin(), view.end(), out.begin());
    return out;
  }
  ByteView rest() { return bytes(remaining()); }
  void fail() { failed_ = true; }
  [[nodiscard]] std::size_t remaining() const { return in_.size() - at_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] bool done() const { return !failed_ && at_ == in_.size(); }

 private:
  ByteView in_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace doze
