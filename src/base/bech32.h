// Bech32 text: the character set, 5-bit groups and checksums. BIP 173, BIP 350.
//
// BOLT 12 strings take the groups and characters without checksum, BOLT 11 the checksum without the length limit,
// addresses both. What the groups mean is the caller's business.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"

namespace doze {

/// Bytes to 5-bit groups, the last one filled with zero bits.
[[nodiscard]] Bytes to_five_bits(ByteView bytes);
/// 5-bit groups to bytes. nullopt for a group above 31, for padding of five bits or more, and for padding that is not
/// zero.
[[nodiscard]] std::optional<Bytes> to_eight_bits(ByteView groups);
/// As to_eight_bits, but up to four padding bits of any value are dropped (BOLT 11 tagged fields).
[[nodiscard]] std::optional<Bytes> to_eight_bits_any_padding(ByteView groups);

/// Lower-case characters of the groups; every group must be below 32 (aborts otherwise).
[[nodiscard]] std::string bech32_characters(ByteView groups);
/// Groups of the characters, either case; nullopt for a character outside the set.
[[nodiscard]] std::optional<Bytes> bech32_groups(std::string_view characters);
/// The text in lower case; nullopt if it mixes cases (which bech32 refuses) or leaves printable ASCII.
[[nodiscard]] std::optional<std::string> bech32_lower(std::string_view text);

enum class Bech32Kind : std::uint8_t {
  Bech32,   // BIP 173: segwit version 0, BOLT 11
  Bech32m,  // BIP 350: segwit version 1 and above
};
struct Bech32 {
  Bech32Kind kind = Bech32Kind::Bech32;
  std::string hrp;  // human-readable part, lower case
  Bytes groups;     // 5-bit groups without the checksum
};
/// BIP 173: an address or key is at most this long; beyond it the checksum promises less.
inline constexpr std::size_t kMaxBech32Length = 90;

/// `value.hrp` must be lower-case printable ASCII, 1 to 83 characters. No length limit is applied.
[[nodiscard]] std::string bech32_encode(const Bech32& value);
/// TooLarge beyond max_length characters, BadEncoding for a bad character, mixed case or misplaced separator,
/// BadChecksum when neither kind fits.
[[nodiscard]] Result<Bech32, ParseError> bech32_decode(std::string_view text,
                                                       std::size_t max_length = kMaxBech32Length);

}  // namespace doze
