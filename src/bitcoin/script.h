// Scripts: opcodes, building, reading, the standard forms.
#pragma once

#include <optional>

#include "base/ids.h"
#include "base/units.h"

namespace doze::bitcoin {

enum Opcode : std::uint8_t {
  OP_0 = 0x00,
  OP_PUSHDATA1 = 0x4c,
  OP_PUSHDATA2 = 0x4d,
  OP_PUSHDATA4 = 0x4e,
  OP_1NEGATE = 0x4f,
  OP_RESERVED = 0x50,
  OP_1 = 0x51,
  OP_2,
  OP_3,
  OP_4,
  OP_5,
  OP_6,
  OP_7,
  OP_8,
  OP_9,
  OP_10,
  OP_11,
  OP_12,
  OP_13,
  OP_14,
  OP_15,
  OP_16,
  OP_NOP = 0x61,
  OP_VER,
  OP_IF,
  OP_NOTIF,
  OP_VERIF,
  OP_VERNOTIF,
  OP_ELSE,
  OP_ENDIF,
  OP_VERIFY,
  OP_RETURN,
  OP_TOALTSTACK = 0x6b,
  OP_FROMALTSTACK,
  OP_2DROP,
  OP_2DUP,
  OP_3DUP,
  OP_2OVER,
  OP_2ROT,
  OP_2SWAP,
  OP_IFDUP,
  OP_DEPTH,
  OP_DROP,
  OP_DUP,
  OP_NIP,
  OP_OVER,
  OP_PICK,
  OP_ROLL,
  OP_ROT,
  OP_SWAP,
  OP_TUCK,
  OP_CAT = 0x7e,
  OP_SUBSTR,
  OP_LEFT,
  OP_RIGHT,
  OP_SIZE,
  OP_INVERT,
  OP_AND,
  OP_OR,
  OP_XOR,
  OP_EQUAL,
  OP_EQUALVERIFY,
  OP_RESERVED1,
  OP_RESERVED2,
  OP_1ADD = 0x8b,
  OP_1SUB,
  OP_2MUL,
  OP_2DIV,
  OP_NEGATE,
  OP_ABS,
  OP_NOT,
  OP_0NOTEQUAL,
  OP_ADD,
  OP_SUB,
  OP_MUL,
  OP_DIV,
  OP_MOD,
  OP_LSHIFT,
  OP_RSHIFT,
  OP_BOOLAND,
  OP_BOOLOR,
  OP_NUMEQUAL,
  OP_NUMEQUALVERIFY,
  OP_NUMNOTEQUAL,
  OP_LESSTHAN,
  OP_GREATERTHAN,
  OP_LESSTHANOREQUAL,
  OP_GREATERTHANOREQUAL,
  OP_MIN,
  OP_MAX,
  OP_WITHIN,
  OP_RIPEMD160 = 0xa6,
  OP_SHA1,
  OP_SHA256,
  OP_HASH160,
  OP_HASH256,
  OP_CODESEPARATOR,
  OP_CHECKSIG,
  OP_CHECKSIGVERIFY,
  OP_CHECKMULTISIG,
  OP_CHECKMULTISIGVERIFY,
  OP_NOP1 = 0xb0,
  OP_CHECKLOCKTIMEVERIFY,
  OP_CHECKSEQUENCEVERIFY,
  OP_NOP4,
  OP_NOP10 = 0xb9,
};

/// A number as scripts write it: little endian, sign in the top bit, shortest form; zero is empty.
[[nodiscard]] Bytes script_number(std::int64_t value);
/// nullopt if longer than max_size (at most 8) or not the shortest form.
[[nodiscard]] std::optional<std::int64_t> read_script_number(ByteView bytes, std::size_t max_size = 4);

/// Appends opcodes and shortest pushes.
class ScriptBuilder {
 public:
  ScriptBuilder& op(Opcode opcode);
  ScriptBuilder& push(ByteView data);  // OP_0, OP_1NEGATE, OP_1 … OP_16 where they say the same
  ScriptBuilder& number(std::int64_t value);
  [[nodiscard]] Bytes take() { return out_.take(); }

 private:
  Writer out_;
};

/// One instruction: an opcode, and what it pushes (empty for anything above OP_PUSHDATA4).
struct Instruction {
  std::uint8_t opcode = OP_0;
  ByteView data;
  [[nodiscard]] bool is_push() const { return opcode <= OP_16; }
};
/// The next instruction; nullopt if a push leaves the script. Call while `in` has bytes remaining.
[[nodiscard]] std::optional<Instruction> next_instruction(Reader& in);
/// Whether the push is the shortest for its data.
[[nodiscard]] bool is_minimal_push(const Instruction& instruction);
[[nodiscard]] bool is_push_only(ByteView script);

// ---- standard outputs: each gives a scriptPubKey ----
[[nodiscard]] Bytes p2pkh_script(const Hash20& key_hash);
[[nodiscard]] Bytes p2sh_script(const Hash20& script_hash);
[[nodiscard]] Bytes p2wpkh_script(const PublicKey& key);
[[nodiscard]] Bytes p2wpkh_script(const Hash20& key_hash);
[[nodiscard]] Bytes p2wsh_script(ByteView witness_script);  // of SHA256(witness_script)
[[nodiscard]] Bytes p2tr_script(const XOnlyKey& output_key);
[[nodiscard]] Bytes p2a_script();
/// The output key of an internal key. BIP 341: tweaked by the tagged hash of the key and the merkle root, without a
/// root by the hash of the key alone. nullopt if the key is not a point.
[[nodiscard]] std::optional<XOnlyKey> taproot_output_key(const XOnlyKey& internal_key,
                                                         const std::optional<Hash32>& merkle_root = std::nullopt);
/// The private key that signs for taproot_output_key of this key.
[[nodiscard]] PrivateKey taproot_output_secret(const PrivateKey& internal_key,
                                               const std::optional<Hash32>& merkle_root = std::nullopt);

struct WitnessProgram {
  int version = 0;   // 0 to 16
  ByteView program;  // 2 to 40 bytes, views the script
};
/// nullopt unless the script is exactly a version and one push of 2 to 40 bytes. BIP 141.
[[nodiscard]] std::optional<WitnessProgram> witness_program(ByteView script_pubkey);
[[nodiscard]] bool is_p2pkh(ByteView script_pubkey);
[[nodiscard]] bool is_p2sh(ByteView script_pubkey);
[[nodiscard]] bool is_p2wpkh(ByteView script_pubkey);
[[nodiscard]] bool is_p2wsh(ByteView script_pubkey);
[[nodiscard]] bool is_p2tr(ByteView script_pubkey);
/// Pay to anchor: version 1, program 4e73; anyone can spend it with an empty witness.
[[nodiscard]] bool is_p2a(ByteView script_pubkey);

/// BOLT 2, "Closing Initiation": P2WPKH, P2WSH, and with option_shutdown_anysegwit every version from 1 on with a
/// program of 2 to 40 bytes. (OP_RETURN belongs to option_simple_close, which is not offered.)
[[nodiscard]] bool is_valid_shutdown_script(ByteView script_pubkey, bool any_segwit);
/// BOLT 3, "Dust Limits": what nodes relay at least; 546 sat for unknown forms.
[[nodiscard]] Sat dust_limit(ByteView script_pubkey);

}  // namespace doze::bitcoin
