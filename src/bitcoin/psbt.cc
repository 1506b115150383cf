#include "bitcoin/psbt.h"

#include <algorithm>
#include <set>
#include <span>

#include "bitcoin/compact_size.h"
#include "bitcoin/interpreter.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {

constexpr std::uint8_t kMagic[] = {'p', 's', 'b', 't', 0xff};

enum class KeyForm : std::uint8_t {
  None,
  Point,  // compressed or not
  ExtendedKey,
  XOnly,
  XOnlyAndLeaf,
  ControlBlock,
  Ripemd160,  // hashes of the value
  Sha256,
  Hash160,
  Hash256,
  Free
};
enum class ValueForm : std::uint8_t {
  Free,
  UnsignedTransaction,
  Transaction,
  Output,
  U8,
  U32,
  Size,
  Amount,
  Bytes32,
  EcdsaSignature,
  SchnorrSignature,
  Path,         // a fingerprint and child numbers
  TaprootPath,  // leaf hashes in front
  Witness,
  LeafScript
};
/// Versions that may have a field; the one that may must, if `needed`.
enum class In : std::uint8_t { Both, Version0, Version2 };
struct Field {
  std::uint64_t type;
  const char* name;
  KeyForm key;
  ValueForm value;
  In in = In::Both;
  bool needed = false;
};

constexpr std::uint64_t kUnsignedTx = 0x00, kTxVersion = 0x02, kFallbackLocktime = 0x03, kInputCount = 0x04,
                        kOutputCount = 0x05, kVersion = 0xfb;
constexpr Field kGlobal[] = {
    {kUnsignedTx, "unsigned_tx", KeyForm::None, ValueForm::UnsignedTransaction, In::Version0, true},
    {0x01, "xpub", KeyForm::ExtendedKey, ValueForm::Path},
    {kTxVersion, "tx_version", KeyForm::None, ValueForm::U32, In::Version2, true},
    {kFallbackLocktime, "fallback_locktime", KeyForm::None, ValueForm::U32, In::Version2},
    {kInputCount, "input_count", KeyForm::None, ValueForm::Size, In::Version2, true},
    {kOutputCount, "output_count", KeyForm::None, ValueForm::Size, In::Version2, true},
    {0x06, "tx_modifiable", KeyForm::None, ValueForm::U8, In::Version2},
    {kVersion, "version", KeyForm::None, ValueForm::U32},
    {0xfc, "proprietary", KeyForm::Free, ValueForm::Free},
};
constexpr std::uint64_t kPreviousTxid = 0x0e, kOutputIndex = 0x0f, kSequence = 0x10, kRequiredTime = 0x11,
                        kRequiredHeight = 0x12;
constexpr Field kInput[] = {
    {0x00, "non_witness_utxo", KeyForm::None, ValueForm::Transaction},
    {0x01, "witness_utxo", KeyForm::None, ValueForm::Output},
    {0x02, "partial_sig", KeyForm::Point, ValueForm::EcdsaSignature},
    {0x03, "sighash_type", KeyForm::None, ValueForm::U32},
    {0x04, "redeem_script", KeyForm::None, ValueForm::Free},
    {0x05, "witness_script", KeyForm::None, ValueForm::Free},
    {0x06, "bip32_derivation", KeyForm::Point, ValueForm::Path},
    {0x07, "final_scriptsig", KeyForm::None, ValueForm::Free},
    {0x08, "final_scriptwitness", KeyForm::None, ValueForm::Witness},
    {0x0a, "ripemd160", KeyForm::Ripemd160, ValueForm::Free},
    {0x0b, "sha256", KeyForm::Sha256, ValueForm::Free},
    {0x0c, "hash160", KeyForm::Hash160, ValueForm::Free},
    {0x0d, "hash256", KeyForm::Hash256, ValueForm::Free},
    {kPreviousTxid, "previous_txid", KeyForm::None, ValueForm::Bytes32, In::Version2, true},
    {kOutputIndex, "output_index", KeyForm::None, ValueForm::U32, In::Version2, true},
    {kSequence, "sequence", KeyForm::None, ValueForm::U32, In::Version2},
    {kRequiredTime, "required_time_locktime", KeyForm::None, ValueForm::U32, In::Version2},
    {kRequiredHeight, "required_height_locktime", KeyForm::None, ValueForm::U32, In::Version2},
    {0x13, "tap_key_sig", KeyForm::None, ValueForm::SchnorrSignature},
    {0x14, "tap_script_sig", KeyForm::XOnlyAndLeaf, ValueForm::SchnorrSignature},
    {0x15, "tap_leaf_script", KeyForm::ControlBlock, ValueForm::LeafScript},
    {0x16, "tap_bip32_derivation", KeyForm::XOnly, ValueForm::TaprootPath},
    {0x17, "tap_internal_key", KeyForm::None, ValueForm::Bytes32},
    {0x18, "tap_merkle_root", KeyForm::None, ValueForm::Bytes32},
    {0xfc, "proprietary", KeyForm::Free, ValueForm::Free},
};
constexpr std::uint64_t kAmount = 0x03, kScript = 0x04;
constexpr Field kOutput[] = {
    {0x00, "redeem_script", KeyForm::None, ValueForm::Free},
    {0x01, "witness_script", KeyForm::None, ValueForm::Free},
    {0x02, "bip32_derivation", KeyForm::Point, ValueForm::Path},
    {kAmount, "amount", KeyForm::None, ValueForm::Amount, In::Version2, true},
    {kScript, "script", KeyForm::None, ValueForm::Free, In::Version2, true},
    {0x05, "tap_internal_key", KeyForm::None, ValueForm::Bytes32},
    {0x06, "tap_tree", KeyForm::None, ValueForm::Free},
    {0x07, "tap_bip32_derivation", KeyForm::XOnly, ValueForm::TaprootPath},
    {0xfc, "proprietary", KeyForm::Free, ValueForm::Free},
};

std::span<const Field> fields(PsbtScope scope) {
  if (scope == PsbtScope::Global) return kGlobal;
  if (scope == PsbtScope::Input) return kInput;
  return kOutput;
}
const Field* find_field(PsbtScope scope, std::uint64_t type) {
  auto all = fields(scope);
  auto it = std::find_if(all.begin(), all.end(), [&](const Field& field) { return field.type == type; });
  return it == all.end() ? nullptr : &*it;
}
const Bytes* find_value(const PsbtMap& map, std::uint64_t type) {
  auto it = std::find_if(map.begin(), map.end(), [&](const PsbtRecord& record) { return record.type == type; });
  return it == map.end() ? nullptr : &it->value;
}
std::optional<std::uint32_t> u32_of(const PsbtMap& map, std::uint64_t type) {
  const auto* value = find_value(map, type);
  return value == nullptr ? std::nullopt : std::optional(Reader(*value).u32_le());
}

bool is_point(ByteView key) {
  return crypto::parse_point(key).has_value() || crypto::compress_point(key).has_value();
}
bool is_path(ByteView value) {
  return !value.empty() && value.size() % 4 == 0;
}
bool is_taproot_path(ByteView value) {
  Reader in(value);
  auto hashes = read_compact_size(in);
  if (!in.ok() || hashes > in.remaining() / 32) return false;
  (void)in.bytes(static_cast<std::size_t>(hashes) * 32);
  return is_path(in.rest());
}
bool is_ecdsa_item(ByteView value) {
  return !value.empty() && crypto::from_der(value.first(value.size() - 1)).has_value();
}

bool key_fits(KeyForm form, const PsbtRecord& record) {
  ByteView key = record.key_data;
  switch (form) {
    case KeyForm::None:
      return key.empty();
    case KeyForm::Point:
      return is_point(key);
    case KeyForm::ExtendedKey:
      return key.size() == 78;
    case KeyForm::XOnly:
      return key.size() == 32;
    case KeyForm::XOnlyAndLeaf:
      return key.size() == 64;
    case KeyForm::ControlBlock:  // BIP 341: 33 bytes and up to 128 hashes
      return key.size() >= 33 && key.size() % 32 == 1 && key.size() <= 33 + 128 * 32;
    case KeyForm::Ripemd160:
      return equal(key, crypto::ripemd160(record.value).view());
    case KeyForm::Sha256:
      return equal(key, crypto::sha256(record.value).view());
    case KeyForm::Hash160:
      return equal(key, crypto::hash160(record.value).view());
    case KeyForm::Hash256:
      return equal(key, crypto::sha256d(record.value).view());
    case KeyForm::Free:
      return true;
  }
  return false;
}

bool value_fits(ValueForm form, ByteView value) {
  Reader in(value);
  switch (form) {
    case ValueForm::Free:
      return true;
    case ValueForm::UnsignedTransaction:
      return parse_unsigned_transaction(value).has_value();
    case ValueForm::Transaction:
      return parse_transaction(value).has_value();
    case ValueForm::Output:
      return read_tx_out(in).has_value() && in.done();
    case ValueForm::U8:
      return value.size() == 1;
    case ValueForm::U32:
      return value.size() == 4;
    case ValueForm::Size:
      (void)read_compact_size(in);
      return in.done();
    case ValueForm::Amount:
      return value.size() == 8 && Sat(in.u64_le()).is_money();
    case ValueForm::Bytes32:
      return value.size() == 32;
    case ValueForm::EcdsaSignature:
      return is_ecdsa_item(value);
    case ValueForm::SchnorrSignature:
      return value.size() == 64 || value.size() == 65;
    case ValueForm::Path:
      return is_path(value);
    case ValueForm::TaprootPath:
      return is_taproot_path(value);
    case ValueForm::Witness:
      return read_witness(in).has_value() && in.done();
    case ValueForm::LeafScript:
      return !value.empty();
  }
  return false;
}

/// A record, and where it starts.
struct Placed {
  PsbtRecord record;
  std::size_t where = 0;
};

/// Records up to the byte 00.
Result<std::vector<Placed>, ParseError> read_records(Reader& in) {
  std::vector<Placed> out;
  std::set<Bytes> keys;
  while (true) {
    Placed next;
    next.where = in.at();
    LN_TRY(key, read_sized_bytes(in, "key"));
    if (key.empty()) return out;
    Reader inside(key);
    next.record.type = read_compact_size(inside);
    next.record.key_data = to_bytes(inside.rest());
    if (!inside.ok()) return fail(ParseError{ParseCode::BadLength, next.where, "key type"});
    LN_TRY(value, read_sized_bytes(in, "value"));
    next.record.value = std::move(value);
    if (!keys.insert(std::move(key)).second)
      return fail(ParseError{ParseCode::BadValue, next.where, "a key that occurs twice"});
    out.push_back(std::move(next));
  }
}

bool locktime_fits(const PsbtRecord& record) {
  auto value = Reader(record.value).u32_le();
  if (record.type == kRequiredTime) return value >= kLocktimeThreshold;
  return record.type != kRequiredHeight || (value > 0 && value < kLocktimeThreshold);
}

Result<PsbtMap, ParseError> judged(PsbtScope scope, std::uint32_t version, std::vector<Placed> records,
                                   std::size_t end) {
  PsbtMap out;
  for (auto& [record, where] : records) {
    auto bad = [&, at = where](ParseCode code, const char* what) { return fail(ParseError{code, at, what}); };
    if (const auto* field = find_field(scope, record.type)) {
      bool foreign = (field->in == In::Version0 && version != 0) || (field->in == In::Version2 && version != 2);
      if (foreign) return bad(ParseCode::UnexpectedField, field->name);
      if (!key_fits(field->key, record)) return bad(ParseCode::BadLength, field->name);
      if (!value_fits(field->value, record.value)) return bad(ParseCode::BadValue, field->name);
      if (scope == PsbtScope::Input && !locktime_fits(record)) return bad(ParseCode::BadValue, field->name);
    }
    out.push_back(std::move(record));
  }
  for (const auto& field : fields(scope))
    if (field.needed && field.in == (version == 0 ? In::Version0 : In::Version2) && !find_value(out, field.type))
      return fail(ParseError{ParseCode::MissingField, end, field.name});
  return out;
}

Result<std::vector<PsbtMap>, ParseError> read_maps(Reader& in, PsbtScope scope, std::uint32_t version,
                                                   std::uint64_t count) {
  std::vector<PsbtMap> out;
  for (; count > 0; --count) {
    LN_TRY(records, read_records(in));
    LN_TRY(map, judged(scope, version, std::move(records), in.at() - 1));
    out.push_back(std::move(map));
  }
  return out;
}

Result<std::uint32_t, ParseError> read_version(const std::vector<Placed>& global) {
  for (const auto& [record, where] : global) {
    if (record.type != kVersion) continue;
    auto version = Reader(record.value).u32_le();
    if (record.value.size() != 4) return fail(ParseError{ParseCode::BadValue, where, "version"});
    if (version != 0 && version != 2) return fail(ParseError{ParseCode::UnknownVersion, where, "version"});
    return version;
  }
  return std::uint32_t{0};
}

std::uint64_t size_of(const PsbtMap& map, std::uint64_t type) {
  Reader in(*find_value(map, type));
  return read_compact_size(in);
}

void write_map(Writer& out, const PsbtMap& map) {
  for (const auto& record : map) {
    Writer key;
    write_compact_size(key, record.type);
    write_sized_bytes(out, key.bytes(record.key_data).view());
    write_sized_bytes(out, record.value);
  }
  out.u8(0);
}

}  // namespace

bool is_psbt(ByteView bytes) {
  return bytes.size() >= sizeof kMagic && std::equal(std::begin(kMagic), std::end(kMagic), bytes.begin());
}

const char* psbt_field_name(PsbtScope scope, std::uint64_t type) {
  const auto* field = find_field(scope, type);
  return field == nullptr ? nullptr : field->name;
}

Result<Psbt, ParseError> parse_psbt(ByteView bytes) {
  if (!is_psbt(bytes)) return fail(ParseError{ParseCode::BadValue, 0, "magic"});
  Reader in(bytes);
  (void)in.bytes(sizeof kMagic);
  LN_TRY(records, read_records(in));
  LN_TRY(version, read_version(records));
  LN_TRY(global, judged(PsbtScope::Global, version, std::move(records), in.at() - 1));
  Psbt out{version, std::move(global), {}, {}};
  std::uint64_t input_count = 0, output_count = 0;
  if (version == 0) {
    auto tx = parse_unsigned_transaction(*find_value(out.global, kUnsignedTx));
    LN_ASSERT(tx.has_value());  // judged
    input_count = tx->inputs.size();
    output_count = tx->outputs.size();
  } else {
    input_count = size_of(out.global, kInputCount);
    output_count = size_of(out.global, kOutputCount);
  }
  LN_TRY(inputs, read_maps(in, PsbtScope::Input, version, input_count));
  LN_TRY(outputs, read_maps(in, PsbtScope::Output, version, output_count));
  if (!in.done()) return fail(ParseError{ParseCode::TrailingBytes, in.at(), "psbt"});
  out.inputs = std::move(inputs);
  out.outputs = std::move(outputs);
  return out;
}

Bytes serialize(const Psbt& psbt) {
  Writer out;
  out.bytes(kMagic);
  write_map(out, psbt.global);
  for (const auto& map : psbt.inputs) write_map(out, map);
  for (const auto& map : psbt.outputs) write_map(out, map);
  return out.take();
}

std::optional<std::uint32_t> psbt_locktime(const Psbt& psbt) {
  bool heights = true, times = true, asked = false;
  std::uint32_t height = 0, time = 0;
  for (const auto& input : psbt.inputs) {
    auto own_height = u32_of(input, kRequiredHeight), own_time = u32_of(input, kRequiredTime);
    if (!own_height && !own_time) continue;
    asked = true;
    heights = heights && own_height;
    times = times && own_time;
    height = std::max(height, own_height.value_or(0));
    time = std::max(time, own_time.value_or(0));
  }
  if (!asked) return u32_of(psbt.global, kFallbackLocktime).value_or(0);
  if (!heights && !times) return std::nullopt;
  return heights ? height : time;
}

std::optional<Transaction> unsigned_transaction(const Psbt& psbt) {
  if (psbt.version == 0) {
    auto tx = parse_unsigned_transaction(*find_value(psbt.global, kUnsignedTx));
    return tx ? std::optional(*std::move(tx)) : std::nullopt;
  }
  auto locktime = psbt_locktime(psbt);
  if (!locktime) return std::nullopt;
  Transaction out;
  out.version = *u32_of(psbt.global, kTxVersion);
  out.locktime = *locktime;
  for (const auto& map : psbt.inputs) {
    TxIn input;
    input.previous_output = {*Txid::from(*find_value(map, kPreviousTxid)), *u32_of(map, kOutputIndex)};
    input.sequence = u32_of(map, kSequence).value_or(kSequenceFinal);
    out.inputs.push_back(std::move(input));
  }
  for (const auto& map : psbt.outputs)
    out.outputs.push_back({Sat(Reader(*find_value(map, kAmount)).u64_le()), *find_value(map, kScript)});
  return out;
}

}  // namespace doze::bitcoin
