// BOLT 12 strings: a prefix, "1", and bytes in bech32 characters without a checksum. BOLT 12, "Encoding".
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"

namespace doze::offers {

inline constexpr std::string_view kOfferPrefix = "lno", kInvoiceRequestPrefix = "lnr", kInvoicePrefix = "lni";

/// Longest text that is looked at. What travels in one onion message has at most 64 KiB, which is 105,000 characters;
/// the rest is room for "+" and white space.
inline constexpr std::size_t kMaxTextLength = 131'072;

/// All upper or all lower case; "+" and any white space behind it may join two characters anywhere, also in the prefix.
/// White space elsewhere is refused: callers that take text from people trim it. BadEncoding (a character, the case,
/// the joining, the prefix or the padding; where = offset), TooLarge.
[[nodiscard]] Result<Bytes, ParseError> decode_text(std::string_view prefix, std::string_view text);
/// Lower case, without joins.
[[nodiscard]] std::string encode_text(std::string_view prefix, ByteView bytes);
/// Whether the text could be one of `prefix` (case and joins as above): to tell kinds apart before decoding.
[[nodiscard]] bool has_prefix(std::string_view prefix, std::string_view text);

}  // namespace doze::offers
