#include "bitcoin/interpreter.h"

#include <algorithm>
#include <set>

#include "bitcoin/script.h"
#include "bitcoin/script_machine.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
using Outcome = Status<ScriptError>;

Outcome run_witness_script(const Spend& spend, Stack stack, ByteView script) {
  for (const auto& item : stack)
    if (item.size() > kMaxPush) return fail(ScriptError::BadScript);
  LN_CHECK(run_script(stack, script, spend, ScriptKind::Witness));
  if (stack.size() != 1) return fail(ScriptError::CleanStack);
  if (!is_true(stack.back())) return fail(ScriptError::EvalFalse);
  return Done{};
}

Outcome verify_p2wsh(const Spend& spend, const Witness& witness, ByteView program) {
  if (witness.empty()) return fail(ScriptError::WitnessEmpty);
  if (!equal(crypto::sha256(witness.back()).view(), program)) return fail(ScriptError::WitnessMismatch);
  return run_witness_script(spend, Stack(witness.begin(), witness.end() - 1), witness.back());
}

Outcome verify_p2wpkh(const Spend& spend, const Witness& witness, ByteView program) {
  if (witness.empty()) return fail(ScriptError::WitnessEmpty);
  if (witness.size() != 2) return fail(ScriptError::WitnessMismatch);
  return run_witness_script(spend, witness, p2pkh_script(*Hash20::from(program)));
}

/// Key path only: one signature, its flag left out where it is Default.
Outcome verify_p2tr(const Spend& spend, std::span<const TxOut> spent, const Witness& witness, ByteView program) {
  if (witness.empty()) return fail(ScriptError::WitnessEmpty);
  // A script path, or an annex (which nodes do not relay).
  if (witness.size() > 1) return fail(ScriptError::UnsupportedSpend);
  ByteView item = witness[0];
  auto flag = Sighash::Default;
  if (item.size() == SchnorrSignature::kSize + 1) {
    auto parsed = parse_sighash(item.back());
    if (!parsed) return fail(ScriptError::BadSignatureEncoding);
    flag = *parsed;
    item = item.first(SchnorrSignature::kSize);
  }
  auto signature = SchnorrSignature::from(item);
  if (!signature) return fail(ScriptError::BadSignatureEncoding);
  auto digest = taproot_sighash(spend.transaction, spend.input, spent, flag);
  if (!digest) return fail(ScriptError::BadSignatureEncoding);
  if (!crypto::schnorr_verify(*XOnlyKey::from(program), *digest, *signature)) return fail(ScriptError::BadSignature);
  return Done{};
}

Outcome verify_program(const Spend& spend, std::span<const TxOut> spent, const WitnessProgram& program, bool wrapped) {
  const auto& witness = spend.transaction.inputs[spend.input].witness;
  auto size = program.program.size();
  if (program.version == 0) {
    if (size == 20) return verify_p2wpkh(spend, witness, program.program);
    if (size == 32) return verify_p2wsh(spend, witness, program.program);
    return fail(ScriptError::WitnessWrongLength);
  }
  // Wrapped in P2SH, later versions mean nothing yet.
  if (program.version == 1 && size == 32 && !wrapped) return verify_p2tr(spend, spent, witness, program.program);
  if (!wrapped && is_p2a(spent[spend.input].script_pubkey)) {
    if (!witness.empty()) return fail(ScriptError::WitnessUnexpected);
    return Done{};
  }
  return fail(ScriptError::UnsupportedSpend);
}

Outcome expect_true(const Stack& stack) {
  if (stack.empty() || !is_true(stack.back())) return fail(ScriptError::EvalFalse);
  return Done{};
}

/// P2SH: the last thing that script_sig pushed is the script, or a witness program in one push.
Outcome verify_p2sh(const Spend& spend, std::span<const TxOut> spent, Stack stack) {
  const auto& input = spend.transaction.inputs[spend.input];
  auto redeem_script = std::move(stack.back());
  stack.pop_back();
  LN_CHECK(run_script(stack, redeem_script, spend, ScriptKind::Legacy));
  LN_CHECK(expect_true(stack));
  if (auto program = witness_program(redeem_script)) {
    if (input.script_sig != ScriptBuilder().push(redeem_script).take()) return fail(ScriptError::ScriptSigNotEmpty);
    return verify_program(spend, spent, *program, true);
  }
  if (stack.size() != 1) return fail(ScriptError::CleanStack);
  if (!input.witness.empty()) return fail(ScriptError::WitnessUnexpected);
  return Done{};
}

Outcome verify_spend(const Spend& spend, std::span<const TxOut> spent) {
  const auto& input = spend.transaction.inputs[spend.input];
  const auto& script_pubkey = spent[spend.input].script_pubkey;
  if (auto program = witness_program(script_pubkey)) {
    if (!input.script_sig.empty()) return fail(ScriptError::ScriptSigNotEmpty);
    return verify_program(spend, spent, *program, false);
  }
  if (!is_push_only(input.script_sig)) return fail(ScriptError::ScriptSigNotPushOnly);
  Stack stack;
  LN_CHECK(run_script(stack, input.script_sig, spend, ScriptKind::Legacy));
  auto pushed = stack;
  LN_CHECK(run_script(stack, script_pubkey, spend, ScriptKind::Legacy));
  LN_CHECK(expect_true(stack));
  if (is_p2sh(script_pubkey)) return verify_p2sh(spend, spent, std::move(pushed));
  if (stack.size() != 1) return fail(ScriptError::CleanStack);
  if (!input.witness.empty()) return fail(ScriptError::WitnessUnexpected);
  return Done{};
}

using TransactionCode = TransactionError::Code;

Result<Sat, TransactionError> sum_of(std::span<const TxOut> outputs) {
  Sat sum;
  for (const auto& output : outputs) {
    auto more = output.amount.is_money() ? add(sum, output.amount) : std::nullopt;
    if (!more || !more->is_money()) return fail(TransactionError{TransactionCode::BadAmount});
    sum = *more;
  }
  return sum;
}

std::optional<std::size_t> repeated_input(const Transaction& transaction) {
  std::set<Outpoint> seen;
  for (std::size_t i = 0; i < transaction.inputs.size(); ++i)
    if (!seen.insert(transaction.inputs[i].previous_output).second) return i;
  return std::nullopt;
}
}  // namespace

Status<ScriptError> verify_input(const Transaction& transaction, std::size_t input, std::span<const TxOut> spent) {
  LN_ASSERT(input < transaction.inputs.size() && spent.size() == transaction.inputs.size());
  SegwitHashes shared(transaction);
  return verify_spend({transaction, input, spent[input].amount, shared}, spent);
}

Result<Sat, TransactionError> verify_transaction(const Transaction& transaction, std::span<const TxOut> spent) {
  LN_ASSERT(spent.size() == transaction.inputs.size());
  if (transaction.inputs.empty()) return fail(TransactionError{TransactionCode::NoInputs});
  if (transaction.outputs.empty()) return fail(TransactionError{TransactionCode::NoOutputs});
  if (auto repeated = repeated_input(transaction))
    return fail(TransactionError{TransactionCode::RepeatedInput, *repeated});
  if (weight(transaction) > kMaxStandardWeight) return fail(TransactionError{TransactionCode::TooHeavy});
  LN_TRY(in, sum_of(spent));
  LN_TRY(out, sum_of(transaction.outputs));
  auto fee = sub(in, out);
  if (!fee) return fail(TransactionError{TransactionCode::SpendsTooMuch});
  SegwitHashes shared(transaction);
  for (std::size_t i = 0; i < transaction.inputs.size(); ++i) {
    auto verified = verify_spend({transaction, i, spent[i].amount, shared}, spent);
    if (!verified) return fail(TransactionError{TransactionCode::Script, i, verified.error()});
  }
  return *fee;
}

}  // namespace doze::bitcoin
