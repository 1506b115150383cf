// One table of fields for reading and writing a message. Only wire/messages_*.cc include this.
#pragma once

#include <algorithm>

#include "base/check.h"
#include "wire/messages.h"
#include "wire/tlv.h"

namespace doze::wire {

/// Writes fields in order.
class FieldWriter {
 public:
  static constexpr bool kReading = false;
  Writer out;
  bool good() const { return true; }
  void field(std::uint8_t& v) { out.u8(v); }
  void field(std::uint16_t& v) { out.u16(v); }
  void field(std::uint32_t& v) { out.u32(v); }
  void field(std::uint64_t& v) { out.u64(v); }
  template <class Tag, class Rep>
  void field(Number<Tag, Rep>& v) {
    auto raw = v.value();
    field(raw);
  }
  void limit(Msat& v) { field(v); }
  template <class Tag, std::size_t N>
  void field(Opaque<Tag, N>& v) {
    out.bytes(v.view());
  }
  template <class Tag>
  void field(Secret32<Tag>& v) {
    out.bytes(v.reveal());
  }
  template <std::size_t N>
  void field(std::array<std::uint8_t, N>& v) {
    out.bytes(v);
  }
  void field(FeatureBits& v) {
    auto bytes = v.to_bytes();
    sized(bytes);
  }
  void sized(Bytes& v) { out.u16(static_cast<std::uint16_t>(v.size())).bytes(v); }
  void fixed(Bytes& v, std::size_t size) {
    LN_ASSERT(v.size() == size);
    out.bytes(v);
  }
  void rest(Bytes& v) { out.bytes(v); }
};

/// Reads fields in order; the first problem is kept.
class FieldReader {
 public:
  static constexpr bool kReading = true;
  explicit FieldReader(ByteView bytes) : in(bytes) {}
  Reader in;
  std::optional<ParseError> error;

  bool good() {
    if (!error && !in.ok()) error = ParseError{ParseCode::Truncated, in.at(), "message"};
    return !error;
  }
  void refuse(ParseCode code, const char* what, std::optional<std::uint64_t> where = std::nullopt) {
    if (!error) error = ParseError{code, where.value_or(in.at()), what};
  }
  void field(std::uint8_t& v) { v = in.u8(); }
  void field(std::uint16_t& v) { v = in.u16(); }
  void field(std::uint32_t& v) { v = in.u32(); }
  void field(std::uint64_t& v) { v = in.u64(); }
  template <class N>
    requires requires { typename N::rep; }
  void field(N& v) {
    typename N::rep raw{};
    field(raw);
    v = N(raw);
    if constexpr (requires { v.is_money(); })
      if (!v.is_money()) refuse(ParseCode::BadValue, "amount above 21 million bitcoin");
  }
  void limit(Msat& v) {
    std::uint64_t raw = 0;
    field(raw);
    v = Msat(std::min(raw, Msat::max_money().value()));
  }
  template <class Tag, std::size_t N>
  void field(Opaque<Tag, N>& v) {
    v.bytes = in.array<N>();
    if constexpr (N == 33)
      if (in.ok() && v.bytes[0] != 2 && v.bytes[0] != 3) refuse(ParseCode::BadPoint, "point");
  }
  template <class Tag>
  void field(Secret32<Tag>& v) {
    v.raw() = in.array<32>();
  }
  template <std::size_t N>
  void field(std::array<std::uint8_t, N>& v) {
    v = in.array<N>();
  }
  void field(FeatureBits& v) {
    Bytes bytes;
    sized(bytes);
    v = FeatureBits(bytes);
  }
  void sized(Bytes& v) { v = doze::to_bytes(in.bytes(in.u16())); }
  void fixed(Bytes& v, std::size_t size) { v = doze::to_bytes(in.bytes(size)); }
  void rest(Bytes& v) { v = doze::to_bytes(in.rest()); }
};

/// A message's TLV stream: known records by name, the others kept (odd) or refused (even).
class TlvFields {
 public:
  /// Reading: parses what is left of `reader`.
  explicit TlvFields(FieldReader& reader) : reader_(&reader) {
    if (!reader.good()) return;
    auto parsed = parse_tlv_stream(reader.in.rest());
    if (parsed)
      records_ = *std::move(parsed);
    else
      reader.error = parsed.error();
  }
  /// nullopt: absent. Marks the type as known.
  std::optional<ByteView> take(std::uint64_t type) {
    known_.push_back(type);
    const auto* record = find(records_, type);
    return record == nullptr ? std::nullopt : std::optional(record->value);
  }
  /// What was not taken: kept if odd.
  Bytes keep_rest() {
    Bytes out;
    for (const auto& record : records_) {
      if (std::find(known_.begin(), known_.end(), record.type) != known_.end()) continue;
      if (record.type % 2 == 0) reader_->refuse(ParseCode::UnknownEven, "TLV type", record.type);
      append(out, record.whole);
    }
    return out;
  }

 private:
  FieldReader* reader_;
  std::vector<TlvRecord> records_;
  std::vector<std::uint64_t> known_;
};

/// Known records and kept ones, written in one increasing order.
class TlvJoiner {
 public:
  void add(std::uint64_t type, ByteView value) {
    Writer out;
    write_bigsize(out, type);
    write_bigsize(out, value.size());
    out.bytes(value);
    records_.emplace_back(type, out.take());
  }
  void join(Writer& out, ByteView kept) {
    if (auto parsed = parse_tlv_stream(kept))
      for (const auto& record : *parsed) records_.emplace_back(record.type, doze::to_bytes(record.whole));
    std::sort(records_.begin(), records_.end());
    for (const auto& [type, bytes] : records_) out.bytes(bytes);
  }

 private:
  std::vector<std::pair<std::uint64_t, Bytes>> records_;
};

}  // namespace doze::wire
