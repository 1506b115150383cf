#include "base/bech32.h"

#include <algorithm>

#include "base/check.h"

namespace doze {

namespace {
constexpr std::string_view kCharacters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumLength = 6;
constexpr std::size_t kMaxHrpLength = 83;  // BIP 173

constexpr std::uint32_t constant_of(Bech32Kind kind) {
  return kind == Bech32Kind::Bech32 ? 1 : 0x2bc830a3;
}

/// The checksum's polynomial, one group at a time.
class Checksum {
 public:
  void add(std::uint8_t group) {
    constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    auto top = value_ >> 25;
    value_ = ((value_ & 0x1ffffff) << 5) ^ group;
    for (std::size_t i = 0; i < kGenerator.size(); ++i)
      if (((top >> i) & 1) != 0) value_ ^= kGenerator[i];
  }
  void add_hrp(std::string_view hrp) {
    for (char c : hrp) add(static_cast<std::uint8_t>(static_cast<unsigned char>(c) >> 5));
    add(0);
    for (char c : hrp) add(static_cast<std::uint8_t>(static_cast<unsigned char>(c) & 31));
  }
  void add(ByteView groups) {
    for (auto group : groups) add(group);
  }
  [[nodiscard]] std::uint32_t value() const { return value_; }

 private:
  std::uint32_t value_ = 1;
};

bool is_printable(char c) {
  return c >= 33 && c <= 126;
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whole bytes, and the bits left over with their number.
struct Regrouped {
  Bytes bytes;
  std::uint32_t left = 0;
  int left_bits = 0;
};
std::optional<Regrouped> regroup(ByteView groups) {
  Regrouped out;
  out.bytes.reserve(groups.size() * 5 / 8);
  for (auto group : groups) {
    if (group > 31) return std::nullopt;
    out.left = (out.left << 5) | group;
    out.left_bits += 5;
    if (out.left_bits < 8) continue;
    out.left_bits -= 8;
    out.bytes.push_back(static_cast<std::uint8_t>(out.left >> out.left_bits));
    out.left &= (1U << out.left_bits) - 1;
  }
  return out;
}
}  // namespace

Bytes to_five_bits(ByteView bytes) {
  Bytes out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t left = 0;
  int left_bits = 0;
  for (auto byte : bytes) {
    left = (left << 8) | byte;
    left_bits += 8;
    for (; left_bits >= 5; left_bits -= 5) out.push_back(static_cast<std::uint8_t>((left >> (left_bits - 5)) & 31));
    left &= (1U << left_bits) - 1;
  }
  if (left_bits > 0) out.push_back(static_cast<std::uint8_t>((left << (5 - left_bits)) & 31));
  return out;
}

std::optional<Bytes> to_eight_bits(ByteView groups) {
  auto out = regroup(groups);
  if (!out || out->left_bits >= 5 || out->left != 0) return std::nullopt;
  return std::move(out->bytes);
}

std::optional<Bytes> to_eight_bits_any_padding(ByteView groups) {
  auto out = regroup(groups);
  if (!out || out->left_bits >= 5) return std::nullopt;
  return std::move(out->bytes);
}

std::string bech32_characters(ByteView groups) {
  std::string out;
  out.reserve(groups.size());
  for (auto group : groups) {
    LN_ASSERT(group < 32);
    out.push_back(kCharacters[group]);
  }
  return out;
}

std::optional<Bytes> bech32_groups(std::string_view characters) {
  Bytes out;
  out.reserve(characters.size());
  for (char c : characters) {
    auto at = kCharacters.find(lower(c));
    if (at == std::string_view::npos) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(at));
  }
  return out;
}

std::optional<std::string> bech32_lower(std::string_view text) {
  bool upper = std::any_of(text.begin(), text.end(), is_upper);
  bool lower_case = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if ((upper && lower_case) || !std::all_of(text.begin(), text.end(), is_printable)) return std::nullopt;
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string bech32_encode(const Bech32& value) {
  LN_ASSERT(!value.hrp.empty() && value.hrp.size() <= kMaxHrpLength);
  LN_ASSERT(std::all_of(value.hrp.begin(), value.hrp.end(), [](char c) { return is_printable(c) && !is_upper(c); }));
  Checksum sum;
  sum.add_hrp(value.hrp);
  sum.add(value.groups);
  for (std::size_t i = 0; i < kChecksumLength; ++i) sum.add(0);
  auto check = sum.value() ^ constant_of(value.kind);
  Bytes check_groups;
  for (std::size_t i = 0; i < kChecksumLength; ++i)
    check_groups.push_back(static_cast<std::uint8_t>((check >> (5 * (kChecksumLength - 1 - i))) & 31));
  return value.hrp + "1" + bech32_characters(value.groups) + bech32_characters(check_groups);
}

Result<Bech32, ParseError> bech32_decode(std::string_view text, std::size_t max_length) {
  if (text.size() > max_length) return fail(ParseError{ParseCode::TooLarge, max_length, "bech32 text"});
  auto lower_text = bech32_lower(text);
  if (!lower_text) return fail(ParseError{ParseCode::BadEncoding, 0, "bech32 case or character"});
  std::string_view all = *lower_text;
  auto separator = all.rfind('1');
  if (separator == std::string_view::npos || separator == 0 || separator > kMaxHrpLength ||
      all.size() - separator - 1 < kChecksumLength)
    return fail(ParseError{ParseCode::BadEncoding, all.size(), "bech32 separator"});
  auto groups = bech32_groups(all.substr(separator + 1));
  if (!groups) return fail(ParseError{ParseCode::BadEncoding, separator + 1, "bech32 character"});

  Bech32 out;
  out.hrp = all.substr(0, separator);
  Checksum sum;
  sum.add_hrp(out.hrp);
  sum.add(*groups);
  if (sum.value() == constant_of(Bech32Kind::Bech32)) {
    out.kind = Bech32Kind::Bech32;
  } else if (sum.value() == constant_of(Bech32Kind::Bech32m)) {
    out.kind = Bech32Kind::Bech32m;
  } else {
    return fail(ParseError{ParseCode::BadChecksum, separator + 1, "bech32"});
  }
  out.groups = to_bytes(ByteView(*groups).first(groups->size() - kChecksumLength));
  return out;
}

}  // namespace doze
