// The script and transaction vectors that Bitcoin Core publishes, and the signed transactions of BIP 143.
//
// A vector states the flags under which it holds. Flags only ever forbid more, and ours are nearly all of them: so what
// must fail under fewer flags must fail here too, and what must pass may fail here only for a rule whose flag is
// absent.
#include <map>
#include <set>

#include "bitcoin/script.h"
#include "bitcoin/script_machine.h"
#include "vectors.h"

namespace doze::bitcoin {
namespace {

using Flags = std::set<std::string>;

Flags flags_of(const std::string& text) {
  Flags out;
  for (std::size_t from = 0; from < text.size();) {
    auto end = std::min(text.find(',', from), text.size());
    out.insert(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

/// The flags that bring a refusal into force; any one is enough.
const std::map<ScriptError, Flags>& flags_behind() {
  static const std::map<ScriptError, Flags> kFlags{
      {ScriptError::CleanStack, {"CLEANSTACK"}},
      {ScriptError::MinimalPush, {"MINIMALDATA"}},
      {ScriptError::BadNumber, {"MINIMALDATA"}},
      {ScriptError::MinimalIf, {"MINIMALIF"}},
      {ScriptError::NullDummy, {"NULLDUMMY"}},
      {ScriptError::NullFail, {"NULLFAIL"}},
      {ScriptError::HighS, {"LOW_S"}},
      {ScriptError::DiscouragedOpcode, {"DISCOURAGE_UPGRADABLE_NOPS", "CONST_SCRIPTCODE"}},
      {ScriptError::BadSignatureEncoding, {"DERSIG", "STRICTENC", "LOW_S"}},
      {ScriptError::BadPublicKey, {"STRICTENC", "WITNESS_PUBKEYTYPE"}},
      {ScriptError::ScriptSigNotPushOnly, {"SIGPUSHONLY"}},
      {ScriptError::UnsupportedSpend, {"DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", "TAPROOT"}},
  };
  return kFlags;
}

bool may_refuse(ScriptError error, const Flags& stated) {
  auto found = flags_behind().find(error);
  if (found == flags_behind().end()) return false;
  // An encoding rule can be in force for witness scripts only, or for signatures but not for their flag byte.
  if (error == ScriptError::BadPublicKey) return stated.count("STRICTENC") + stated.count("WITNESS_PUBKEYTYPE") < 2;
  if (error == ScriptError::BadSignatureEncoding) return stated.count("STRICTENC") == 0;
  return std::none_of(found->second.begin(), found->second.end(), [&](const auto& flag) { return stated.count(flag); });
}

const std::map<std::string, ScriptError>& names() {
  static const std::map<std::string, ScriptError> kNames{
      {"EVAL_FALSE", ScriptError::EvalFalse},
      {"BAD_OPCODE", ScriptError::BadScript},
      {"OP_COUNT", ScriptError::BadScript},
      {"PUSH_SIZE", ScriptError::BadScript},
      {"STACK_SIZE", ScriptError::BadScript},
      {"SCRIPT_SIZE", ScriptError::BadScript},
      {"PUBKEY_COUNT", ScriptError::BadScript},
      {"SIG_COUNT", ScriptError::BadScript},
      {"INVALID_STACK_OPERATION", ScriptError::StackUnderflow},
      {"INVALID_ALTSTACK_OPERATION", ScriptError::StackUnderflow},
      {"SCRIPTNUM", ScriptError::BadNumber},
      {"SIG_DER", ScriptError::BadSignatureEncoding},
      {"SIG_HASHTYPE", ScriptError::BadSignatureEncoding},
      {"SIG_HIGH_S", ScriptError::HighS},
      {"DISABLED_OPCODE", ScriptError::DisabledOpcode},
      {"MINIMALDATA", ScriptError::MinimalPush},
      {"MINIMALIF", ScriptError::MinimalIf},
      {"UNBALANCED_CONDITIONAL", ScriptError::UnbalancedConditional},
      {"DISCOURAGE_UPGRADABLE_NOPS", ScriptError::DiscouragedOpcode},
      {"EQUALVERIFY", ScriptError::VerifyFailed},
      {"VERIFY", ScriptError::VerifyFailed},
      {"NUMEQUALVERIFY", ScriptError::VerifyFailed},
      {"CHECKSIGVERIFY", ScriptError::VerifyFailed},
      {"PUBKEYTYPE", ScriptError::BadPublicKey},
      {"WITNESS_PUBKEYTYPE", ScriptError::BadPublicKey},
      {"OP_RETURN", ScriptError::ReturnExecuted},
      {"SIG_PUSHONLY", ScriptError::ScriptSigNotPushOnly},
      {"NULLFAIL", ScriptError::NullFail},
      {"SIG_NULLDUMMY", ScriptError::NullDummy},
      {"CLEANSTACK", ScriptError::CleanStack},
      {"UNSATISFIED_LOCKTIME", ScriptError::UnsatisfiedLocktime},
      {"NEGATIVE_LOCKTIME", ScriptError::NegativeLocktime},
      {"WITNESS_PROGRAM_WITNESS_EMPTY", ScriptError::WitnessEmpty},
      {"WITNESS_PROGRAM_MISMATCH", ScriptError::WitnessMismatch},
      {"WITNESS_PROGRAM_WRONG_LENGTH", ScriptError::WitnessWrongLength},
      {"WITNESS_MALLEATED", ScriptError::ScriptSigNotEmpty},
      {"WITNESS_MALLEATED_P2SH", ScriptError::ScriptSigNotEmpty},
      {"WITNESS_UNEXPECTED", ScriptError::WitnessUnexpected},
      {"DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", ScriptError::UnsupportedSpend},
  };
  return kNames;
}

bool has_opcode(ByteView script, std::uint8_t opcode) {
  Reader in(script);
  while (in.remaining() > 0) {
    auto instruction = next_instruction(in);
    if (!instruction) return false;
    if (instruction->opcode == opcode) return true;
  }
  return false;
}

struct ScriptVector {
  TxOut spent;
  Transaction transaction;
  Flags flags;
  std::string expected;
};

/// The vectors' two transactions: one that pays to the script, one that spends it.
ScriptVector read_vector(const json::value& from) {
  ScriptVector out;
  out.spent = {Sat(number_at(from, "amount")), hex_at(from, "script_pubkey")};
  Transaction credit;
  credit.version = 1;
  credit.inputs.push_back({{Txid{}, 0xffffffff}, hex("0000"), kSequenceFinal, {}});
  credit.outputs.push_back(out.spent);
  out.transaction.version = 1;
  out.transaction.inputs.push_back({{txid(credit), 0}, hex_at(from, "script_sig"), kSequenceFinal, {}});
  for (const auto& item : from.at("witness").as_array())
    out.transaction.inputs[0].witness.push_back(hex(std::string(item.as_string())));
  out.transaction.outputs.push_back({out.spent.amount, {}});
  out.flags = flags_of(text_at(from, "flags"));
  out.expected = text_at(from, "expected");
  return out;
}

/// Without P2SH, segwit or the lock opcodes some outputs mean something else altogether.
bool is_of_the_past(const ScriptVector& vector) {
  const auto& script = vector.spent.script_pubkey;
  if (!vector.flags.count("P2SH") && is_p2sh(script)) return true;
  bool segwit = witness_program(script) || is_p2sh(script) || !vector.transaction.inputs[0].witness.empty();
  if (!vector.flags.count("WITNESS") && segwit) return true;
  if (!vector.flags.count("CHECKLOCKTIMEVERIFY") && has_opcode(script, OP_CHECKLOCKTIMEVERIFY)) return true;
  return !vector.flags.count("CHECKSEQUENCEVERIFY") && has_opcode(script, OP_CHECKSEQUENCEVERIFY);
}

/// Many vectors compute in the script_sig, which is not relayed any more: they go to the machine itself.
Status<ScriptError> evaluate(const ScriptVector& vector) {
  const auto& script_sig = vector.transaction.inputs[0].script_sig;
  const auto& script_pubkey = vector.spent.script_pubkey;
  if (is_push_only(script_sig) || is_p2sh(script_pubkey) || witness_program(script_pubkey) ||
      vector.flags.count("SIGPUSHONLY"))
    return verify_input(vector.transaction, 0, std::span(&vector.spent, 1));
  SegwitHashes shared(vector.transaction);
  Spend spend{vector.transaction, 0, vector.spent.amount, shared};
  Stack stack;
  LN_CHECK(run_script(stack, script_sig, spend, ScriptKind::Legacy));
  LN_CHECK(run_script(stack, script_pubkey, spend, ScriptKind::Legacy));
  if (stack.empty() || !is_true(stack.back())) return fail(ScriptError::EvalFalse);
  return Done{};
}

TEST(ScriptVectors, AgreeUpToRulesWhoseFlagIsAbsent) {
  std::size_t exact = 0, stricter = 0, past = 0;
  for (const auto& entry : load_list("script_tests.json")) {
    auto vector = read_vector(entry);
    if (is_of_the_past(vector)) {
      ++past;
      continue;
    }
    auto result = evaluate(vector);
    auto expected = names().find(vector.expected);
    bool same = result ? vector.expected == "OK" : expected != names().end() && expected->second == result.error();
    exact += same ? 1 : 0;
    if (same) continue;
    ++stricter;
    EXPECT_TRUE(!result && may_refuse(result.error(), vector.flags))
        << json::serialize(entry) << "\n  gives " << (result ? "OK" : name(result.error()));
  }
  // Most of them agree to the letter, so the allowance above hides little.
  EXPECT_GE(exact, 890U);
  EXPECT_LE(stricter, 300U);
  EXPECT_LE(past, 30U);
}

std::vector<TxOut> spent_by(const Transaction& transaction, const json::value& vector) {
  std::map<Outpoint, TxOut> outputs;
  for (const auto& entry : vector.at("spent").as_array()) {
    Outpoint outpoint{*parse_txid(text_at(entry, "txid")), static_cast<std::uint32_t>(number_at(entry, "index"))};
    outputs[outpoint] = {Sat(number_at(entry, "amount")), hex_at(entry, "script_pubkey")};
  }
  std::vector<TxOut> out;
  for (const auto& input : transaction.inputs) out.push_back(outputs[input.previous_output]);
  return out;
}

TEST(TransactionVectors, ValidOnesPassUpToExcludedRules) {
  std::size_t passed = 0;
  for (const auto& entry : load_list("tx_valid.json")) {
    auto transaction = *parse_transaction(hex_at(entry, "tx"));
    auto spent = spent_by(transaction, entry);
    auto excluded = flags_of(text_at(entry, "flags"));
    for (std::size_t i = 0; i < transaction.inputs.size(); ++i) {
      auto result = verify_input(transaction, i, spent);
      if (result) {
        ++passed;
        continue;
      }
      auto found = flags_behind().find(result.error());
      bool covered = excluded.count("P2SH") || excluded.count("WITNESS") || excluded.count("CHECKLOCKTIMEVERIFY") ||
                     excluded.count("CHECKSEQUENCEVERIFY") || excluded.count("CONST_SCRIPTCODE") ||
                     result.error() == ScriptError::ScriptSigNotPushOnly;
      if (found != flags_behind().end())
        covered = covered || std::any_of(found->second.begin(), found->second.end(),
                                         [&](const auto& flag) { return excluded.count(flag); });
      EXPECT_TRUE(covered) << json::serialize(entry) << "\n  input " << i << ": " << name(result.error());
    }
  }
  EXPECT_GE(passed, 100U);
}

TEST(TransactionVectors, InvalidOnesAreRefused) {
  for (const auto& entry : load_list("tx_invalid.json")) {
    auto transaction = parse_transaction(hex_at(entry, "tx"));
    if (!transaction) continue;
    auto spent = spent_by(*transaction, entry);
    // The name that coinbases spend is no output's: nobody can hand in what it spent.
    bool names_nothing = std::any_of(transaction->inputs.begin(), transaction->inputs.end(), [](const TxIn& input) {
      return input.previous_output == Outpoint{Txid{}, 0xffffffff};
    });
    if (names_nothing) continue;
    bool refused = false;
    for (std::size_t i = 0; i < transaction->inputs.size(); ++i)
      refused = refused || !verify_input(*transaction, i, spent);
    // The vectors leave the spent amounts at zero, which is another mistake.
    auto whole = verify_transaction(*transaction, spent);
    refused = refused || (!whole && whole.error().code != TransactionError::Code::SpendsTooMuch);
    EXPECT_TRUE(refused) << json::serialize(entry);
  }
}

constexpr const char* kNoFindAndDelete = "0100000000010169c12106097dc2e0526493ef";

TEST(Bip143, SignedTransactionsVerifyAndDoNotWhenChanged) {
  auto list = load_vectors("bip143.json").at("signed").as_array();
  ASSERT_EQ(list.size(), 7U);
  for (const auto& entry : list) {
    auto transaction = *parse_transaction(hex_at(entry, "tx"));
    auto spent = spent_at(entry, "spent");
    ASSERT_EQ(spent.size(), transaction.inputs.size());
    for (std::size_t i = 0; i < spent.size(); ++i) {
      auto result = verify_input(transaction, i, spent);
      if (text_at(entry, "tx").starts_with(kNoFindAndDelete)) {
        // The last example's signature was made up rather than made, with a high S: blocks allow it, relaying does not.
        EXPECT_EQ(result.error(), ScriptError::HighS);
        continue;
      }
      EXPECT_TRUE(result) << text_at(entry, "tx") << " " << i << " " << name(result.error());
      if (transaction.inputs[i].witness.empty()) continue;
      auto other_amount = spent;
      other_amount[i].amount = other_amount[i].amount + Sat(1);
      EXPECT_FALSE(verify_input(transaction, i, other_amount));
      auto other_version = transaction;
      other_version.version += 1;
      EXPECT_FALSE(verify_input(other_version, i, spent));
    }
  }
}

}  // namespace
}  // namespace doze::bitcoin
