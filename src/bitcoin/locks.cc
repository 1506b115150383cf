// Locks that depend on the chain (BIP 68, BIP 113), and the errors' names.
#include <algorithm>

#include "bitcoin/interpreter.h"
#include "bitcoin/script_machine.h"

namespace doze::bitcoin {

namespace {
constexpr std::uint64_t kSecondsPerUnit = 512;

bool lock_passed(std::uint32_t sequence, const SpentAt& spent, BlockHeight height, UnixTime median_time) {
  if ((sequence & kSequenceNoLock) != 0) return true;
  std::uint64_t value = sequence & kSequenceValue;
  if ((sequence & kSequenceIsTime) != 0) return after_s(spent.median_time, value * kSecondsPerUnit) <= median_time;
  return spent.height.value() + value <= height.value();
}
}  // namespace

bool is_final(const Transaction& transaction, BlockHeight height, UnixTime median_time) {
  if (transaction.locktime == 0) return true;
  std::uint64_t now = transaction.locktime < kLocktimeThreshold ? height.value() : median_time.value();
  if (transaction.locktime < now) return true;
  return std::all_of(transaction.inputs.begin(), transaction.inputs.end(),
                     [](const TxIn& input) { return input.sequence == kSequenceFinal; });
}

bool relative_locks_passed(const Transaction& transaction, std::span<const SpentAt> spent, BlockHeight height,
                           UnixTime median_time) {
  LN_ASSERT(spent.size() == transaction.inputs.size());
  if (transaction.version < 2) return true;
  for (std::size_t i = 0; i < spent.size(); ++i)
    if (!lock_passed(transaction.inputs[i].sequence, spent[i], height, median_time)) return false;
  return true;
}

const char* name(ScriptError error) {
  switch (error) {
    case ScriptError::BadScript:
      return "bad script";
    case ScriptError::DisabledOpcode:
      return "disabled opcode";
    case ScriptError::DiscouragedOpcode:
      return "discouraged opcode";
    case ScriptError::UnbalancedConditional:
      return "unbalanced conditional";
    case ScriptError::MinimalIf:
      return "condition neither empty nor 01";
    case ScriptError::MinimalPush:
      return "push not minimal";
    case ScriptError::BadNumber:
      return "bad number";
    case ScriptError::StackUnderflow:
      return "stack underflow";
    case ScriptError::VerifyFailed:
      return "verify failed";
    case ScriptError::ReturnExecuted:
      return "return executed";
    case ScriptError::BadSignatureEncoding:
      return "bad signature encoding";
    case ScriptError::HighS:
      return "high S";
    case ScriptError::BadPublicKey:
      return "bad public key";
    case ScriptError::NullDummy:
      return "dummy not empty";
    case ScriptError::NullFail:
      return "failed signature not empty";
    case ScriptError::BadSignature:
      return "bad signature";
    case ScriptError::NegativeLocktime:
      return "negative locktime";
    case ScriptError::UnsatisfiedLocktime:
      return "unsatisfied locktime";
    case ScriptError::EvalFalse:
      return "evaluates to false";
    case ScriptError::CleanStack:
      return "stack not clean";
    case ScriptError::ScriptSigNotPushOnly:
      return "script_sig not push only";
    case ScriptError::ScriptSigNotEmpty:
      return "script_sig not empty";
    case ScriptError::WitnessUnexpected:
      return "unexpected witness";
    case ScriptError::WitnessEmpty:
      return "empty witness";
    case ScriptError::WitnessMismatch:
      return "witness does not match the program";
    case ScriptError::WitnessWrongLength:
      return "witness program of wrong length";
    case ScriptError::UnsupportedSpend:
      return "unsupported spend";
  }
  return "unknown";
}

const char* name(TransactionError::Code code) {
  switch (code) {
    case TransactionError::Code::NoInputs:
      return "no inputs";
    case TransactionError::Code::NoOutputs:
      return "no outputs";
    case TransactionError::Code::RepeatedInput:
      return "repeated input";
    case TransactionError::Code::BadAmount:
      return "bad amount";
    case TransactionError::Code::SpendsTooMuch:
      return "outputs above inputs";
    case TransactionError::Code::TooHeavy:
      return "too heavy";
    case TransactionError::Code::Script:
      return "script";
  }
  return "unknown";
}

}  // namespace doze::bitcoin
