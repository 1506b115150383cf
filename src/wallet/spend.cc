// Coin selection, fees, signatures.
#include <algorithm>

#include "bitcoin/script.h"
#include "bitcoin/sighash.h"
#include "crypto/crypto.h"
#include "wallet/inside.h"

namespace doze::wallet {

namespace {

/// A P2WPKH input: 41 bytes, and a witness of two items: at most 72 bytes of signature, 33 of key. BIP 141, BIP 143.
constexpr std::uint64_t kInputWeight = 41 * 4 + 1 + (1 + 72) + (1 + 33);
/// Version, locktime, two one-byte counts (three for many inputs), segwit marker and flag.
constexpr std::uint64_t kBaseWeight = (4 + 4 + 3 + 1) * 4 + 2;

std::uint64_t output_weight(ByteView script) {
  return 4 * (8 + 1 + script.size());
}
Sat fee_for(std::uint64_t weight, FeeratePerKw feerate) {
  return Sat((weight * feerate.value() + 999) / 1000);
}

/// Confirmed ones first, then the largest: few inputs, little trust in what is not confirmed. Ties by outpoint.
std::vector<const Coin*> candidates(const Wallet::Inside& state) {
  std::vector<const Coin*> out;
  for (const auto& [outpoint, coin] : state.coins)
    if (state.spendable(coin)) out.push_back(&coin);
  std::stable_sort(out.begin(), out.end(), [](const Coin* a, const Coin* b) {
    if (a->confirmed_at.has_value() != b->confirmed_at.has_value()) return a->confirmed_at.has_value();
    return a->amount > b->amount;
  });
  if (out.size() > kMaxInputs) out.resize(kMaxInputs);
  return out;
}

CommandError insufficient(const Wallet::Inside& state, std::optional<Sat> amount, Sat fee, Sat available) {
  Sat reserved;
  for (const auto& [outpoint, coin] : state.coins)
    if (state.is_reserved(coin)) reserved += coin.amount;
  auto needed = amount.value_or(Sat(0)) + fee;
  return CommandError{CommandErrorCode::InsufficientFunds,
                      "needs " + std::to_string(needed.value()) + " sat with the on-chain fee, but " +
                          std::to_string(available.value()) + " sat can be spent: send coins to a new address first",
                      {{"needed_sat", needed.value()},
                       {"fee_sat", fee.value()},
                       {"available_sat", available.value()},
                       {"reserved_sat", reserved.value()}}};
}

void sign(const Wallet::Inside& state, const Signer& signer, bitcoin::Transaction& transaction) {
  bitcoin::SegwitHashes hashes(transaction);
  for (std::size_t i = 0; i < transaction.inputs.size(); ++i) {
    const auto& coin = state.coins.at(transaction.inputs[i].previous_output);
    auto key = signer.wallet_key(coin.key.change, coin.key.index);
    auto digest = bitcoin::segwit_sighash(transaction, i, bitcoin::p2pkh_script(crypto::hash160(key.view())),
                                          coin.amount, bitcoin::Sighash::All, &hashes);
    auto signature = signer.sign_with_wallet_key(coin.key.change, coin.key.index, digest);
    transaction.inputs[i].witness = {bitcoin::signature_item(signature, bitcoin::Sighash::All), to_bytes(key.view())};
  }
}

struct Choice {
  std::vector<const Coin*> coins;
  Sat total, fee, change;  // change zero: none
};

Result<Choice, CommandError> choose(const Wallet::Inside& state, std::size_t script_size, std::optional<Sat> amount,
                                    FeeratePerKw feerate, const Bytes& change_script) {
  Choice choice;
  auto weight = kBaseWeight + 4 * (8 + 1 + script_size);
  choice.fee = fee_for(weight, feerate);
  for (const auto* coin : candidates(state)) {
    if (amount && choice.total >= *amount + choice.fee) break;
    choice.coins.push_back(coin);
    choice.total += coin->amount;
    weight += kInputWeight;
    choice.fee = fee_for(weight, feerate);
  }
  if (choice.total < amount.value_or(Sat(0)) + choice.fee || choice.coins.empty())
    return fail(insufficient(state, amount, choice.fee, choice.total));
  if (!amount) return choice;
  auto fee_with_change = fee_for(weight + output_weight(change_script), feerate);
  auto change = sub_or_zero(choice.total, *amount + fee_with_change);
  if (change >= bitcoin::dust_limit(change_script)) {
    choice.fee = fee_with_change;
    choice.change = change;
  } else {
    choice.fee = choice.total - *amount;  // too small to be worth an output
  }
  return choice;
}

}  // namespace

Status<CommandError> can_fund(const Work& work, std::size_t script_size, Sat amount, FeeratePerKw feerate) {
  auto change_script = bitcoin::p2wpkh_script(work.context.signer.wallet_key(true, work.state.next_change));
  LN_CHECK(
      choose(work.state, script_size, amount, std::max(feerate, work.context.config.feerate_floor), change_script));
  return Done{};
}

Result<Built, CommandError> build(Work& work, const Bytes& script_pubkey, std::optional<Sat> amount,
                                  FeeratePerKw feerate) {
  auto& state = work.state;
  auto dust = bitcoin::dust_limit(script_pubkey);
  if (amount && (*amount < dust || !amount->is_money()))
    return fail(CommandError{CommandErrorCode::BadRequest,
                             "amount_sat: expected at least " + std::to_string(dust.value()) + " sat for this address",
                             {{"minimum_sat", dust.value()}, {"amount_sat", amount->value()}}});
  feerate = std::max(feerate, work.context.config.feerate_floor);
  auto change_script = bitcoin::p2wpkh_script(work.context.signer.wallet_key(true, state.next_change));
  LN_TRY(choice, choose(state, script_pubkey.size(), amount, feerate, change_script));
  auto sum = amount.value_or(choice.total - choice.fee);
  if (sum < dust) return fail(insufficient(state, dust, choice.fee, choice.total));

  Built built;
  built.amount = sum;
  built.fee = choice.fee;
  for (const auto* coin : choice.coins) {
    built.inputs.push_back(coin->outpoint);
    built.transaction.inputs.push_back({.previous_output = coin->outpoint, .sequence = bitcoin::kSequenceLocktime});
  }
  built.transaction.outputs.push_back({sum, script_pubkey});
  if (choice.change > Sat(0)) {
    // On either side, so that the position does not tell which output is the change.
    built.output_index = static_cast<std::uint32_t>(work.context.rng.u64() & 1);
    built.transaction.outputs.insert(built.transaction.outputs.begin() + (built.output_index == 0 ? 1 : 0),
                                     {choice.change, change_script});
    ++state.next_change;
    work.save_indexes();
    work.fill_gaps();
  }
  sign(state, work.context.signer, built.transaction);
  return built;
}

Txid reserve(Work& work, const Built& built, TxState tx_state) {
  auto txid = bitcoin::txid(built.transaction);
  for (const auto& outpoint : built.inputs) {
    auto& coin = work.state.coins.at(outpoint);
    coin.spent_by = txid;
    work.save(coin);
  }
  auto& own = work.state.transactions[txid];
  own = OwnTransaction{.transaction = built.transaction, .state = tx_state, .fee = built.fee};
  work.save(txid, own);
  return txid;
}

}  // namespace doze::wallet
