// One function a message goes over its fields and records, whoever asks: FieldWriter writes them, FieldReader reads
// them, FieldLister says what they are. Only wire/*.cc include this.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <type_traits>

#include "base/check.h"
#include "wire/messages.h"
#include "wire/shapes.h"
#include "wire/tlv.h"

namespace doze::wire {

/// BOLT 2: max_accepted_htlcs is 483 at most, in each direction.
inline constexpr std::size_t kMaxHtlcSignatures = 966;
/// BOLT 2, "The tx_complete Message": a transaction that is built together has 252 inputs at most.
inline constexpr std::size_t kMaxWitnesses = 252;

template <class T>
concept NumberType = requires { typename T::rep; };

// ---- writing ----

class FieldWriter;
/// Known records and kept ones, written in one increasing order.
class RecordWriter {
 public:
  template <class T, class Fields>
  void record(std::uint64_t type, const char*, std::optional<T>& v, Fields fields);
  void flag(std::uint64_t type, const char*, bool& v) {
    if (v) add(type, {});
  }
  void kept(std::uint64_t, const char*, std::initializer_list<FieldShape>) {}
  void add(std::uint64_t type, ByteView value) {
    Writer out;
    write_record(out, type, value);
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

class FieldWriter {
 public:
  Writer out;

  template <class T>
  void field(const char*, T& v, Form = {}) {
    put(v);
  }
  template <class T>
  void unchecked(const char*, T& v) {
    put(v);
  }
  void limit(const char*, Msat& v) { put(v); }
  void sized(const char*, Bytes& v, Form = {}) { put_sized(v); }
  void fixed(const char*, Bytes& v, std::size_t size) {
    LN_ASSERT(v.size() == size);
    out.bytes(v);
  }
  void rest(const char*, Bytes& v, Form = {}) { out.bytes(v); }
  void rest(const char*, FeatureBits& v) { out.bytes(v.to_bytes()); }
  void rest(const char*, std::vector<ChainHash>& v) {
    for (const auto& chain : v) out.bytes(chain.view());
  }
  void rest(const char*, std::vector<ReleasePath>& v, Profile profile) {
    for (const auto& release : v) {
      if (numbers(profile).raa_record_has_htlc_id) out.u64(release.htlc_id.value_or(0));
      write(out, release.path);
    }
  }
  void ignored(const char*, std::uint16_t& length) { put_sized(Bytes(length)); }
  void addresses(const char*, std::vector<NetworkAddress>& v) { put_sized(to_bytes(v)); }
  void list(const char*, std::vector<Signature>& v) {
    out.u16(static_cast<std::uint16_t>(v.size()));
    for (const auto& signature : v) out.bytes(signature.view());
  }
  void list(const char*, std::vector<Bytes>& v) {
    out.u16(static_cast<std::uint16_t>(v.size()));
    for (const auto& each : v) put_sized(each);
  }
  /// A TLV stream: `each` goes over the records that we know.
  template <class Each>
  void tlvs(Bytes& kept, Each each) {
    RecordWriter records;
    each(records);
    records.join(out, kept);
  }
  /// What a machine reads itself, or nobody does: kept as it stands, unjudged. (BOLT 1: an extension may be ignored.)
  template <class Each>
  void unread_tlvs(Bytes& kept, Each) {
    out.bytes(kept);
  }
  void extension(Bytes& kept) { out.bytes(kept); }
  void behind() {}  // what stands behind the known fields of a gossip message is in its `raw` only

 private:
  void put(std::uint8_t v) { out.u8(v); }
  void put(std::uint16_t v) { out.u16(v); }
  void put(std::uint32_t v) { out.u32(v); }
  void put(std::uint64_t v) { out.u64(v); }
  void put(std::int64_t v) { out.u64(static_cast<std::uint64_t>(v)); }
  template <NumberType T>
  void put(const T& v) {
    put(v.value());
  }
  template <class Tag, std::size_t N>
  void put(const Opaque<Tag, N>& v) {
    out.bytes(v.view());
  }
  template <class Tag>
  void put(const Secret32<Tag>& v) {
    out.bytes(v.reveal());
  }
  template <std::size_t N>
  void put(const std::array<std::uint8_t, N>& v) {
    out.bytes(v);
  }
  void put(const FeatureBits& v) { put_sized(v.to_bytes()); }
  void put_sized(ByteView v) { out.u16(static_cast<std::uint16_t>(v.size())).bytes(v); }
};

template <class T, class Fields>
void RecordWriter::record(std::uint64_t type, const char*, std::optional<T>& v, Fields fields) {
  if (!v) return;
  FieldWriter io;
  fields(io, *v);
  add(type, io.out.view());
}

// ---- reading ----

class FieldReader;
/// A message's TLV stream: known records by name, the others kept (odd) or refused (even).
class RecordReader {
 public:
  /// Parses what is left of `reader`.
  explicit RecordReader(FieldReader& reader);
  template <class T, class Fields>
  void record(std::uint64_t type, const char* name, std::optional<T>& v, Fields fields);
  void flag(std::uint64_t type, const char* name, bool& v);
  void kept(std::uint64_t, const char*, std::initializer_list<FieldShape>) {}
  /// What was not taken: kept if odd.
  Bytes keep_rest();

 private:
  FieldReader& reader_;
  std::size_t base_;  // where the stream begins
  ByteView stream_;
  std::vector<TlvRecord> records_;
  std::vector<std::uint64_t> known_;
};

/// The first problem is kept. `where` counts from behind the message's type.
class FieldReader {
 public:
  explicit FieldReader(ByteView bytes, std::size_t base = 0) : in(bytes), base_(base) {}
  Reader in;
  std::optional<ParseError> error;

  bool good() {
    if (!error && !in.ok()) error = ParseError{ParseCode::Truncated, at(), "message"};
    return !error;
  }
  std::size_t at() const { return base_ + in.at(); }
  void refuse(ParseCode code, const char* what, std::optional<std::uint64_t> where = std::nullopt) {
    if (!error) error = ParseError{code, where.value_or(at()), what};
  }

  template <class T>
  void field(const char*, T& v, Form = {}) {
    get(v);
    if constexpr (requires { v.is_money(); })
      if (!v.is_money()) refuse(ParseCode::BadValue, "amount above 21 million bitcoin");
    if constexpr (std::is_same_v<T, PublicKey>)
      if (in.ok() && v.bytes[0] != 2 && v.bytes[0] != 3) refuse(ParseCode::BadPoint, "point");
  }
  /// A point or an amount that its user judges.
  template <class T>
  void unchecked(const char*, T& v) {
    get(v);
  }
  void limit(const char*, Msat& v) { v = Msat(std::min(in.u64(), Msat::max_money().value())); }
  void sized(const char*, Bytes& v, Form = {}) { v = doze::to_bytes(in.bytes(in.u16())); }
  void fixed(const char*, Bytes& v, std::size_t size) { v = doze::to_bytes(in.bytes(size)); }
  void rest(const char*, Bytes& v, Form = {}) { v = doze::to_bytes(in.rest()); }
  void rest(const char*, FeatureBits& v) { v = FeatureBits(in.rest()); }
  void rest(const char*, std::vector<ChainHash>& v) {
    while (in.remaining() >= ChainHash::kSize) v.push_back(ChainHash{in.array<ChainHash::kSize>()});
  }
  void rest(const char*, std::vector<ReleasePath>& v, Profile profile) {
    while (in.remaining() != 0 && !error) {
      ReleasePath release{std::nullopt, {}, profile};
      if (numbers(profile).raa_record_has_htlc_id) release.htlc_id = in.u64();
      auto path = read_blinded_path(in);
      if (!path) return refuse(path.error().code, "release path");
      release.path = *std::move(path);
      v.push_back(std::move(release));
    }
  }
  void ignored(const char*, std::uint16_t& length) {
    length = in.u16();
    (void)in.bytes(length);
  }
  void addresses(const char*, std::vector<NetworkAddress>& v) {
    auto read = read_addresses(in.bytes(in.u16()));
    if (!good()) return;
    if (read)
      v = *std::move(read);
    else
      error = read.error();
  }
  void list(const char* name, std::vector<Signature>& v) {
    read_list(name, v, kMaxHtlcSignatures, [&](Signature& each) { get(each); });
  }
  void list(const char* name, std::vector<Bytes>& v) {
    read_list(name, v, kMaxWitnesses, [&](Bytes& each) { sized(name, each); });
  }
  template <class Each>
  void tlvs(Bytes& kept, Each each) {
    if (!good()) return;
    RecordReader records(*this);
    each(records);
    kept = records.keep_rest();
  }
  template <class Each>
  void unread_tlvs(Bytes& kept, Each) {
    extension(kept);
  }
  void extension(Bytes& kept) { kept = doze::to_bytes(in.rest()); }
  void behind() { (void)in.rest(); }

 private:
  void get(std::uint8_t& v) { v = in.u8(); }
  void get(std::uint16_t& v) { v = in.u16(); }
  void get(std::uint32_t& v) { v = in.u32(); }
  void get(std::uint64_t& v) { v = in.u64(); }
  void get(std::int64_t& v) { v = static_cast<std::int64_t>(in.u64()); }
  template <NumberType T>
  void get(T& v) {
    typename T::rep raw{};
    get(raw);
    v = T(raw);
  }
  template <class Tag, std::size_t N>
  void get(Opaque<Tag, N>& v) {
    v.bytes = in.array<N>();
  }
  template <class Tag>
  void get(Secret32<Tag>& v) {
    v.raw() = in.array<32>();
  }
  template <std::size_t N>
  void get(std::array<std::uint8_t, N>& v) {
    v = in.array<N>();
  }
  void get(FeatureBits& v) { v = FeatureBits(in.bytes(in.u16())); }
  template <class T, class Each>
  void read_list(const char* name, std::vector<T>& v, std::size_t most, Each each) {
    std::size_t count = in.u16();
    if (count > most) return refuse(ParseCode::BadValue, name);
    for (; count > 0 && in.ok(); --count) each(v.emplace_back());
  }

  std::size_t base_;
};

inline RecordReader::RecordReader(FieldReader& reader)
    : reader_(reader), base_(reader.at()), stream_(reader.in.rest()) {
  auto parsed = parse_tlv_stream(stream_);
  if (parsed)
    records_ = *std::move(parsed);
  else
    reader.error = parsed.error();
}
inline void RecordReader::flag(std::uint64_t type, const char* name, bool& v) {
  std::optional<Done> found;
  record(type, name, found, [](FieldReader&, Done&) {});
  v = found.has_value();
}
inline Bytes RecordReader::keep_rest() {
  Bytes out;
  for (const auto& record : records_) {
    if (std::find(known_.begin(), known_.end(), record.type) != known_.end()) continue;
    if (record.type % 2 == 0) reader_.refuse(ParseCode::UnknownEven, "TLV type", record.type);
    append(out, record.whole);
  }
  return out;
}
template <class T, class Fields>
void RecordReader::record(std::uint64_t type, const char* name, std::optional<T>& v, Fields fields) {
  known_.push_back(type);
  const auto* record = find(records_, type);
  if (record == nullptr) return;
  FieldReader io(record->value, base_ + static_cast<std::size_t>(record->value.data() - stream_.data()));
  T inner{};
  fields(io, inner);
  if (!io.error && !io.in.done()) io.refuse(ParseCode::BadLength, name);
  if (io.error)
    reader_.refuse(io.error->code, io.error->what, io.error->where);
  else
    v = std::move(inner);
}

// ---- listing ----

template <class T, class... Options>
inline constexpr bool kOneOf = (std::is_same_v<T, Options> || ...);
template <class T>
constexpr Form form_of() {
  if (kOneOf<T, std::uint8_t>) return Form::U8;
  if (kOneOf<T, std::uint16_t>) return Form::U16;
  if (kOneOf<T, std::uint32_t, FeeratePerKw, CltvExpiry>) return Form::U32;
  if (kOneOf<T, std::uint64_t>) return Form::U64;
  if (kOneOf<T, std::int64_t>) return Form::S64;
  if (kOneOf<T, Msat>) return Form::Msat;
  if (kOneOf<T, Sat>) return Form::Sat;
  if (kOneOf<T, ShortChannelId>) return Form::Scid;
  if (kOneOf<T, ChainHash>) return Form::Chain;
  if (kOneOf<T, Txid>) return Form::Txid;
  if (kOneOf<T, PublicKey>) return Form::Point;
  if (kOneOf<T, FeatureBits>) return Form::Features;
  return Form::Bytes;
}

class RecordLister;
class FieldLister {
 public:
  std::vector<FieldShape> fields;
  bool has_tlvs = false;
  std::vector<RecordShape> records;

  template <class T>
  void field(const char* name, T&, Form form = form_of<T>()) {
    add(name, form, form == Form::Bytes ? sizeof(T) : 0);
  }
  template <class T>
  void unchecked(const char* name, T& v) {
    field(name, v);
  }
  void limit(const char* name, Msat& v) { field(name, v); }
  void sized(const char* name, Bytes&, Form form = Form::Sized) { add(name, form); }
  void fixed(const char* name, Bytes&, std::size_t size) { add(name, Form::Bytes, size); }
  void rest(const char* name, Bytes&, Form form = Form::Rest) { add(name, form); }
  void rest(const char* name, FeatureBits&) { add(name, Form::RestFeatures); }
  void rest(const char* name, std::vector<ChainHash>&) { add(name, Form::RestChains); }
  void rest(const char* name, std::vector<ReleasePath>&, Profile profile) {
    add(name, numbers(profile).raa_record_has_htlc_id ? Form::RestIdPaths : Form::RestPaths);
  }
  void ignored(const char* name, std::uint16_t&) { add(name, Form::Sized); }
  void addresses(const char* name, std::vector<NetworkAddress>&) { add(name, Form::Addresses); }
  void list(const char* name, std::vector<Signature>&) { add(name, Form::Signatures); }
  void list(const char* name, std::vector<Bytes>&) { add(name, Form::Witnesses); }
  template <class Each>
  void tlvs(Bytes&, Each each);
  template <class Each>
  void unread_tlvs(Bytes& kept, Each each) {
    tlvs(kept, each);
  }
  void extension(Bytes&) {}
  void behind() {}

 private:
  void add(const char* name, Form form, std::size_t size = 0) { fields.push_back({name, form, size}); }
};

class RecordLister {
 public:
  std::vector<RecordShape> records;
  template <class T, class Fields>
  void record(std::uint64_t type, const char* name, std::optional<T>&, Fields fields) {
    FieldLister io;
    T inner{};
    fields(io, inner);
    records.push_back({type, name, std::move(io.fields)});
  }
  void flag(std::uint64_t type, const char* name, bool&) { records.push_back({type, name, {}}); }
  void kept(std::uint64_t type, const char* name, std::initializer_list<FieldShape> fields) {
    records.push_back({type, name, fields});
  }
};

template <class Each>
void FieldLister::tlvs(Bytes&, Each each) {
  RecordLister lister;
  each(lister);
  has_tlvs = true;
  records = std::move(lister.records);
}

// ---- what several messages share ----

template <class Io, class M>
void channel_keys(Io& io, M& m) {
  io.field("funding_pubkey", m.funding_pubkey);
  io.field("revocation_basepoint", m.revocation_basepoint);
  io.field("payment_basepoint", m.payment_basepoint);
  io.field("delayed_payment_basepoint", m.delayed_payment_basepoint);
  io.field("htlc_basepoint", m.htlc_basepoint);
  io.field("first_per_commitment_point", m.first_per_commitment_point);
}
template <class Tlvs, class M>
void opening_records(Tlvs& tlvs, M& m) {
  tlvs.record(0, "upfront_shutdown_script", m.upfront_shutdown_script,
              [](auto& io, auto& script) { io.rest("shutdown_scriptpubkey", script); });
  tlvs.record(1, "channel_type", m.channel_type, [](auto& io, auto& type) { io.rest("type", type); });
}
/// Who needs it reads it from `extra_tlvs`. BOLT 2, "Removing an HTLC": 20 hold times, 210 HMACs of 4 bytes.
template <class Tlvs>
void attribution_record(Tlvs& tlvs) {
  tlvs.kept(1, "attribution_data",
            {{"htlc_hold_times", Form::Bytes, 20 * 4}, {"truncated_hmacs", Form::Bytes, 210 * 4}});
}

// ---- the table of types ----

/// Number and name of a message.
template <class M>
struct Type;
#define DOZE_MESSAGE(NUMBER, STRUCT, NAME)           \
  template <>                                        \
  struct Type<STRUCT> {                              \
    static constexpr std::uint16_t kNumber = NUMBER; \
    static constexpr const char* kName = NAME;       \
  }

// Each message has its `fields(Io& io, M& m)` in this namespace: these call it.
template <class M>
Bytes write_message(const M& given) {
  FieldWriter io;
  io.out.u16(Type<M>::kNumber);
  M copy = given;
  fields(io, copy);
  LN_ASSERT(io.out.size() <= kMaxMessageBytes);
  return io.out.take();
}
template <class M>
Result<M, ParseError> read_message(ByteView bytes) {
  FieldReader io(bytes.subspan(2));
  M message;
  fields(io, message);
  if (!io.good()) return fail(*io.error);
  return message;
}
inline Result<std::uint16_t, ParseError> read_type(ByteView bytes) {
  if (bytes.size() < 2) return fail(ParseError{ParseCode::Truncated, 0, "message type"});
  if (bytes.size() > kMaxMessageBytes) return fail(ParseError{ParseCode::TooLarge, bytes.size(), "message"});
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}
template <class M>
void add_shape(std::vector<MessageShape>& out) {
  if constexpr (!std::is_same_v<M, UnknownMessage>) {
    M message;
    FieldLister io;
    fields(io, message);
    out.push_back({Type<M>::kNumber, Type<M>::kName, std::move(io.fields), io.has_tlvs, std::move(io.records)});
  }
}
template <class... M>
void add_shapes(std::vector<MessageShape>& out, const std::variant<M...>*) {
  (add_shape<M>(out), ...);
}
/// wire/messages.cc and wire/messages_other.cc add their own.
void add_message_shapes(std::vector<MessageShape>& out);
void add_other_shapes(std::vector<MessageShape>& out);

}  // namespace doze::wire
