// Whether a transaction may spend what it spends: scripts, signatures, amounts, locks.
//
// Consensus rules plus the relay rules that our own transactions must pass to reach a miner: strict DER, low S, minimal
// pushes, minimal IF, null dummy, null fail, clean stack, compressed keys in segwit scripts, no OP_CODESEPARATOR before
// segwit, no upgradable NOPs or unknown witness versions. So it refuses some transactions that a block could contain.
// Known: P2PKH, P2SH, bare scripts, P2WPKH, P2WSH, both wrapped in P2SH, P2TR by key path, P2A.
// Not known: P2TR by script path (UnsupportedSpend).
#pragma once

#include <span>

#include "bitcoin/transaction.h"

namespace doze::bitcoin {

enum class ScriptError : std::uint8_t {
  BadScript,  // a push leaves the script, a bad opcode, or a size or count limit
  DisabledOpcode,
  DiscouragedOpcode,  // upgradable NOPs; before segwit OP_CODESEPARATOR and a push of the checked signature
  UnbalancedConditional,
  MinimalIf,  // the argument of IF or NOTIF in a witness script is neither empty nor 01
  MinimalPush,
  BadNumber,  // longer than allowed or not the shortest form
  StackUnderflow,
  VerifyFailed,  // OP_VERIFY and the …VERIFY opcodes
  ReturnExecuted,
  BadSignatureEncoding,  // not strict DER, or an undefined sighash flag
  HighS,
  BadPublicKey,  // encoding
  NullDummy,
  NullFail,      // a check failed with a signature that is not empty
  BadSignature,  // taproot: the signature does not verify
  NegativeLocktime,
  UnsatisfiedLocktime,
  EvalFalse,
  CleanStack,
  ScriptSigNotPushOnly,
  ScriptSigNotEmpty,  // native segwit with a script_sig, or wrapped with more than the one push
  WitnessUnexpected,  // a witness for an output that has none
  WitnessEmpty,
  WitnessMismatch,     // script or key hash is not the program's
  WitnessWrongLength,  // version 0 program neither 20 nor 32 bytes
  UnsupportedSpend,
};
[[nodiscard]] const char* name(ScriptError error);

/// Checks one input. `spent`: the outputs of all inputs, in order; another count or `input` out of range aborts.
[[nodiscard]] Status<ScriptError> verify_input(const Transaction& transaction, std::size_t input,
                                               std::span<const TxOut> spent);

struct TransactionError {
  enum class Code : std::uint8_t {
    NoInputs,
    NoOutputs,
    RepeatedInput,
    BadAmount,      // an amount, or their sum, above 21 million bitcoin
    SpendsTooMuch,  // outputs above inputs
    TooHeavy,       // above kMaxStandardWeight
    Script,
  } code;
  std::size_t input = 0;                        // RepeatedInput, Script
  ScriptError script = ScriptError::EvalFalse;  // Script
};
[[nodiscard]] const char* name(TransactionError::Code code);
/// What nodes relay at most.
inline constexpr std::uint64_t kMaxStandardWeight = 400'000;

/// Everything that the transaction and the outputs it spends decide, for every input; gives the fee. Not for coinbase
/// transactions. Locks depend on the chain: see is_final and relative_locks_passed.
[[nodiscard]] Result<Sat, TransactionError> verify_transaction(const Transaction& transaction,
                                                               std::span<const TxOut> spent);

/// Locktimes from here on are seconds since 1970, below are heights.
inline constexpr std::uint32_t kLocktimeThreshold = 500'000'000;
/// Whether the locktime lets the transaction into a block of this height whose predecessor has this median time (BIP
/// 113).
[[nodiscard]] bool is_final(const Transaction& transaction, BlockHeight height, UnixTime median_time);

/// Where a spent output was confirmed: its height and the median time of the block before that.
struct SpentAt {
  BlockHeight height;
  UnixTime median_time;
};
/// Whether all relative locks (BIP 68) let the transaction into a block of this height whose predecessor has this
/// median time. `spent`: one for each input (aborts otherwise).
[[nodiscard]] bool relative_locks_passed(const Transaction& transaction, std::span<const SpentAt> spent,
                                         BlockHeight height, UnixTime median_time);

}  // namespace doze::bitcoin
