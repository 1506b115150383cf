// Runs one script on a stack. Inside this room only: interpreter.h decides which scripts run.
#pragma once

#include <vector>

#include "bitcoin/interpreter.h"
#include "bitcoin/sighash.h"

namespace doze::bitcoin {

/// Bits of an input's sequence: no lock at all; in units of 512 seconds, not blocks; how many. BIP 68.
inline constexpr std::uint32_t kSequenceNoLock = 0x80000000, kSequenceIsTime = 0x00400000, kSequenceValue = 0x0000ffff;

enum class ScriptKind : std::uint8_t {
  Legacy,   // script_sig, scriptPubKey, P2SH
  Witness,  // segwit version 0
};

/// What signatures and locks in a script refer to.
struct Spend {
  const Transaction& transaction;
  std::size_t input;
  Sat amount;
  const SegwitHashes& shared;
};

using Stack = std::vector<Bytes>;  // bottom first

/// Consensus: longer pushes and witness items are refused.
inline constexpr std::size_t kMaxPush = 520;

/// Leaves the results on the stack; whether they mean yes is the caller's business.
[[nodiscard]] Status<ScriptError> run_script(Stack& stack, ByteView script, const Spend& spend, ScriptKind kind);
/// Anything but zero (of any length, of either sign).
[[nodiscard]] bool is_true(ByteView item);

/// Checks one signature of CHECKSIG or CHECKMULTISIG. An empty or wrong signature gives false, a forbidden encoding an
/// error. `script_code`: from the last executed OP_CODESEPARATOR on.
[[nodiscard]] Result<bool, ScriptError> check_signature(const Spend& spend, ScriptKind kind, ByteView script_code,
                                                        ByteView signature, ByteView key);
/// Whether an instruction of the script starts with a push of this signature. The first implementation cut such pushes
/// out before hashing; nodes do not relay them any more, so they are refused here.
[[nodiscard]] bool contains_signature(ByteView script, ByteView signature);

}  // namespace doze::bitcoin
