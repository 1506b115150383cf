#include "offers/text.h"

#include "base/bech32.h"

namespace doze::offers {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/// Without the joins. A join needs a character on both sides.
Result<std::string, ParseError> unfold(std::string_view text) {
  if (text.size() > kMaxTextLength) return fail(ParseError{ParseCode::TooLarge, kMaxTextLength, "text"});
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '+') {  // [B12-text-05]
      out.push_back(text[at++]);
      continue;
    }
    auto join = at++;
    while (at < text.size() && is_space(text[at])) ++at;
    if (out.empty() || at == text.size() || text[at] == '+')
      return fail(ParseError{ParseCode::BadEncoding, join, "+ must stand between two characters"});
  }
  auto lower = bech32_lower(out);  // [B12-text-04]
  if (!lower) return fail(ParseError{ParseCode::BadEncoding, 0, "mixed case or not printable"});
  return *std::move(lower);
}

}  // namespace

Result<Bytes, ParseError> decode_text(std::string_view prefix, std::string_view text) {
  LN_TRY(plain, unfold(text));
  std::string_view rest = plain;
  if (!rest.starts_with(prefix) || rest.size() <= prefix.size() || rest[prefix.size()] != '1')
    return fail(ParseError{ParseCode::BadEncoding, 0, "prefix"});
  rest.remove_prefix(prefix.size() + 1);
  auto groups = bech32_groups(rest);
  if (!groups) return fail(ParseError{ParseCode::BadEncoding, prefix.size() + 1, "character"});
  auto bytes = to_eight_bits(*groups);
  if (!bytes) return fail(ParseError{ParseCode::BadEncoding, plain.size(), "padding"});
  return *std::move(bytes);
}

std::string encode_text(std::string_view prefix, ByteView bytes) {
  return std::string(prefix) + "1" + bech32_characters(to_five_bits(bytes));  // [B12-text-01, B12-text-03]
}

bool has_prefix(std::string_view prefix, std::string_view text) {
  auto plain = unfold(text);
  return plain && plain->starts_with(std::string(prefix) + "1");
}

}  // namespace doze::offers
