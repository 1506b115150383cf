#include "base/parse_error.h"

namespace doze {

const char* name(ParseCode code) {
  switch (code) {
    case ParseCode::Truncated:
      return "truncated";
    case ParseCode::TrailingBytes:
      return "trailing bytes";
    case ParseCode::BadLength:
      return "bad length";
    case ParseCode::NotMinimal:
      return "not minimally encoded";
    case ParseCode::TlvOrder:
      return "TLV types not increasing";
    case ParseCode::UnknownEven:
      return "unknown even type";
    case ParseCode::BadPoint:
      return "not a valid point";
    case ParseCode::BadSignature:
      return "bad signature";
    case ParseCode::BadUtf8:
      return "not UTF-8";
    case ParseCode::BadValue:
      return "forbidden value";
    case ParseCode::MissingField:
      return "missing field";
    case ParseCode::UnexpectedField:
      return "unexpected field";
    case ParseCode::BadEncoding:
      return "bad encoding";
    case ParseCode::BadChecksum:
      return "bad checksum";
    case ParseCode::BadMac:
      return "bad MAC";
    case ParseCode::UnknownVersion:
      return "unknown version";
    case ParseCode::TooLarge:
      return "too large";
  }
  return "unknown";
}

std::string describe(const ParseError& error) {
  std::string out = name(error.code);
  out += " at " + std::to_string(error.where);
  if (error.what[0] != '\0') out = out + ": " + error.what;
  return out;
}

}  // namespace doze
