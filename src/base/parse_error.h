// Why bytes or text from outside were refused. BOLT-independent; the caller decides how to react.
#pragma once

#include <cstdint>
#include <string>

namespace doze {

enum class ParseCode : std::uint8_t {
  Truncated,      // the input ends too early
  TrailingBytes,  // bytes follow after the end
  BadLength,      // a length field or fixed-size field has an impossible value
  NotMinimal,     // BigSize or truncated integer with leading zeros
  TlvOrder,       // TLV types not strictly increasing
  UnknownEven,    // a TLV, feature or message that must be understood
  BadPoint,       // 33 bytes that are not a curve point
  BadSignature,
  BadUtf8,
  BadValue,  // a field has a value that its specification forbids
  MissingField,
  UnexpectedField,
  BadEncoding,  // hex, bech32, base58
  BadChecksum,
  BadMac,
  UnknownVersion,
  TooLarge,  // larger than our named limit
};

struct ParseError {
  ParseCode code;
  std::uint64_t where = 0;  // byte offset, or TLV type where the message of `what` says so
  const char* what = "";    // static text: field or rule
  friend bool operator==(const ParseError& a, const ParseError& b) { return a.code == b.code && a.where == b.where; }
};

[[nodiscard]] const char* name(ParseCode code);
/// "truncated at 17: short_channel_id"
[[nodiscard]] std::string describe(const ParseError& error);

}  // namespace doze
