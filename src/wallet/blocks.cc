// The effects of blocks on our coins, and of transactions that can no longer confirm.
#include "bitcoin/script.h"
#include "wallet/inside.h"

namespace doze::wallet {

std::vector<Bytes> Wallet::Inside::watch(const Signer& signer) {
  std::vector<Bytes> out;
  auto fill = [&](std::uint32_t& count, std::uint32_t wanted, bool change, std::uint32_t base) {
    for (; count < wanted; ++count) {
      auto script = bitcoin::p2wpkh_script(signer.wallet_key(change, base + count));
      auto at = watched.emplace(std::move(script), KeyPath{change, base + count}).first;
      out.push_back(at->first);
      if (!change && base == 0) receive_scripts.push_back(&at->first);
    }
  };
  fill(watched_receive, next_receive + kGap, false, 0);
  fill(watched_change, next_change + kGap, true, 0);
  fill(watched_channel, next_channel + kChannelGap, false, kChannelScriptIndexBase);
  return out;
}

void Work::watch_scripts(std::vector<Bytes> scripts) {
  if (scripts.empty()) return;
  effects.push_back(Watch{WatchOwner::Wallet, {.outputs = {}, .scripts = std::move(scripts), .fundings = {}}});
}
void Work::watch_coin(const Outpoint& outpoint, const Bytes& script) {
  effects.push_back(Watch{WatchOwner::Wallet, {.outputs = {{outpoint, script}}, .scripts = {}, .fundings = {}}});
}
void Work::fill_gaps() {
  watch_scripts(state.watch(context.signer));
}

bool Wallet::Inside::mature(const Coin& coin) const {
  if (!coin.confirmed_at) return false;
  return !coin.coinbase || tip.value() + 1 >= coin.confirmed_at->value() + kCoinbaseMaturity;
}

bool Wallet::Inside::spendable(const Coin& coin) const {
  if (coin.spent_by) return false;
  if (coin.confirmed_at) return mature(coin);
  auto parent = transactions.find(coin.outpoint.txid);
  return parent != transactions.end() && parent->second.state == TxState::Sent;
}

bool Wallet::Inside::is_reserved(const Coin& coin) const {
  if (!coin.spent_by || coin.spent_at) return false;
  auto spender = transactions.find(*coin.spent_by);
  return spender == transactions.end() || spender->second.state != TxState::Sent;  // not there: of a claim on chain
}

std::vector<const MempoolPayment*> Wallet::Inside::deposits() const {
  std::vector<const MempoolPayment*> out;
  for (const auto& payment : mempool.payments)
    if (watched.contains(payment.script_pubkey) && payment.amount.is_money() && !coins.contains(payment.outpoint))
      out.push_back(&payment);
  return out;
}

namespace {

/// A used address: the ones after it are watched from now on, and it is never handed out again.
void use(Work& work, const KeyPath& key) {
  auto& state = work.state;
  bool closing = key.index >= kChannelScriptIndexBase;
  auto& next = closing ? state.next_channel : key.change ? state.next_change : state.next_receive;
  auto index = closing ? key.index - kChannelScriptIndexBase : key.index;
  if (index < next || (closing && index >= next + kChannelGap)) return;
  next = index + 1;
  work.save_indexes();
  work.fill_gaps();
}

/// Outputs of a transaction that pay us become coins, or confirmed ones.
void find_coins(Work& work, const bitcoin::Transaction& transaction, const Txid& txid, bool coinbase,
                std::optional<BlockHeight> height) {
  for (std::uint32_t index = 0; index < transaction.outputs.size(); ++index) {
    const auto& output = transaction.outputs[index];
    auto ours = work.state.watched.find(output.script_pubkey);
    if (ours == work.state.watched.end()) continue;
    auto key = ours->second;
    auto [at, is_new] = work.state.coins.try_emplace(Outpoint{txid, index});
    auto& coin = at->second;
    if (is_new) {
      coin = Coin{.outpoint = at->first, .amount = output.amount, .key = key, .coinbase = coinbase};
      work.watch_coin(at->first, output.script_pubkey);
      if (height)
        work.effects.push_back(Notify{
            Severity::Info,
            "coin_received",
            {{"txid", bitcoin::txid_to_string(txid)}, {"output", index}, {"amount_sat", output.amount.value()}}});
    }
    if (height) coin.confirmed_at = height;
    work.save(coin);
    use(work, key);
  }
}

/// A channel that is not over waits for it.
bool is_awaited(const Work& work, const Txid& txid) {
  return std::ranges::any_of(work.context.views.channels, [&](const auto& entry) {
    const auto& channel = entry.second;
    return channel.funder && channel.funding && channel.funding->txid == txid && channel.phase != ChannelPhase::Closed;
  });
}

/// A block spends its coins otherwise. A funding is remembered: its channel must not learn of it from a block that a
/// reorganisation takes back.
void lose(Work& work, const Txid& txid) {
  auto own = work.state.transactions.at(txid);
  if (own.state == TxState::Lost) return;
  drop(work, txid);
  if (!is_awaited(work, txid)) return;
  own.state = TxState::Lost;
  own.confirmed_at.reset();
  work.state.transactions[txid] = own;
  work.save(txid, own);
}

/// What had taken its coins is not in the chain any more: it may confirm after all, if nothing of ours has them now.
void bring_back_lost(Work& work) {
  for (auto& [txid, own] : work.state.transactions) {
    if (own.state != TxState::Lost) continue;
    auto is_free = [&](const bitcoin::TxIn& input) {
      auto coin = work.state.coins.find(input.previous_output);
      return coin != work.state.coins.end() && !coin->second.spent_by;
    };
    if (!std::ranges::all_of(own.transaction.inputs, is_free)) continue;
    for (const auto& input : own.transaction.inputs) {
      auto& coin = work.state.coins.at(input.previous_output);
      coin.spent_by = txid;
      work.save(coin);
    }
    mark_sent(work, txid);
    work.effects.push_back(Broadcast{own.transaction});
  }
}

/// Our coins among the inputs are spent; a transaction of ours that wanted one of them is dead unless it is this one.
void find_spends(Work& work, const bitcoin::Transaction& transaction, const Txid& txid, BlockHeight height) {
  for (const auto& input : transaction.inputs) {
    auto found = work.state.coins.find(input.previous_output);
    if (found == work.state.coins.end()) continue;
    if (found->second.spent_by && *found->second.spent_by != txid) {
      auto loser = *found->second.spent_by;
      if (work.state.transactions.contains(loser)) lose(work, loser);
    }
    found->second.spent_by = txid;
    found->second.spent_at = height;
    work.save(found->second);
  }
}

void forget_old(Work& work) {
  auto old = [&](const std::optional<BlockHeight>& height) {
    return height && height->value() + kForgetAfterBlocks <= work.state.tip.value();
  };
  std::set<Outpoint> wanted;  // say when a funding is lost for good: see refuse_lost
  for (const auto& [txid, own] : work.state.transactions)
    if (own.state == TxState::Lost)
      for (const auto& input : own.transaction.inputs) wanted.insert(input.previous_output);
  std::vector<Outpoint> coins;
  for (const auto& [outpoint, coin] : work.state.coins)
    if (old(coin.spent_at) && !wanted.contains(outpoint)) coins.push_back(outpoint);
  for (const auto& outpoint : coins) work.erase(outpoint);
  std::vector<Txid> transactions;
  for (const auto& [txid, own] : work.state.transactions)
    if (old(own.confirmed_at)) transactions.push_back(txid);
  for (const auto& txid : transactions) work.erase(txid);
  while (!work.state.sent_by_height.empty() &&
         work.state.sent_by_height.begin()->first.value() + kKeepSentBlocks <= work.state.tip.value())
    work.erase(Hash32(work.state.sent_by_height.begin()->second));
}

}  // namespace

void watch_channels(Work& work) {
  auto& state = work.state;
  for (const auto& [id, channel] : work.context.views.channels) {
    auto index = static_cast<std::uint32_t>(channel.key_index);
    if (channel.phase == ChannelPhase::Closed || index < state.watched_channel) continue;
    if (!state.far_channels.insert(index).second) continue;
    KeyPath key{false, kChannelScriptIndexBase + index};
    auto at = state.watched.emplace(bitcoin::p2wpkh_script(work.context.signer.wallet_key(key.change, key.index)), key);
    work.watch_scripts({at.first->first});
  }
  work.fill_gaps();
}

void watch_everything(Work& work) {
  const auto& state = work.state;
  Watched all;
  std::map<std::pair<bool, std::uint32_t>, const Bytes*> by_key;
  for (const auto& [script, key] : state.watched) {
    all.scripts.push_back(script);
    by_key.emplace(std::pair(key.change, key.index), &script);
  }
  for (const auto& [outpoint, coin] : state.coins) {
    auto known = by_key.find({coin.key.change, coin.key.index});
    all.outputs.push_back({outpoint, known != by_key.end() ? *known->second
                                                           : bitcoin::p2wpkh_script(work.context.signer.wallet_key(
                                                                 coin.key.change, coin.key.index))});
  }
  work.effects.push_back(Watch{WatchOwner::Wallet, std::move(all)});
}

void count_paid_scripts(Wallet::Inside& state) {
  std::set<std::uint32_t> paid;
  for (const auto& [outpoint, coin] : state.coins)
    if (!coin.key.change && coin.key.index >= kChannelScriptIndexBase)
      paid.insert(coin.key.index - kChannelScriptIndexBase);
  state.next_channel = 0;
  for (auto index : paid) {
    if (index >= state.next_channel + kChannelGap) break;
    state.next_channel = index + 1;
  }
}

namespace {

void confirm(Work& work, const std::vector<BlockTransaction>& transactions, BlockHeight height) {
  for (const auto& [position, txid, transaction] : transactions) {
    find_spends(work, transaction, txid, height);
    find_coins(work, transaction, txid, position == 0, height);
    auto own = work.state.transactions.find(txid);
    if (own == work.state.transactions.end()) continue;
    own->second.state = TxState::Sent;  // no matter which node broadcast it
    own->second.confirmed_at = height;
    work.save(txid, own->second);
  }
}

}  // namespace

void block_connected(Work& work, const BlockConnected& in) {
  watch_channels(work);
  confirm(work, in.transactions, in.height);
  forget_old(work);
}

void block_has_more(Work& work, const BlockHasMore& in) {
  confirm(work, in.transactions, in.height);
}

void block_disconnected(Work& work, const BlockDisconnected& in) {
  auto gone = [&](const std::optional<BlockHeight>& height) { return height && *height >= in.height; };
  for (auto& [txid, own] : work.state.transactions)
    if (gone(own.confirmed_at)) {
      own.confirmed_at.reset();
      work.save(txid, own);
      work.effects.push_back(Broadcast{own.transaction});
    }
  std::vector<Outpoint> vanished;
  for (auto& [outpoint, coin] : work.state.coins) {
    if (!gone(coin.confirmed_at) && !gone(coin.spent_at)) continue;
    if (gone(coin.confirmed_at)) coin.confirmed_at.reset();
    if (gone(coin.spent_at)) {
      coin.spent_at.reset();
      if (!work.state.transactions.contains(*coin.spent_by)) coin.spent_by.reset();
    }
    // A block reward exists only in its block.
    if (coin.coinbase && !coin.confirmed_at)
      vanished.push_back(outpoint);
    else
      work.save(coin);
  }
  for (const auto& outpoint : vanished) work.erase(outpoint);
  bring_back_lost(work);
}

void refuse_lost(Work& work) {
  for (const auto& [txid, own] : work.state.transactions) {
    if (own.state != TxState::Lost) continue;
    for (const auto& input : own.transaction.inputs) {
      auto coin = work.state.coins.find(input.previous_output);
      // A coin that is not there went with the transaction that made it, which a reorganisation may bring back.
      if (coin == work.state.coins.end() || !coin->second.spent_at || coin->second.spent_by == txid) continue;
      if (work.state.tip.value() + 1 < coin->second.spent_at->value() + kLostAfterBlocks) continue;
      work.effects.push_back(FundingRefused{txid, bitcoin::txid_to_string(*coin->second.spent_by) +
                                                      " spent its coins in block " +
                                                      std::to_string(coin->second.spent_at->value())});
      break;
    }
  }
}

std::vector<Wallet::Inside::Asked> take_waiting(Work& work, const Txid& txid) {
  std::vector<Wallet::Inside::Asked> out;
  auto [first, last] = work.state.waiting.equal_range(txid);
  for (auto it = first; it != last; ++it) out.push_back(it->second);
  work.state.waiting.erase(first, last);
  return out;
}

void drop(Work& work, const Txid& txid) {
  std::vector<Txid> dead{txid};
  while (!dead.empty()) {
    auto id = dead.back();
    dead.pop_back();
    auto own = work.state.transactions.find(id);
    if (own == work.state.transactions.end()) continue;
    auto transaction = std::move(own->second.transaction);
    work.erase(id);
    for (const auto& input : transaction.inputs) {
      auto coin = work.state.coins.find(input.previous_output);
      if (coin == work.state.coins.end() || coin->second.spent_by != id) continue;
      coin->second.spent_by.reset();
      coin->second.spent_at.reset();
      work.save(coin->second);
    }
    for (std::uint32_t index = 0; index < transaction.outputs.size(); ++index) {
      auto coin = work.state.coins.find(Outpoint{id, index});
      if (coin == work.state.coins.end()) continue;
      if (coin->second.spent_by) dead.push_back(*coin->second.spent_by);
      work.erase(Outpoint{id, index});
    }
    for (const auto& asked : take_waiting(work, id))
      work.effects.push_back(
          Reply{asked.request, CommandError{CommandErrorCode::Refused,
                                            "the transaction cannot confirm: another transaction has spent its coins",
                                            {{"txid", bitcoin::txid_to_string(id)}}}});
    // Nothing was spent: a repeated command with the same key makes a new transaction.
    if (auto key = work.state.sent_by_txid.find(id); key != work.state.sent_by_txid.end())
      work.erase(Hash32(key->second));
    work.effects.push_back(Notify{Severity::Warning, "transaction_dropped", {{"txid", bitcoin::txid_to_string(id)}}});
  }
}

void mark_sent(Work& work, const Txid& txid) {
  auto& own = work.state.transactions.at(txid);
  if (own.state == TxState::Sent) return;
  own.state = TxState::Sent;
  work.save(txid, own);
  find_coins(work, own.transaction, txid, false, std::nullopt);
}

}  // namespace doze::wallet
