// Spends that we sign ourselves: each verifies, and stops to verify when any one thing in it is broken.
#include "bitcoin/interpreter.h"

#include <functional>

#include "bitcoin/script.h"
#include "bitcoin/sighash.h"
#include "crypto/crypto.h"
#include "vectors.h"

namespace doze::bitcoin {
namespace {

PrivateKey secret(std::uint8_t n) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[31] = n;
  return PrivateKey(bytes);
}
PublicKey point(std::uint8_t n) {
  return crypto::public_key(secret(n));
}

constexpr Sat kAmount(100'000);

/// A transaction whose input 1 spends the script; input 0 spends something that anybody may.
struct Spending {
  Transaction transaction;
  std::vector<TxOut> spent;

  explicit Spending(Bytes script_pubkey) {
    transaction.inputs.push_back({{Txid{{1}}, 0}, {}, 10, {}});
    transaction.inputs.push_back({{Txid{{2}}, 3}, {}, 20, {}});
    transaction.outputs.push_back({Sat(90'000), p2wpkh_script(point(9))});
    transaction.outputs.push_back({Sat(100'000), p2wpkh_script(point(10))});
    transaction.locktime = 500;
    spent.push_back({kAmount, hex("51024e73")});
    spent.push_back({kAmount, std::move(script_pubkey)});
  }
  TxIn& input() { return transaction.inputs[1]; }
  [[nodiscard]] Status<ScriptError> verify() const { return verify_input(transaction, 1, spent); }
  [[nodiscard]] bool good() const { return verify().has_value(); }
  [[nodiscard]] Bytes sign(std::uint8_t key, ByteView script_code, Sighash flag = Sighash::All) const {
    return signature_item(crypto::ecdsa_sign(secret(key), segwit_sighash(transaction, 1, script_code, kAmount, flag)),
                          flag);
  }
  [[nodiscard]] Bytes sign_legacy(std::uint8_t key, ByteView script_code, Sighash flag = Sighash::All) const {
    return signature_item(crypto::ecdsa_sign(secret(key), legacy_sighash(transaction, 1, script_code, flag)), flag);
  }
};

ScriptError error_of(const Spending& spending) {
  auto result = spending.verify();
  EXPECT_FALSE(result);
  return result ? ScriptError::EvalFalse : result.error();
}

/// Everything that SIGHASH_ALL in a segwit input commits to, changed one by one. (Legacy leaves the amount out.)
void expect_every_change_breaks(const Spending& right, bool amount_is_signed = true) {
  ASSERT_TRUE(right.good()) << name(right.verify().error());
  const std::vector<std::function<void(Spending&)>> changes{
      [](Spending& s) { s.transaction.version = 1; },
      [](Spending& s) { s.transaction.locktime += 1; },
      [](Spending& s) { s.transaction.inputs[0].previous_output.index += 1; },
      [](Spending& s) { s.transaction.inputs[0].sequence += 1; },
      [](Spending& s) { s.input().previous_output.txid.bytes[5] ^= 1; },
      [](Spending& s) { s.input().sequence += 1; },
      [](Spending& s) { s.transaction.outputs[0].amount = Sat(89'999); },
      [](Spending& s) { s.transaction.outputs[1].script_pubkey.back() ^= 1; },
      [](Spending& s) { s.transaction.outputs.pop_back(); },
      [](Spending& s) {
        s.transaction.outputs.push_back({Sat(1), {}});
      },
      [](Spending& s) { s.spent[1].script_pubkey.back() ^= 1; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto changed = right;
    changes[i](changed);
    EXPECT_FALSE(changed.good()) << "change " << i;
  }
  auto amount = right;
  amount.spent[1].amount = kAmount + Sat(1);
  EXPECT_EQ(amount.good(), !amount_is_signed);
}

/// Every bit of every witness item matters.
void expect_every_witness_bit_counts(const Spending& right) {
  for (std::size_t item = 0; item < right.transaction.inputs[1].witness.size(); ++item) {
    for (std::size_t i = 0; i < right.transaction.inputs[1].witness[item].size(); ++i) {
      auto changed = right;
      changed.input().witness[item][i] ^= 1;
      EXPECT_FALSE(changed.good()) << item << ":" << i;
    }
    auto shorter = right;
    shorter.input().witness.erase(shorter.input().witness.begin() + static_cast<std::ptrdiff_t>(item));
    EXPECT_FALSE(shorter.good()) << item;
  }
  auto longer = right;
  longer.input().witness.insert(longer.input().witness.begin(), Bytes{});
  EXPECT_FALSE(longer.good());
}

Spending p2wpkh_spending() {
  Spending out(p2wpkh_script(point(1)));
  out.input().witness = {out.sign(1, p2pkh_script(crypto::hash160(point(1).view()))), to_bytes(point(1).view())};
  return out;
}

TEST(Interpreter, P2wpkh) {
  auto right = p2wpkh_spending();
  expect_every_change_breaks(right);
  expect_every_witness_bit_counts(right);

  auto other_key = right;
  other_key.input().witness[1] = to_bytes(point(2).view());
  EXPECT_EQ(error_of(other_key), ScriptError::VerifyFailed);
  auto other_signer = right;
  other_signer.input().witness[0] = right.sign(2, p2pkh_script(crypto::hash160(point(1).view())));
  EXPECT_EQ(error_of(other_signer), ScriptError::NullFail);
  auto script_sig = right;
  script_sig.input().script_sig = hex("51");
  EXPECT_EQ(error_of(script_sig), ScriptError::ScriptSigNotEmpty);
  auto no_witness = right;
  no_witness.input().witness.clear();
  EXPECT_EQ(error_of(no_witness), ScriptError::WitnessEmpty);
  auto no_signature = right;
  no_signature.input().witness[0].clear();
  EXPECT_EQ(error_of(no_signature), ScriptError::EvalFalse);
}

TEST(Interpreter, SighashFlagsSignWhatTheySay) {
  auto code = p2pkh_script(crypto::hash160(point(1).view()));
  auto with = [&](Sighash flag) {
    auto out = p2wpkh_spending();
    out.input().witness[0] = out.sign(1, code, flag);
    EXPECT_TRUE(out.good());
    return out;
  };
  auto survives = [](Spending spending, auto change) {
    change(spending);
    return spending.good();
  };
  auto other_output = [](Spending& s) { s.transaction.outputs[0].amount = Sat(1); };
  auto own_output = [](Spending& s) { s.transaction.outputs[1].amount = Sat(1); };
  auto other_sequence = [](Spending& s) { s.transaction.inputs[0].sequence = 11; };
  auto more_inputs = [](Spending& s) {
    s.transaction.inputs.push_back({{Txid{{7}}, 0}, {}, 0, {}});
    s.spent.push_back({Sat(1), hex("51")});
  };
  EXPECT_TRUE(survives(with(Sighash::Single), other_output));
  EXPECT_FALSE(survives(with(Sighash::Single), own_output));
  EXPECT_TRUE(survives(with(Sighash::Single), other_sequence));
  EXPECT_FALSE(survives(with(Sighash::Single), more_inputs));
  EXPECT_TRUE(survives(with(Sighash::None), own_output));
  EXPECT_FALSE(survives(with(Sighash::None), more_inputs));
  EXPECT_TRUE(survives(with(Sighash::AllAnyoneCanPay), more_inputs));
  EXPECT_FALSE(survives(with(Sighash::AllAnyoneCanPay), other_output));
  EXPECT_TRUE(survives(with(Sighash::SingleAnyoneCanPay), more_inputs));
  EXPECT_TRUE(survives(with(Sighash::SingleAnyoneCanPay), other_output));
  EXPECT_FALSE(survives(with(Sighash::SingleAnyoneCanPay), own_output));
  EXPECT_TRUE(survives(with(Sighash::NoneAnyoneCanPay), own_output));
}

Bytes two_of_two() {
  return ScriptBuilder().op(OP_2).push(point(1).view()).push(point(2).view()).op(OP_2).op(OP_CHECKMULTISIG).take();
}

TEST(Interpreter, P2wshMultisig) {
  auto script = two_of_two();
  Spending right(p2wsh_script(script));
  right.input().witness = {{}, right.sign(1, script), right.sign(2, script), script};
  expect_every_change_breaks(right);
  expect_every_witness_bit_counts(right);

  auto swapped = right;
  std::swap(swapped.input().witness[1], swapped.input().witness[2]);
  EXPECT_EQ(error_of(swapped), ScriptError::NullFail);
  auto twice = right;
  twice.input().witness[2] = twice.input().witness[1];
  EXPECT_EQ(error_of(twice), ScriptError::NullFail);
  auto dummy = right;
  dummy.input().witness[0] = hex("01");
  EXPECT_EQ(error_of(dummy), ScriptError::NullDummy);
  auto unsigned_one = right;
  unsigned_one.input().witness[1].clear();
  EXPECT_EQ(error_of(unsigned_one), ScriptError::NullFail);
  auto other_script = right;
  other_script.input().witness[3].back() = OP_CHECKMULTISIGVERIFY;
  EXPECT_EQ(error_of(other_script), ScriptError::WitnessMismatch);
}

TEST(Interpreter, P2wshNeedsACleanStackAndMinimalConditions) {
  auto run = [](const Bytes& script, Witness items) {
    Spending spending(p2wsh_script(script));
    items.push_back(script);
    spending.input().witness = std::move(items);
    return spending;
  };
  auto choice = ScriptBuilder().op(OP_IF).op(OP_1).op(OP_ELSE).op(OP_2).op(OP_ENDIF).take();
  EXPECT_TRUE(run(choice, {hex("01")}).good());
  EXPECT_TRUE(run(choice, {{}}).good());
  EXPECT_EQ(error_of(run(choice, {hex("02")})), ScriptError::MinimalIf);
  EXPECT_EQ(error_of(run(choice, {hex("0100")})), ScriptError::MinimalIf);
  EXPECT_EQ(error_of(run(choice, {hex("01"), hex("01")})), ScriptError::CleanStack);
  EXPECT_EQ(error_of(run(choice, {})), ScriptError::StackUnderflow);
  EXPECT_EQ(error_of(run(hex("00"), {})), ScriptError::EvalFalse);
  EXPECT_EQ(error_of(run(hex("51b0"), {})), ScriptError::DiscouragedOpcode);
  EXPECT_EQ(error_of(run(hex("5163"), {})), ScriptError::UnbalancedConditional);
  EXPECT_EQ(error_of(run(hex("02aa"), {})), ScriptError::BadScript);
  EXPECT_EQ(error_of(run(Bytes(10'001, OP_1), {})), ScriptError::BadScript);
  EXPECT_EQ(error_of(run(hex("7551"), {Bytes(521)})), ScriptError::BadScript);
  EXPECT_TRUE(run(hex("7551"), {Bytes(520)}).good());
}

TEST(Interpreter, UncompressedKeysOnlyBeforeSegwit) {
  // The generator, uncompressed.
  auto key =
      hex("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a6"
          "855419"
          "9c47d08ffb10d4b8");
  Spending legacy(p2pkh_script(crypto::hash160(key)));
  auto signature = legacy.sign_legacy(1, legacy.spent[1].script_pubkey);
  legacy.input().script_sig = ScriptBuilder().push(signature).push(key).take();
  EXPECT_TRUE(legacy.good());
  auto broken = legacy;
  broken.input().script_sig.back() ^= 1;
  EXPECT_FALSE(broken.good());

  auto script = ScriptBuilder().push(key).op(OP_CHECKSIG).take();
  Spending segwit(p2wsh_script(script));
  segwit.input().witness = {segwit.sign(1, script), script};
  EXPECT_EQ(error_of(segwit), ScriptError::BadPublicKey);
}

TEST(Interpreter, P2pkh) {
  Spending right(p2pkh_script(crypto::hash160(point(1).view())));
  auto signature = right.sign_legacy(1, right.spent[1].script_pubkey);
  right.input().script_sig = ScriptBuilder().push(signature).push(point(1).view()).take();
  expect_every_change_breaks(right, false);
  for (std::size_t i = 0; i < right.input().script_sig.size(); ++i) {
    auto changed = right;
    changed.input().script_sig[i] ^= 1;
    EXPECT_FALSE(changed.good()) << i;
  }
  auto not_push = right;
  not_push.input().script_sig.push_back(OP_NOP);
  EXPECT_EQ(error_of(not_push), ScriptError::ScriptSigNotPushOnly);
  auto surplus = right;
  surplus.input().script_sig.insert(surplus.input().script_sig.begin(), OP_1);
  EXPECT_EQ(error_of(surplus), ScriptError::CleanStack);
  auto witness = right;
  witness.input().witness = {hex("01")};
  EXPECT_EQ(error_of(witness), ScriptError::WitnessUnexpected);
}

TEST(Interpreter, P2shMultisigAndWrappedSegwit) {
  auto script = two_of_two();
  Spending multisig(p2sh_script(crypto::hash160(script)));
  multisig.input().script_sig = ScriptBuilder()
                                    .op(OP_0)
                                    .push(multisig.sign_legacy(1, script))
                                    .push(multisig.sign_legacy(2, script))
                                    .push(script)
                                    .take();
  expect_every_change_breaks(multisig, false);

  auto program = p2wpkh_script(point(1));
  Spending wrapped(p2sh_script(crypto::hash160(program)));
  wrapped.input().script_sig = ScriptBuilder().push(program).take();
  wrapped.input().witness = {wrapped.sign(1, p2pkh_script(crypto::hash160(point(1).view()))),
                             to_bytes(point(1).view())};
  expect_every_change_breaks(wrapped);
  expect_every_witness_bit_counts(wrapped);
  auto surplus = wrapped;
  surplus.input().script_sig.insert(surplus.input().script_sig.begin(), OP_1);
  EXPECT_EQ(error_of(surplus), ScriptError::ScriptSigNotEmpty);

  auto taproot = p2tr_script(crypto::x_only(point(1)));
  Spending wrapped_taproot(p2sh_script(crypto::hash160(taproot)));
  wrapped_taproot.input().script_sig = ScriptBuilder().push(taproot).take();
  EXPECT_EQ(error_of(wrapped_taproot), ScriptError::UnsupportedSpend);
}

Bytes taproot_witness(const Spending& spending, Sighash flag) {
  auto digest = taproot_sighash(spending.transaction, 1, spending.spent, flag);
  auto signature = crypto::schnorr_sign(taproot_output_secret(secret(1)), *digest);
  auto out = to_bytes(signature.view());
  if (flag != Sighash::Default) out.push_back(static_cast<std::uint8_t>(flag));
  return out;
}

TEST(Interpreter, P2trKeyPath) {
  Spending right(p2tr_script(*taproot_output_key(crypto::x_only(point(1)))));
  for (auto flag : {Sighash::Default, Sighash::All, Sighash::AllAnyoneCanPay, Sighash::Single, Sighash::None}) {
    right.input().witness = {taproot_witness(right, flag)};
    EXPECT_TRUE(right.good()) << static_cast<int>(flag);
    expect_every_witness_bit_counts(right);
  }
  right.input().witness = {taproot_witness(right, Sighash::Default)};
  expect_every_change_breaks(right);

  auto other_spent = right;
  other_spent.spent[0].amount = Sat(1);  // taproot signs what every input spends
  EXPECT_EQ(error_of(other_spent), ScriptError::BadSignature);
  auto default_written_out = right;
  default_written_out.input().witness[0].push_back(0);
  EXPECT_EQ(error_of(default_written_out), ScriptError::BadSignatureEncoding);
  auto short_one = right;
  short_one.input().witness[0].pop_back();
  EXPECT_EQ(error_of(short_one), ScriptError::BadSignatureEncoding);
  auto script_path = right;
  script_path.input().witness = {hex("51"), hex("c0") /* and so on */};
  EXPECT_EQ(error_of(script_path), ScriptError::UnsupportedSpend);
  auto single = right;
  single.input().witness = {taproot_witness(right, Sighash::Single)};
  single.transaction.outputs.pop_back();
  EXPECT_EQ(error_of(single), ScriptError::BadSignatureEncoding);
}

TEST(Interpreter, AnchorsAreForEverybodyAndUnknownVersionsForNobody) {
  Spending anchor(hex("51024e73"));
  EXPECT_TRUE(anchor.good());
  anchor.input().witness = {{}};
  EXPECT_EQ(error_of(anchor), ScriptError::WitnessUnexpected);
  EXPECT_EQ(error_of(Spending(hex("51024e74"))), ScriptError::UnsupportedSpend);
  EXPECT_EQ(error_of(Spending(hex("0003010203"))), ScriptError::WitnessWrongLength);
}

TEST(Interpreter, LockOpcodes) {
  auto run = [](Bytes script, std::uint32_t locktime, std::uint32_t sequence, std::uint32_t version = 2) {
    Spending spending(p2wsh_script(script));
    spending.transaction.locktime = locktime;
    spending.transaction.version = version;
    spending.input().sequence = sequence;
    spending.input().witness = {std::move(script)};
    return spending;
  };
  auto until = [](std::int64_t value) { return ScriptBuilder().number(value).op(OP_CHECKLOCKTIMEVERIFY).take(); };
  EXPECT_TRUE(run(until(500), 500, 0).good());
  EXPECT_TRUE(run(until(499), 500, 0).good());
  EXPECT_EQ(error_of(run(until(501), 500, 0)), ScriptError::UnsatisfiedLocktime);
  EXPECT_EQ(error_of(run(until(500), 500, kSequenceFinal)), ScriptError::UnsatisfiedLocktime);
  EXPECT_EQ(error_of(run(until(500), kLocktimeThreshold, 0)), ScriptError::UnsatisfiedLocktime);
  EXPECT_EQ(error_of(run(until(-1), 500, 0)), ScriptError::NegativeLocktime);
  EXPECT_TRUE(run(until(0xffffffff), 0xffffffff, 0).good());
  EXPECT_EQ(error_of(run(until(0x8000000000), 500, 0)), ScriptError::BadNumber);

  auto after = [](std::int64_t value) { return ScriptBuilder().number(value).op(OP_CHECKSEQUENCEVERIFY).take(); };
  EXPECT_TRUE(run(after(144), 0, 144).good());
  EXPECT_EQ(error_of(run(after(144), 0, 143)), ScriptError::UnsatisfiedLocktime);
  EXPECT_EQ(error_of(run(after(144), 0, 144, 1)), ScriptError::UnsatisfiedLocktime);
  EXPECT_EQ(error_of(run(after(144), 0, 0x80000000 | 144)), ScriptError::UnsatisfiedLocktime);
  EXPECT_EQ(error_of(run(after(144), 0, 0x00400000 | 144)), ScriptError::UnsatisfiedLocktime);
  EXPECT_TRUE(run(after(0x00400000 | 144), 0, 0x00400000 | 200).good());
  EXPECT_TRUE(run(after(0x80000000), 0, 0).good());  // asks for nothing
  EXPECT_EQ(error_of(run(after(-1), 0, 0)), ScriptError::NegativeLocktime);
}

TEST(VerifyTransaction, GivesTheFeeOrTheReason) {
  using Code = TransactionError::Code;
  auto right = p2wpkh_spending();
  auto fee = verify_transaction(right.transaction, right.spent);
  ASSERT_TRUE(fee) << name(fee.error().code);
  EXPECT_EQ(*fee, Sat(10'000));
  auto refused = [&](auto change) {
    auto changed = right;
    change(changed);
    auto result = verify_transaction(changed.transaction, changed.spent);
    EXPECT_FALSE(result);
    return result ? TransactionError{Code::Script} : result.error();
  };
  auto code = [&](auto change) { return refused(change).code; };
  EXPECT_EQ(code([](Spending& s) { s.transaction.inputs.clear(), s.spent.clear(); }), Code::NoInputs);
  EXPECT_EQ(code([](Spending& s) { s.transaction.outputs.clear(); }), Code::NoOutputs);
  auto repeated =
      refused([](Spending& s) { s.transaction.inputs[1].previous_output = s.transaction.inputs[0].previous_output; });
  EXPECT_EQ(repeated.code, Code::RepeatedInput);
  EXPECT_EQ(repeated.input, 1U);
  EXPECT_EQ(code([](Spending& s) { s.transaction.outputs[0].amount = Sat(100'001); }), Code::SpendsTooMuch);
  EXPECT_EQ(code([](Spending& s) { s.transaction.outputs[0].amount = Sat::max_money() + Sat(1); }), Code::BadAmount);
  EXPECT_EQ(code([](Spending& s) { s.transaction.outputs[0].amount = Sat::max_money(); }), Code::BadAmount);
  EXPECT_EQ(code([](Spending& s) { s.transaction.outputs[0].script_pubkey.resize(100'000); }), Code::TooHeavy);
  auto script = refused([](Spending& s) { s.transaction.locktime = 0; });
  EXPECT_EQ(script.code, Code::Script);
  EXPECT_EQ(script.input, 1U);
  EXPECT_EQ(script.script, ScriptError::NullFail);
}

TEST(Locks, AbsoluteOnesOpenBehindTheirHeightOrTime) {
  Transaction transaction;
  transaction.inputs.push_back({{}, {}, kSequenceLocktime, {}});
  EXPECT_TRUE(is_final(transaction, BlockHeight(0), UnixTime(0)));
  transaction.locktime = 500;
  EXPECT_FALSE(is_final(transaction, BlockHeight(500), UnixTime(0)));
  EXPECT_TRUE(is_final(transaction, BlockHeight(501), UnixTime(0)));
  transaction.locktime = kLocktimeThreshold;
  EXPECT_FALSE(is_final(transaction, BlockHeight(900'000), UnixTime(kLocktimeThreshold)));
  EXPECT_TRUE(is_final(transaction, BlockHeight(1), UnixTime(kLocktimeThreshold + 1)));
  transaction.locktime = 500;
  transaction.inputs[0].sequence = kSequenceFinal;
  EXPECT_TRUE(is_final(transaction, BlockHeight(1), UnixTime(0)));
}

TEST(Locks, RelativeOnesCountFromTheSpentOutput) {
  Transaction transaction;
  transaction.inputs.push_back({{}, {}, 144, {}});
  std::vector<SpentAt> spent{{BlockHeight(1000), UnixTime(1'600'000'000)}};
  auto passed = [&](std::uint32_t height, std::uint64_t time) {
    return relative_locks_passed(transaction, spent, BlockHeight(height), UnixTime(time));
  };
  EXPECT_FALSE(passed(1143, 0));
  EXPECT_TRUE(passed(1144, 0));
  transaction.inputs[0].sequence = 0x00400000 | 2;
  EXPECT_FALSE(passed(9999, 1'600'001'023));
  EXPECT_TRUE(passed(1, 1'600'001'024));
  transaction.inputs[0].sequence = 0x80000000 | 144;
  EXPECT_TRUE(passed(1000, 0));
  transaction.inputs[0].sequence = 144;
  transaction.version = 1;
  EXPECT_TRUE(passed(1000, 0));
}

}  // namespace
}  // namespace doze::bitcoin
