#include "bitcoin/script.h"

#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
constexpr std::size_t kMinProgram = 2, kMaxProgram = 40;  // BIP 141

bool has_program(ByteView script_pubkey, int version, std::size_t size) {
  auto found = witness_program(script_pubkey);
  return found && found->version == version && found->program.size() == size;
}

/// A version 0 or 1 program of at most 75 bytes.
Bytes program_script(Opcode version, ByteView program) {
  Writer out;
  out.u8(version).u8(static_cast<std::uint8_t>(program.size())).bytes(program);
  return out.take();
}

Hash32 taproot_tweak(const XOnlyKey& internal_key, const std::optional<Hash32>& merkle_root) {
  auto tag = bytes_of("TapTweak");
  if (!merkle_root) return crypto::tagged_hash(tag, {internal_key.view()});
  return crypto::tagged_hash(tag, {internal_key.view(), merkle_root->view()});
}
}  // namespace

Bytes script_number(std::int64_t value) {
  Bytes out;
  bool negative = value < 0;
  auto magnitude = static_cast<std::uint64_t>(value);
  if (negative) magnitude = 0 - magnitude;
  for (; magnitude != 0; magnitude >>= 8) out.push_back(static_cast<std::uint8_t>(magnitude));
  if (out.empty()) return out;
  if ((out.back() & 0x80) != 0) out.push_back(0);
  if (negative) out.back() |= 0x80;
  return out;
}

std::optional<std::int64_t> read_script_number(ByteView bytes, std::size_t max_size) {
  if (bytes.empty()) return 0;
  if (bytes.size() > max_size || bytes.size() > 8) return std::nullopt;
  auto top = bytes.back();
  // A last byte without value is allowed only to keep the sign bit free.
  if ((top & 0x7f) == 0 && (bytes.size() == 1 || (bytes[bytes.size() - 2] & 0x80) == 0)) return std::nullopt;
  std::uint64_t magnitude = top & 0x7fU;
  for (std::size_t i = bytes.size() - 1; i-- > 0;) magnitude = (magnitude << 8) | bytes[i];
  auto value = static_cast<std::int64_t>(magnitude);
  return (top & 0x80) != 0 ? -value : value;
}

ScriptBuilder& ScriptBuilder::op(Opcode opcode) {
  out_.u8(opcode);
  return *this;
}

ScriptBuilder& ScriptBuilder::push(ByteView data) {
  if (data.empty()) return op(OP_0);
  if (data.size() == 1 && data[0] == 0x81) return op(OP_1NEGATE);
  if (data.size() == 1 && data[0] >= 1 && data[0] <= 16) return op(static_cast<Opcode>(OP_1 + data[0] - 1));
  if (data.size() < OP_PUSHDATA1) {
    out_.u8(static_cast<std::uint8_t>(data.size()));
  } else if (data.size() <= 0xff) {
    out_.u8(OP_PUSHDATA1).u8(static_cast<std::uint8_t>(data.size()));
  } else if (data.size() <= 0xffff) {
    out_.u8(OP_PUSHDATA2).u16_le(static_cast<std::uint16_t>(data.size()));
  } else {
    out_.u8(OP_PUSHDATA4).u32_le(static_cast<std::uint32_t>(data.size()));
  }
  out_.bytes(data);
  return *this;
}

ScriptBuilder& ScriptBuilder::number(std::int64_t value) {
  return push(script_number(value));
}

std::optional<Instruction> next_instruction(Reader& in) {
  Instruction out;
  out.opcode = in.u8();
  std::size_t size = 0;
  if (out.opcode < OP_PUSHDATA1) size = out.opcode;
  if (out.opcode == OP_PUSHDATA1) size = in.u8();
  if (out.opcode == OP_PUSHDATA2) size = in.u16_le();
  if (out.opcode == OP_PUSHDATA4) size = in.u32_le();
  out.data = in.bytes(size);
  if (!in.ok()) return std::nullopt;
  return out;
}

bool is_minimal_push(const Instruction& instruction) {
  auto opcode = instruction.opcode;
  auto data = instruction.data;
  if (opcode > OP_PUSHDATA4) return true;
  if (data.empty()) return opcode == OP_0;
  if (data.size() == 1 && (data[0] == 0x81 || (data[0] >= 1 && data[0] <= 16))) return false;
  if (data.size() < OP_PUSHDATA1) return opcode == data.size();
  if (data.size() <= 0xff) return opcode == OP_PUSHDATA1;
  if (data.size() <= 0xffff) return opcode == OP_PUSHDATA2;
  return true;
}

bool is_push_only(ByteView script) {
  Reader in(script);
  while (in.remaining() > 0) {
    auto instruction = next_instruction(in);
    if (!instruction || !instruction->is_push()) return false;
  }
  return true;
}

Bytes p2pkh_script(const Hash20& key_hash) {
  return ScriptBuilder().op(OP_DUP).op(OP_HASH160).push(key_hash.view()).op(OP_EQUALVERIFY).op(OP_CHECKSIG).take();
}

Bytes p2sh_script(const Hash20& script_hash) {
  return ScriptBuilder().op(OP_HASH160).push(script_hash.view()).op(OP_EQUAL).take();
}

Bytes p2wpkh_script(const PublicKey& key) {
  return p2wpkh_script(crypto::hash160(key.view()));
}

Bytes p2wpkh_script(const Hash20& key_hash) {
  return program_script(OP_0, key_hash.view());
}

Bytes p2wsh_script(ByteView witness_script) {
  return program_script(OP_0, crypto::sha256(witness_script).view());
}

Bytes p2tr_script(const XOnlyKey& output_key) {
  return program_script(OP_1, output_key.view());
}
Bytes p2a_script() {
  return program_script(OP_1, std::array<std::uint8_t, 2>{0x4e, 0x73});
}

std::optional<XOnlyKey> taproot_output_key(const XOnlyKey& internal_key, const std::optional<Hash32>& merkle_root) {
  PublicKey even;
  even.bytes[0] = 2;
  std::copy(internal_key.bytes.begin(), internal_key.bytes.end(), even.bytes.begin() + 1);
  auto out = crypto::tweak_add(even, taproot_tweak(internal_key, merkle_root).view());
  if (!out) return std::nullopt;
  return crypto::x_only(*out);
}

PrivateKey taproot_output_secret(const PrivateKey& internal_key, const std::optional<Hash32>& merkle_root) {
  auto point = crypto::public_key(internal_key);
  auto even = point.bytes[0] == 2 ? internal_key : crypto::negate(internal_key);
  auto out = crypto::tweak_add(even, taproot_tweak(crypto::x_only(point), merkle_root).view());
  LN_ASSERT(out.has_value());  // fails only for one hash in 2^128
  return *out;
}

std::optional<WitnessProgram> witness_program(ByteView script_pubkey) {
  if (script_pubkey.size() < 2 + kMinProgram || script_pubkey.size() > 2 + kMaxProgram) return std::nullopt;
  auto version = script_pubkey[0];
  if (version != OP_0 && (version < OP_1 || version > OP_16)) return std::nullopt;
  if (script_pubkey[1] != script_pubkey.size() - 2) return std::nullopt;
  return WitnessProgram{version == OP_0 ? 0 : version - OP_1 + 1, script_pubkey.subspan(2)};
}

bool is_p2pkh(ByteView script_pubkey) {
  return script_pubkey.size() == 25 && script_pubkey[0] == OP_DUP && script_pubkey[1] == OP_HASH160 &&
         script_pubkey[2] == 20 && script_pubkey[23] == OP_EQUALVERIFY && script_pubkey[24] == OP_CHECKSIG;
}

bool is_p2sh(ByteView script_pubkey) {
  return script_pubkey.size() == 23 && script_pubkey[0] == OP_HASH160 && script_pubkey[1] == 20 &&
         script_pubkey[22] == OP_EQUAL;
}

bool is_p2wpkh(ByteView script_pubkey) {
  return has_program(script_pubkey, 0, 20);
}

bool is_p2wsh(ByteView script_pubkey) {
  return has_program(script_pubkey, 0, 32);
}

bool is_p2tr(ByteView script_pubkey) {
  return has_program(script_pubkey, 1, 32);
}

bool is_p2a(ByteView script_pubkey) {
  return equal(script_pubkey, p2a_script());
}

bool is_valid_shutdown_script(ByteView script_pubkey, bool any_segwit) {
  if (is_p2wpkh(script_pubkey) || is_p2wsh(script_pubkey)) return true;
  auto program = witness_program(script_pubkey);
  return any_segwit && program && program->version >= 1;
}

Sat dust_limit(ByteView script_pubkey) {
  if (is_p2sh(script_pubkey)) return Sat(540);
  if (is_p2wpkh(script_pubkey)) return Sat(294);
  if (is_p2wsh(script_pubkey)) return Sat(330);
  if (is_p2a(script_pubkey)) return Sat(240);
  if (witness_program(script_pubkey)) return Sat(354);
  if (!script_pubkey.empty() && script_pubkey[0] == OP_RETURN) return Sat(0);  // carries nothing
  return Sat(546);                                                             // P2PKH, and anything else
}

}  // namespace doze::bitcoin
