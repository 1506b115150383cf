#include "bitcoin/script_machine.h"

#include <algorithm>

#include "bitcoin/script.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
// Consensus limits.
constexpr std::size_t kMaxScript = 10'000;
constexpr std::size_t kMaxOps = 201;  // above OP_16; CHECKMULTISIG counts its keys too
constexpr std::size_t kMaxStack = 1'000;
constexpr std::int64_t kMaxMultisigKeys = 20;
constexpr std::size_t kLockNumberSize = 5;  // BIP 65, BIP 112: enough for all of an unsigned 32-bit value

using Outcome = Status<ScriptError>;

bool is_disabled(std::uint8_t opcode) {
  return (opcode >= OP_CAT && opcode <= OP_RIGHT) || (opcode >= OP_INVERT && opcode <= OP_XOR) || opcode == OP_2MUL ||
         opcode == OP_2DIV || (opcode >= OP_MUL && opcode <= OP_RSHIFT);
}

class Machine {
 public:
  Machine(Stack& stack, ByteView script, const Spend& spend, ScriptKind kind)
      : stack_(stack), script_(script), in_(script), spend_(spend), kind_(kind) {}
  Outcome run();

 private:
  Outcome step(const Instruction& instruction);
  Outcome execute(std::uint8_t opcode);
  Outcome conditional(std::uint8_t opcode);
  Outcome enter_branch(std::uint8_t opcode);
  Outcome stack_op(std::uint8_t opcode);
  Outcome deep_op(std::uint8_t opcode);
  Outcome pick_or_roll(bool roll);
  Outcome unary(std::uint8_t opcode);
  Outcome binary(std::uint8_t opcode);
  Outcome within();
  Outcome hash(std::uint8_t opcode);
  Outcome equality(bool verify);
  Outcome check_sig(bool verify);
  Outcome check_multisig(bool verify);
  Outcome check_locktime();
  Outcome check_sequence();

  /// The n-th item from the top, from 1.
  Bytes& at(std::size_t n) { return stack_[stack_.size() - n]; }
  auto from_top(std::size_t n) { return stack_.end() - static_cast<std::ptrdiff_t>(n); }
  Outcome need(std::size_t n) const {
    if (stack_.size() < n) return fail(ScriptError::StackUnderflow);
    return Done{};
  }
  void pop(std::size_t n = 1) { stack_.resize(stack_.size() - n); }
  void push_number(std::int64_t value) { stack_.push_back(script_number(value)); }
  /// Copies `count` items to the top, the first one the `from`-th from the top.
  Outcome duplicate(std::size_t from, std::size_t count) {
    LN_CHECK(need(from));
    for (std::size_t i = 0; i < count; ++i) stack_.push_back(Bytes(at(from)));
    return Done{};
  }
  /// Moves the lowest `count` of the top `of` items above the others.
  Outcome rotate(std::size_t of, std::size_t count) {
    LN_CHECK(need(of));
    std::rotate(from_top(of), from_top(of - count), stack_.end());
    return Done{};
  }
  Result<std::int64_t, ScriptError> number_at(std::size_t n, std::size_t max_size = 4) {
    LN_CHECK(need(n));
    auto value = read_script_number(at(n), max_size);
    if (!value) return fail(ScriptError::BadNumber);
    return *value;
  }
  /// Ends an opcode that gives a truth value, in its plain or VERIFY form.
  Outcome conclude(bool result, bool verify) {
    if (!verify) push_number(result ? 1 : 0);
    if (verify && !result) return fail(ScriptError::VerifyFailed);
    return Done{};
  }
  bool executing() const { return std::find(branches_.begin(), branches_.end(), false) == branches_.end(); }
  ByteView script_code() const { return script_.subspan(code_start_); }

  Stack& stack_;
  Stack alt_stack_;
  ByteView script_;
  Reader in_;
  const Spend& spend_;
  ScriptKind kind_;
  std::vector<bool> branches_;  // of the open IFs: whether the current branch runs
  std::size_t ops_ = 0;
  std::size_t code_start_ = 0;  // behind the last executed OP_CODESEPARATOR
};

Outcome Machine::run() {
  if (script_.size() > kMaxScript) return fail(ScriptError::BadScript);
  while (in_.remaining() > 0) {
    auto instruction = next_instruction(in_);
    if (!instruction) return fail(ScriptError::BadScript);
    LN_CHECK(step(*instruction));
    if (stack_.size() + alt_stack_.size() > kMaxStack) return fail(ScriptError::BadScript);
  }
  if (!branches_.empty()) return fail(ScriptError::UnbalancedConditional);
  return Done{};
}

Outcome Machine::step(const Instruction& instruction) {
  auto opcode = instruction.opcode;
  if (instruction.data.size() > kMaxPush) return fail(ScriptError::BadScript);
  if (opcode > OP_16 && ++ops_ > kMaxOps) return fail(ScriptError::BadScript);
  // These count even where they are not executed.
  if (is_disabled(opcode)) return fail(ScriptError::DisabledOpcode);
  if (opcode == OP_CODESEPARATOR && kind_ == ScriptKind::Legacy) return fail(ScriptError::DiscouragedOpcode);
  if (opcode >= OP_IF && opcode <= OP_ENDIF) return conditional(opcode);
  if (!executing()) return Done{};
  if (opcode > OP_PUSHDATA4) return execute(opcode);
  if (!is_minimal_push(instruction)) return fail(ScriptError::MinimalPush);
  stack_.push_back(to_bytes(instruction.data));
  return Done{};
}

Outcome Machine::execute(std::uint8_t opcode) {
  if (opcode >= OP_1 && opcode <= OP_16) return push_number(opcode - OP_1 + 1), Done{};
  if (opcode >= OP_TOALTSTACK && opcode <= OP_TUCK) return stack_op(opcode);
  if (opcode >= OP_1ADD && opcode <= OP_0NOTEQUAL) return unary(opcode);
  if (opcode >= OP_ADD && opcode <= OP_MAX) return binary(opcode);
  if (opcode >= OP_RIPEMD160 && opcode <= OP_HASH256) return hash(opcode);
  switch (opcode) {
    case OP_1NEGATE:
      return push_number(-1), Done{};
    case OP_NOP:
      return Done{};
    case OP_VERIFY:
      LN_CHECK(need(1));
      if (!is_true(at(1))) return fail(ScriptError::VerifyFailed);
      return pop(), Done{};
    case OP_RETURN:
      return fail(ScriptError::ReturnExecuted);
    case OP_SIZE:
      LN_CHECK(need(1));
      return push_number(static_cast<std::int64_t>(at(1).size())), Done{};
    case OP_EQUAL:
    case OP_EQUALVERIFY:
      return equality(opcode == OP_EQUALVERIFY);
    case OP_WITHIN:
      return within();
    case OP_CODESEPARATOR:
      return code_start_ = in_.at(), Done{};
    case OP_CHECKSIG:
    case OP_CHECKSIGVERIFY:
      return check_sig(opcode == OP_CHECKSIGVERIFY);
    case OP_CHECKMULTISIG:
    case OP_CHECKMULTISIGVERIFY:
      return check_multisig(opcode == OP_CHECKMULTISIGVERIFY);
    case OP_CHECKLOCKTIMEVERIFY:
      return check_locktime();
    case OP_CHECKSEQUENCEVERIFY:
      return check_sequence();
    default:
      break;
  }
  bool upgradable = opcode >= OP_NOP1 && opcode <= OP_NOP10;
  return fail(upgradable ? ScriptError::DiscouragedOpcode : ScriptError::BadScript);
}

Outcome Machine::conditional(std::uint8_t opcode) {
  switch (opcode) {
    case OP_IF:
    case OP_NOTIF:
      return enter_branch(opcode);
    case OP_ELSE:
      if (branches_.empty()) return fail(ScriptError::UnbalancedConditional);
      branches_.back() = !branches_.back();
      return Done{};
    case OP_ENDIF:
      if (branches_.empty()) return fail(ScriptError::UnbalancedConditional);
      branches_.pop_back();
      return Done{};
    default:
      return fail(ScriptError::BadScript);  // VERIF and VERNOTIF, executed or not
  }
}

Outcome Machine::enter_branch(std::uint8_t opcode) {
  bool taken = false;
  if (executing()) {
    LN_CHECK(need(1));
    const auto& condition = at(1);
    bool minimal = condition.empty() || (condition.size() == 1 && condition[0] == 1);
    if (kind_ == ScriptKind::Witness && !minimal) return fail(ScriptError::MinimalIf);
    taken = is_true(condition) == (opcode == OP_IF);
    pop();
  }
  branches_.push_back(taken);
  return Done{};
}

Outcome Machine::stack_op(std::uint8_t opcode) {
  switch (opcode) {
    case OP_TOALTSTACK:
      LN_CHECK(need(1));
      alt_stack_.push_back(std::move(at(1)));
      return pop(), Done{};
    case OP_FROMALTSTACK:
      if (alt_stack_.empty()) return fail(ScriptError::StackUnderflow);
      stack_.push_back(std::move(alt_stack_.back()));
      return alt_stack_.pop_back(), Done{};
    case OP_2DROP:
      LN_CHECK(need(2));
      return pop(2), Done{};
    case OP_2DUP:
      return duplicate(2, 2);
    case OP_3DUP:
      return duplicate(3, 3);
    case OP_2OVER:
      return duplicate(4, 2);
    case OP_IFDUP:
      LN_CHECK(need(1));
      return is_true(at(1)) ? duplicate(1, 1) : Done{};
    case OP_DEPTH:
      return push_number(static_cast<std::int64_t>(stack_.size())), Done{};
    case OP_DROP:
      LN_CHECK(need(1));
      return pop(), Done{};
    case OP_DUP:
      return duplicate(1, 1);
    case OP_OVER:
      return duplicate(2, 1);
    default:
      return deep_op(opcode);
  }
}

Outcome Machine::deep_op(std::uint8_t opcode) {
  switch (opcode) {
    case OP_2ROT:
      return rotate(6, 2);
    case OP_2SWAP:
      return rotate(4, 2);
    case OP_ROT:
      return rotate(3, 1);
    case OP_SWAP:
      return rotate(2, 1);
    case OP_NIP:
      LN_CHECK(need(2));
      stack_.erase(from_top(2));
      return Done{};
    case OP_TUCK:
      LN_CHECK(need(2));
      stack_.insert(from_top(2), Bytes(at(1)));
      return Done{};
    case OP_PICK:
    case OP_ROLL:
      return pick_or_roll(opcode == OP_ROLL);
    default:
      return fail(ScriptError::BadScript);
  }
}

Outcome Machine::pick_or_roll(bool roll) {
  LN_CHECK(need(2));
  LN_TRY(depth, number_at(1));
  pop();
  if (depth < 0 || static_cast<std::uint64_t>(depth) >= stack_.size()) return fail(ScriptError::StackUnderflow);
  auto n = static_cast<std::size_t>(depth) + 1;
  return roll ? rotate(n, 1) : duplicate(n, 1);
}

Outcome Machine::unary(std::uint8_t opcode) {
  LN_TRY(a, number_at(1));
  pop();
  switch (opcode) {
    case OP_1ADD:
      push_number(a + 1);
      break;
    case OP_1SUB:
      push_number(a - 1);
      break;
    case OP_NEGATE:
      push_number(-a);
      break;
    case OP_ABS:
      push_number(a < 0 ? -a : a);
      break;
    case OP_NOT:
      push_number(a == 0 ? 1 : 0);
      break;
    default:
      push_number(a != 0 ? 1 : 0);  // OP_0NOTEQUAL
  }
  return Done{};
}

Outcome Machine::binary(std::uint8_t opcode) {
  LN_CHECK(need(2));
  LN_TRY(a, number_at(2));
  LN_TRY(b, number_at(1));
  pop(2);
  switch (opcode) {
    case OP_ADD:
      return push_number(a + b), Done{};
    case OP_SUB:
      return push_number(a - b), Done{};
    case OP_BOOLAND:
      return conclude(a != 0 && b != 0, false);
    case OP_BOOLOR:
      return conclude(a != 0 || b != 0, false);
    case OP_NUMEQUAL:
    case OP_NUMEQUALVERIFY:
      return conclude(a == b, opcode == OP_NUMEQUALVERIFY);
    case OP_NUMNOTEQUAL:
      return conclude(a != b, false);
    case OP_LESSTHAN:
      return conclude(a < b, false);
    case OP_GREATERTHAN:
      return conclude(a > b, false);
    case OP_LESSTHANOREQUAL:
      return conclude(a <= b, false);
    case OP_GREATERTHANOREQUAL:
      return conclude(a >= b, false);
    case OP_MIN:
      return push_number(std::min(a, b)), Done{};
    default:
      return push_number(std::max(a, b)), Done{};  // OP_MAX
  }
}

Outcome Machine::within() {
  LN_CHECK(need(3));
  LN_TRY(value, number_at(3));
  LN_TRY(low, number_at(2));
  LN_TRY(high, number_at(1));
  pop(3);
  return conclude(low <= value && value < high, false);
}

Outcome Machine::hash(std::uint8_t opcode) {
  LN_CHECK(need(1));
  auto& item = at(1);
  switch (opcode) {
    case OP_RIPEMD160:
      item = to_bytes(crypto::ripemd160(item).view());
      break;
    case OP_SHA1:
      item = to_bytes(crypto::sha1(item).view());
      break;
    case OP_SHA256:
      item = to_bytes(crypto::sha256(item).view());
      break;
    case OP_HASH160:
      item = to_bytes(crypto::hash160(item).view());
      break;
    default:
      item = to_bytes(crypto::sha256d(item).view());  // OP_HASH256
  }
  return Done{};
}

Outcome Machine::equality(bool verify) {
  LN_CHECK(need(2));
  bool result = at(1) == at(2);
  pop(2);
  return conclude(result, verify);
}

Outcome Machine::check_sig(bool verify) {
  LN_CHECK(need(2));
  auto signature = std::move(at(2));
  auto key = std::move(at(1));
  pop(2);
  if (kind_ == ScriptKind::Legacy && contains_signature(script_code(), signature))
    return fail(ScriptError::DiscouragedOpcode);
  LN_TRY(good, check_signature(spend_, kind_, script_code(), signature, key));
  if (!good && !signature.empty()) return fail(ScriptError::NullFail);
  return conclude(good, verify);
}

Outcome Machine::check_multisig(bool verify) {
  // From the top: number of keys, keys (the last one first), number of signatures, signatures, one item more.
  LN_TRY(key_count, number_at(1));
  if (key_count < 0 || key_count > kMaxMultisigKeys) return fail(ScriptError::BadScript);
  auto keys = static_cast<std::size_t>(key_count);
  ops_ += keys;
  if (ops_ > kMaxOps) return fail(ScriptError::BadScript);
  LN_TRY(signature_count, number_at(keys + 2));
  if (signature_count < 0 || signature_count > key_count) return fail(ScriptError::BadScript);
  auto signatures = static_cast<std::size_t>(signature_count);
  auto total = keys + signatures + 3;
  LN_CHECK(need(total));
  auto key_at = [&](std::size_t left) -> Bytes& { return at(2 + keys - left); };
  auto signature_at = [&](std::size_t left) -> Bytes& { return at(3 + keys + signatures - left); };
  for (std::size_t left = signatures; left > 0; --left) {
    if (kind_ == ScriptKind::Legacy && contains_signature(script_code(), signature_at(left)))
      return fail(ScriptError::DiscouragedOpcode);
  }

  // Both lists are in the same order: a signature that does not fit a key may fit a later one.
  std::size_t keys_left = keys, signatures_left = signatures;
  while (signatures_left > 0 && signatures_left <= keys_left) {
    LN_TRY(good, check_signature(spend_, kind_, script_code(), signature_at(signatures_left), key_at(keys_left)));
    if (good) --signatures_left;
    --keys_left;
  }
  bool result = signatures_left == 0;
  for (std::size_t left = signatures; left > 0 && !result; --left)
    if (!signature_at(left).empty()) return fail(ScriptError::NullFail);
  if (!at(total).empty()) return fail(ScriptError::NullDummy);
  pop(total);
  return conclude(result, verify);
}

Outcome Machine::check_locktime() {
  LN_TRY(wanted, number_at(1, kLockNumberSize));
  if (wanted < 0) return fail(ScriptError::NegativeLocktime);
  std::int64_t actual = spend_.transaction.locktime;
  bool same_unit = (wanted < kLocktimeThreshold) == (actual < kLocktimeThreshold);
  bool enforced = spend_.transaction.inputs[spend_.input].sequence != kSequenceFinal;
  if (!same_unit || wanted > actual || !enforced) return fail(ScriptError::UnsatisfiedLocktime);
  return Done{};
}

Outcome Machine::check_sequence() {
  LN_TRY(wanted, number_at(1, kLockNumberSize));
  if (wanted < 0) return fail(ScriptError::NegativeLocktime);
  if ((wanted & kSequenceNoLock) != 0) return Done{};
  auto actual = spend_.transaction.inputs[spend_.input].sequence;
  bool enforced = spend_.transaction.version >= 2 && (actual & kSequenceNoLock) == 0;
  bool same_unit = (wanted & kSequenceIsTime) == (actual & kSequenceIsTime);
  if (!enforced || !same_unit || (wanted & kSequenceValue) > (actual & kSequenceValue))
    return fail(ScriptError::UnsatisfiedLocktime);
  return Done{};
}
}  // namespace

Status<ScriptError> run_script(Stack& stack, ByteView script, const Spend& spend, ScriptKind kind) {
  return Machine(stack, script, spend, kind).run();
}

bool is_true(ByteView item) {
  for (std::size_t i = 0; i < item.size(); ++i)
    if (item[i] != 0) return i + 1 < item.size() || item[i] != 0x80;  // a lone sign is negative zero
  return false;
}

}  // namespace doze::bitcoin
