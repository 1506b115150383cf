// Coins for claims on chain. A coin of a claim is spent by a name made from the claim, until a block has a transaction.
#include <algorithm>

#include "bitcoin/script.h"
#include "crypto/crypto.h"
#include "wallet/inside.h"

namespace doze::wallet {
namespace {

/// Not the id of a transaction: those are hashed twice.
Txid name_of(const Outpoint& claim) {
  return Txid(crypto::sha256({bytes_of("doze claim"), claim.txid.view(), Writer().u32(claim.index).take()}).bytes);
}

bool is_free(const Wallet::Inside& state, const Coin& coin) {
  return coin.confirmed_at && !coin.spent_by && state.mature(coin);
}

/// The smallest coin that is enough by itself, else the largest: few inputs.
Coin* choose(Wallet::Inside& state, Sat missing) {
  Coin *enough = nullptr, *largest = nullptr;
  for (auto& [outpoint, coin] : state.coins) {
    if (!is_free(state, coin)) continue;
    if (coin.amount >= missing && (enough == nullptr || coin.amount < enough->amount)) enough = &coin;
    if (largest == nullptr || coin.amount > largest->amount) largest = &coin;
  }
  return enough != nullptr ? enough : largest;
}

}  // namespace

void reserve_for_claim(Work& work, const ReserveCoins& in) {
  auto name = name_of(in.claim);
  auto per_coin = Sat((kClaimInputWeight * in.feerate.value() + 999) / 1'000);
  Sat total, needed = in.amount;
  CoinsReserved out{in.channel_id, in.claim, {}};
  auto take = [&](const Coin& coin) {
    if (!out.coins.empty()) needed += per_coin;  // the first one is in `amount`
    total += coin.amount;
    auto script = bitcoin::p2wpkh_script(work.context.signer.wallet_key(coin.key.change, coin.key.index));
    out.coins.push_back({coin.outpoint, {coin.amount, std::move(script)}, coin.key.change, coin.key.index});
  };
  for (const auto& [outpoint, coin] : work.state.coins)
    if (coin.spent_by == name && !coin.spent_at && coin.confirmed_at) take(coin);
  while (total < needed && out.coins.size() < kMaxCoinsPerClaim) {
    auto* coin = choose(work.state, needed - total + (out.coins.empty() ? Sat(0) : per_coin));
    if (coin == nullptr) break;
    coin->spent_by = name;
    work.save(*coin);
    take(*coin);
  }
  work.effects.push_back(std::move(out));
}

void release_of_claim(Work& work, const ReleaseCoins& in) {
  auto name = name_of(in.claim);
  for (auto& [outpoint, coin] : work.state.coins) {
    if (coin.spent_by != name || coin.spent_at) continue;
    coin.spent_by.reset();
    work.save(coin);
  }
}

}  // namespace doze::wallet
