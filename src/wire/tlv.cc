#include "wire/tlv.h"

#include <algorithm>

#include "base/check.h"

namespace doze::wire {

void write_bigsize(Writer& out, std::uint64_t value) {
  if (value < 0xfd) {
    out.u8(static_cast<std::uint8_t>(value));
  } else if (value <= 0xffff) {
    out.u8(0xfd).u16(static_cast<std::uint16_t>(value));
  } else if (value <= 0xffffffff) {
    out.u8(0xfe).u32(static_cast<std::uint32_t>(value));
  } else {
    out.u8(0xff).u64(value);
  }
}

std::size_t bigsize_length(std::uint64_t value) {
  return value < 0xfd ? 1 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9;
}

std::uint64_t read_bigsize(Reader& in, ParseCode* why) {
  auto first = in.u8();
  std::uint64_t value = first, least = 0;
  if (first == 0xfd) {
    value = in.u16();
    least = 0xfd;
  } else if (first == 0xfe) {
    value = in.u32();
    least = 0x10000;
  } else if (first == 0xff) {
    value = in.u64();
    least = 0x100000000;
  }
  if (!in.ok()) {
    if (why != nullptr) *why = ParseCode::Truncated;
    return 0;
  }
  if (value < least) {
    if (why != nullptr) *why = ParseCode::NotMinimal;
    in.fail();
    return 0;
  }
  return value;
}

Bytes tu(std::uint64_t value) {
  Bytes out;
  for (int shift = 56; shift >= 0; shift -= 8)
    if (auto byte = static_cast<std::uint8_t>(value >> shift); byte != 0 || !out.empty()) out.push_back(byte);
  return out;
}

void write_tu(Writer& out, std::uint64_t value) {
  out.bytes(tu(value));
}

std::optional<std::uint64_t> read_tu(ByteView value, std::size_t max_bytes) {
  if (value.size() > max_bytes || (!value.empty() && value[0] == 0)) return std::nullopt;
  std::uint64_t out = 0;
  for (auto byte : value) out = (out << 8) | byte;
  return out;
}

void write_record(Writer& out, std::uint64_t type, ByteView value) {
  write_bigsize(out, type);
  write_bigsize(out, value.size());
  out.bytes(value);
}

Result<std::vector<TlvRecord>, ParseError> parse_tlv_stream(ByteView stream) {
  std::vector<TlvRecord> out;
  Reader in(stream);
  while (in.remaining() != 0) {
    auto start = in.at();
    ParseCode why = ParseCode::Truncated;
    auto type = read_bigsize(in, &why);
    if (!in.ok()) return fail(ParseError{why, start, "TLV type"});
    if (!out.empty() && type <= out.back().type) return fail(ParseError{ParseCode::TlvOrder, start, "TLV type"});
    auto length = read_bigsize(in, &why);
    if (!in.ok()) return fail(ParseError{why, start, "TLV length"});
    if (length > in.remaining()) return fail(ParseError{ParseCode::Truncated, start, "TLV value"});
    auto value = in.bytes(static_cast<std::size_t>(length));
    out.push_back(TlvRecord{type, value, stream.subspan(start, in.at() - start)});
  }
  return out;
}

const TlvRecord* find(const std::vector<TlvRecord>& records, std::uint64_t type) {
  auto it = std::lower_bound(records.begin(), records.end(), type,
                             [](const TlvRecord& record, std::uint64_t t) { return record.type < t; });
  return it != records.end() && it->type == type ? &*it : nullptr;
}

Status<ParseError> refuse_unknown_even(const std::vector<TlvRecord>& records,
                                       std::initializer_list<std::uint64_t> known) {
  for (const auto& record : records)
    if (record.type % 2 == 0 && std::find(known.begin(), known.end(), record.type) == known.end())
      return fail(ParseError{ParseCode::UnknownEven, record.type, "TLV type"});
  return Done{};
}

TlvWriter& TlvWriter::add(std::uint64_t type, ByteView value) {
  LN_ASSERT(!last_ || type > *last_);
  last_ = type;
  write_record(out_, type, value);
  return *this;
}
TlvWriter& TlvWriter::add_tu(std::uint64_t type, std::uint64_t value) {
  return add(type, tu(value));
}
TlvWriter& TlvWriter::add_u16(std::uint64_t type, std::uint16_t value) {
  return add(type, Writer().u16(value).view());
}
TlvWriter& TlvWriter::add_u64(std::uint64_t type, std::uint64_t value) {
  return add(type, Writer().u64(value).view());
}

}  // namespace doze::wire
