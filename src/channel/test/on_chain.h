// Two channel rooms whose channel goes on chain, and a chain that takes only what a miner would take: scripts,
// signatures, amounts, locks. What both claim is counted.
#pragma once

#include "channel/closed.h"
#include "channel/unilateral.h"
#include "pair.h"

namespace doze::channel::testing {

inline constexpr UnixTime kTime{1'700'000'000};

/// Unspent outputs of the funding and of everything after it.
class Coins {
 public:
  struct Coin {
    bitcoin::TxOut output;
    BlockHeight height;
  };
  void add(const bitcoin::Transaction& transaction, BlockHeight height) {
    auto id = bitcoin::txid(transaction);
    for (const auto& input : transaction.inputs) coins_.erase(input.previous_output);
    for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) coins_[{id, i}] = {transaction.outputs[i], height};
  }
  /// Whether a block of this height may have it. Its inputs must be there.
  [[nodiscard]] bool takes(const bitcoin::Transaction& transaction, BlockHeight height) const {
    std::vector<bitcoin::TxOut> spent;
    std::vector<bitcoin::SpentAt> at;
    for (const auto& input : transaction.inputs) {
      auto coin = coins_.find(input.previous_output);
      if (coin == coins_.end()) return false;
      spent.push_back(coin->second.output);
      at.push_back({coin->second.height, kTime});
    }
    auto verified = bitcoin::verify_transaction(transaction, spent);
    EXPECT_TRUE(verified.has_value()) << "a transaction that no node takes";
    return verified && bitcoin::is_final(transaction, height, kTime) &&
           bitcoin::relative_locks_passed(transaction, at, height, kTime);
  }
  [[nodiscard]] bool has_inputs_of(const bitcoin::Transaction& transaction) const {
    return std::ranges::all_of(transaction.inputs,
                               [&](const auto& input) { return coins_.contains(input.previous_output); });
  }
  [[nodiscard]] bool contains(const Outpoint& outpoint) const { return coins_.contains(outpoint); }
  [[nodiscard]] Sat sum(const std::set<Bytes>& scripts) const {
    Sat out;
    for (const auto& [outpoint, coin] : coins_)
      if (scripts.contains(coin.output.script_pubkey)) out += coin.output.amount;
    return out;
  }

 private:
  std::map<Outpoint, Coin> coins_;
};

inline std::set<Bytes> wallet_scripts(const FakeNode& node) {
  std::set<Bytes> out;
  for (std::uint32_t i = 0; i < kClosingScriptsAhead; ++i)
    out.insert(bitcoin::p2wpkh_script(node.signer->wallet_key(false, kChannelScriptIndexBase + i)));
  return out;
}

inline constexpr Sat kCoin{20'000};  // each of ten

struct OnChainPair : Pair {
  Coins coins;
  FakeNode* first = nullptr;  // whose transactions a miner prefers; nullptr: those of A

  explicit OnChainPair(bool anchors) { a.config.anchors = b.config.anchors = anchors; }
  void open_channel() {
    open();
    coins.add(funding, tip);
    for (auto* node : {&a, &b})
      for (std::uint32_t i = 0; i < 10; ++i) {
        bitcoin::Transaction gift;
        gift.outputs.push_back({kCoin, bitcoin::p2wpkh_script(node->signer->wallet_key(false, i))});
        gift.locktime = i;
        coins.add(gift, tip);
        node->wallet.push_back({{bitcoin::txid(gift), 0}, gift.outputs[0], false, i});
      }
  }
  /// A block with whatever of these, and of what both have broadcast since the last one, is valid and fits together.
  void next_block(std::vector<bitcoin::Transaction> transactions = {}) {
    BlockHeight height(tip.value() + 1);
    for (auto* node : first == &b ? std::array{&b, &a} : std::array{&a, &b})
      for (const auto& word : node->all<Broadcast>())
        if (coins.has_inputs_of(word.transaction)) transactions.push_back(word.transaction);
    std::vector<bitcoin::Transaction> mined;
    for (auto& transaction : transactions) {
      if (!coins.has_inputs_of(transaction) || !coins.takes(transaction, height)) continue;
      coins.add(transaction, height);
      mined.push_back(transaction);
    }
    a.said.clear();
    b.said.clear();
    mine(mined);
  }
  void blocks(std::uint32_t count) {
    for (; count > 0; --count) next_block();
  }
  void until(std::uint32_t height) {
    while (tip.value() < height) next_block();
  }
  [[nodiscard]] Sat claimed_by(const FakeNode& node) const { return coins.sum(wallet_scripts(node)); }
  [[nodiscard]] Sat spent_coins(const FakeNode& node) const {
    Sat out;
    for (const auto& coin : node.wallet)
      if (!coins.contains(coin.outpoint)) out += coin.output.amount;
    return out;
  }
  [[nodiscard]] bool is_closed(const FakeNode& node) const {
    const auto& view = node.channels.begin()->second;
    return view.phase == ChannelPhase::Closed;
  }
  void restart_both() {
    a.restart();
    b.restart();
    for (auto* node : {&a, &b}) node->step(ChainStatus{true, true, "", ""});
  }
};

}  // namespace doze::channel::testing
