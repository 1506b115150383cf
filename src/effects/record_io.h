// Fields of durable records, in a fixed order behind a version byte. Each room decides which versions it reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/on_disk.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "wire/blinded_path.h"

namespace doze {

class RecordWriter {
 public:
  explicit RecordWriter(std::uint8_t version) { out_.u8(version); }
  void put(bool v) { out_.u8(v ? 1 : 0); }
  void put(std::uint8_t v) { out_.u8(v); }
  void put(std::uint16_t v) { out_.u16(v); }
  void put(std::uint32_t v) { out_.u32(v); }
  void put(std::uint64_t v) { out_.u64(v); }
  template <Durable E>
  void put(E v) {
    out_.u8(static_cast<std::uint8_t>(v));
  }
  template <class Tag, class Rep>
  void put(const Number<Tag, Rep>& v) {
    put(v.value());
  }
  template <class Tag, std::size_t N>
  void put(const Opaque<Tag, N>& v) {
    out_.bytes(v.view());
  }
  template <class Tag>
  void put(const Secret32<Tag>& v) {
    out_.bytes(v.reveal());
  }
  void put(const std::array<std::uint8_t, 16>& v) { out_.bytes(v); }
  void put(const Bytes& v) { out_.u32(static_cast<std::uint32_t>(v.size())).bytes(v); }
  void put(const std::string& v) { put(to_bytes(bytes_of(v))); }
  void put(const wire::BlindedPath& v) { put(wire::to_bytes(v)); }
  void put(const Outpoint& v) {
    put(v.txid);
    put(v.index);
  }
  template <class T>
  void put(const std::optional<T>& v) {
    put(v.has_value());
    if (v) put(*v);
  }
  template <class T>
    requires(!std::is_same_v<T, std::uint8_t>)
  void put(const std::vector<T>& v) {
    out_.u32(static_cast<std::uint32_t>(v.size()));
    for (const auto& item : v) put(item);
  }
  template <class... Ts>
  RecordWriter& all(const Ts&... fields) {
    (put(fields), ...);
    return *this;
  }
  [[nodiscard]] Bytes take() { return out_.take(); }

 private:
  Writer out_;
};

class RecordReader {
 public:
  explicit RecordReader(ByteView in) : in_(in), version_(in_.u8()) {}
  [[nodiscard]] std::uint8_t version() const { return version_; }
  void get(bool& v) {
    auto byte = in_.u8();
    if (byte > 1) in_.fail();
    v = byte == 1;
  }
  void get(std::uint8_t& v) { v = in_.u8(); }
  void get(std::uint16_t& v) { v = in_.u16(); }
  void get(std::uint32_t& v) { v = in_.u32(); }
  void get(std::uint64_t& v) { v = in_.u64(); }
  /// A number outside the enum's range makes the record unreadable.
  template <Durable E>
  void get(E& v) {
    auto number = in_.u8();
    if (number < static_cast<std::uint8_t>(OnDisk<E>::first) || number > static_cast<std::uint8_t>(OnDisk<E>::last))
      refuse();
    v = static_cast<E>(number);
  }
  template <class N>
    requires requires { typename N::rep; }
  void get(N& v) {
    typename N::rep raw{};
    get(raw);
    v = N(raw);
  }
  template <class Tag, std::size_t N>
  void get(Opaque<Tag, N>& v) {
    v.bytes = in_.array<N>();
  }
  template <class Tag>
  void get(Secret32<Tag>& v) {
    v.raw() = in_.array<32>();
  }
  void get(std::array<std::uint8_t, 16>& v) { v = in_.array<16>(); }
  void get(Bytes& v) { v = to_bytes(in_.bytes(in_.u32())); }
  void get(std::string& v) {
    Bytes raw;
    get(raw);
    v.assign(raw.begin(), raw.end());
  }
  void get(wire::BlindedPath& v) {
    Bytes raw;
    get(raw);
    Reader path(raw);
    auto read = wire::read_blinded_path(path);
    if (read && path.done())
      v = *std::move(read);
    else
      in_.fail();
  }
  void get(Outpoint& v) {
    get(v.txid);
    get(v.index);
  }
  template <class T>
  void get(std::optional<T>& v) {
    bool has = false;
    get(has);
    v.reset();
    if (has && in_.ok()) {
      T inner{};
      get(inner);
      v = std::move(inner);
    }
  }
  template <class T>
    requires(!std::is_same_v<T, std::uint8_t>)
  void get(std::vector<T>& v) {
    v.clear();
    for (auto count = in_.u32(); count > 0 && in_.ok(); --count) {
      T item{};
      get(item);
      v.push_back(std::move(item));
    }
  }
  template <class... Ts>
  RecordReader& all(Ts&... fields) {
    (get(fields), ...);
    return *this;
  }
  /// Makes the record unreadable: it has a value that this program never writes.
  void refuse() {
    refused_ = refused_ || in_.ok();
    in_.fail();
  }
  [[nodiscard]] bool ok() const { return in_.ok(); }
  /// Succeeds if every field was there and no byte is left.
  [[nodiscard]] Status<ParseError> finish(const char* what) const {
    if (in_.done()) return Done{};
    auto code = in_.ok() ? ParseCode::TrailingBytes : refused_ ? ParseCode::BadValue : ParseCode::Truncated;
    return fail(ParseError{code, in_.at(), what});
  }

 private:
  Reader in_;
  std::uint8_t version_;
  bool refused_ = false;
};

}  // namespace doze
