// Base58 with a 4-byte double-SHA256 checksum: old addresses and extended keys.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"

namespace doze::bitcoin {

/// The longest text that is decoded (an extended key has 111): decoding takes quadratic time.
inline constexpr std::size_t kMaxBase58Length = 128;

[[nodiscard]] std::string base58check_encode(ByteView payload);
/// The payload without its checksum. BadEncoding for a foreign character, BadChecksum, TooLarge beyond
/// kMaxBase58Length.
[[nodiscard]] Result<Bytes, ParseError> base58check_decode(std::string_view text);

}  // namespace doze::bitcoin
