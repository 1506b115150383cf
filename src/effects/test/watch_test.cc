// What rooms hear of a block: what touches what they watch, and nothing else.
#include <gtest/gtest.h>

#include <random>

#include "bitcoin/script.h"
#include "crypto/crypto.h"
#include "effects/driver_order.h"

namespace doze {
namespace {

Txid id_of(std::uint64_t number) {
  return convert<Txid>(crypto::sha256(Writer().u64(number).take()));
}
Bytes script_of(std::uint64_t number) {
  return bitcoin::p2wsh_script(Writer().u64(number).take());
}
Watch outputs(WatchOwner owner, std::vector<Outpoint> outpoints) {
  Watch out{owner, {}};
  for (const auto& outpoint : outpoints) out.what.outputs.push_back({outpoint, {}});
  return out;
}
Watch scripts(WatchOwner owner, std::vector<Bytes> scripts) {
  return {owner, {.outputs = {}, .scripts = std::move(scripts), .fundings = {}}};
}
Unwatch no_longer(const Watch& watch) {
  return {watch.owner, watch.what};
}
bitcoin::Transaction spending(const std::vector<Outpoint>& spent, const std::vector<Bytes>& paid) {
  bitcoin::Transaction out;
  for (const auto& outpoint : spent) out.inputs.push_back({.previous_output = outpoint});
  for (const auto& script : paid) out.outputs.push_back({Sat(1'000), script});
  return out;
}
/// The outputs of what nobody watches.
Outpoint elsewhere(std::uint32_t number) {
  return {id_of(1'000'000 + number), 0};
}
FoundBlock block_of(std::vector<bitcoin::Transaction> transactions) {
  auto block = std::make_shared<bitcoin::Block>();
  block->transactions = std::move(transactions);
  return found_block(BlockHeight(700), std::move(block));
}
std::vector<std::uint32_t> positions(const std::vector<BlockTransaction>& transactions) {
  std::vector<std::uint32_t> out;
  for (const auto& transaction : transactions) out.push_back(transaction.position);
  return out;
}
std::vector<std::uint32_t> found(const FoundBlock& block, const WatchSet& watched) {
  return positions(BlockScan(block).find(watched));
}
using Positions = std::vector<std::uint32_t>;

TEST(Watching, a_transaction_is_heard_of_that_pays_a_script_makes_an_output_or_spends_one) {
  auto funding = spending({elsewhere(1)}, {script_of(1), script_of(2)});
  auto block =
      block_of({spending({elsewhere(2)}, {script_of(3)}), spending({elsewhere(3)}, {script_of(4), script_of(5)}),
                funding, spending({elsewhere(4), elsewhere(5)}, {script_of(6)})});
  WatchSet watched;
  EXPECT_EQ(found(block, watched), Positions{});
  watched.apply(scripts(WatchOwner::Wallet, {script_of(5)}));
  EXPECT_EQ(found(block, watched), Positions{1});
  watched.apply(outputs(WatchOwner::Channel, {{bitcoin::txid(funding), 1}}));
  EXPECT_EQ(found(block, watched), (Positions{1, 2}));
  watched.apply(outputs(WatchOwner::Channel, {elsewhere(5)}));
  EXPECT_EQ(found(block, watched), (Positions{1, 2, 3}));
  BlockScan scan(block);
  auto all = scan.find(watched);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].txid, bitcoin::txid(funding));
  EXPECT_EQ(all[1].transaction, funding);
  EXPECT_TRUE(scan.find(watched).empty()) << "each is heard of once";
}

TEST(Watching, an_output_of_another_index_is_not_spent_by_it) {
  WatchSet watched;
  watched.apply(outputs(WatchOwner::Channel, {{id_of(1), 1}}));
  EXPECT_EQ(found(block_of({spending({{id_of(1), 0}}, {}), spending({{id_of(1), 2}}, {})}), watched), Positions{});
  EXPECT_EQ(found(block_of({spending({{id_of(1), 1}}, {})}), watched), Positions{0});
}

/// A commitment, its HTLC transaction, and what spends that, all in one block.
TEST(Watching, what_spends_a_transaction_that_was_found_is_found_with_it_down_to_the_last_in_the_block) {
  auto commitment = spending({{id_of(1), 0}}, {script_of(1), script_of(2)});
  auto htlc = spending({{bitcoin::txid(commitment), 1}}, {script_of(3)});
  auto sweep = spending({{bitcoin::txid(htlc), 0}, elsewhere(1)}, {script_of(4)});
  auto block = block_of({spending({elsewhere(2)}, {}), commitment, spending({elsewhere(3)}, {}), htlc,
                         spending({elsewhere(4)}, {}), sweep});
  WatchSet watched;
  watched.apply(outputs(WatchOwner::Channel, {{id_of(1), 0}}));
  EXPECT_EQ(found(block, watched), (Positions{1, 3, 5}));
}

TEST(Watching, a_funding_is_found_by_the_script_that_its_spend_shows) {
  Bytes funding(kFundingScriptBytes, 0x21), other(kFundingScriptBytes, 0x22), longer(kFundingScriptBytes + 1, 0x21);
  auto spend = [](const Bytes& witness_script) {
    auto out = spending({elsewhere(1)}, {});
    out.inputs[0].witness = {{}, {}, {}, witness_script};
    return out;
  };
  auto block = block_of({spend(other), spend(funding), spend(longer), spending({elsewhere(2)}, {})});
  Watch watch{WatchOwner::Gossip, {.outputs = {}, .scripts = {}, .fundings = {crypto::sha256(funding)}}};
  WatchSet watched;
  EXPECT_EQ(found(block, watched), Positions{});
  watched.apply(watch);
  watched.apply(watch);  // two channels with the same keys
  EXPECT_EQ(found(block, watched), Positions{1});
  watched.apply(no_longer(watch));
  EXPECT_EQ(found(block, watched), Positions{1});
  watched.apply(no_longer(watch));
  EXPECT_EQ(found(block, watched), Positions{});
}

TEST(Watching, what_two_rooms_watch_is_watched_until_both_let_go) {
  auto script = script_of(1);
  Outpoint output{id_of(1), 0};
  auto block = block_of({spending({output}, {script})});
  for (auto first : {WatchOwner::Channel, WatchOwner::Wallet}) {
    auto second = first == WatchOwner::Channel ? WatchOwner::Wallet : WatchOwner::Channel;
    for (bool by_script : {false, true}) {
      auto watch = [&](WatchOwner owner) { return by_script ? scripts(owner, {script}) : outputs(owner, {output}); };
      WatchSet watched;
      watched.apply(watch(first));
      watched.apply(watch(second));
      watched.apply(watch(second));
      EXPECT_EQ(watched.size(), 1U);
      watched.apply(no_longer(watch(second)));
      EXPECT_EQ(found(block, watched), Positions{0});
      watched.apply(no_longer(watch(second)));  // again: it is not the other room's
      EXPECT_EQ(found(block, watched), Positions{0});
      watched.apply(no_longer(watch(first)));
      EXPECT_EQ(found(block, watched), Positions{});
      EXPECT_EQ(watched.size(), 0U);
    }
  }
}

/// The filter in front of the sets never says "no" of what is watched, however much came and went.
TEST(Watching, many_things_come_and_go_and_each_that_is_there_is_found) {
  WatchSet watched;
  std::set<std::uint64_t> there;
  std::mt19937_64 chance(5);
  for (int i = 0; i < 20'000; ++i) {
    auto number = chance() % 3'000;
    if (there.insert(number).second) {
      watched.apply(outputs(WatchOwner::Wallet, {{id_of(number), 3}}));
      watched.apply(scripts(WatchOwner::Wallet, {script_of(number)}));
    } else if (chance() % 2 == 0) {
      there.erase(number);
      watched.apply(no_longer(outputs(WatchOwner::Wallet, {{id_of(number), 3}})));
      watched.apply(no_longer(scripts(WatchOwner::Wallet, {script_of(number)})));
    }
    number = chance() % 3'000;
    ASSERT_EQ(watched.has_output({id_of(number), 3}), there.contains(number));
    ASSERT_EQ(watched.has_output_of(id_of(number)), there.contains(number));
    ASSERT_EQ(watched.has_script(script_of(number)), there.contains(number));
  }
  EXPECT_EQ(watched.size(), 2 * there.size());
}

TEST(Watching, scripts_of_any_length_are_told_apart) {
  WatchSet watched;
  std::vector<Bytes> all;
  for (std::size_t length = 0; length < 40; ++length) all.emplace_back(length, 7);
  for (std::size_t i = 0; i < all.size(); i += 2) watched.apply(scripts(WatchOwner::Wallet, {all[i]}));
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(watched.has_script(all[i]), i % 2 == 0) << i;
}

TEST(Watching, a_transaction_comes_again_if_it_pays_a_script_that_is_watched_only_since) {
  auto block = block_of({spending({elsewhere(1)}, {script_of(1), script_of(2), script_of(3)})});
  WatchSet watched;
  BlockScan scan(block);
  EXPECT_TRUE(scan.find(watched).empty());
  watched.apply(scripts(WatchOwner::Wallet, {script_of(1)}));
  EXPECT_EQ(positions(scan.find(watched)), Positions{0});
  watched.apply(scripts(WatchOwner::Wallet, {script_of(4)}));
  EXPECT_TRUE(scan.find(watched).empty());
  watched.apply(scripts(WatchOwner::Wallet, {script_of(3)}));
  EXPECT_EQ(positions(scan.find(watched)), Positions{0});
  EXPECT_TRUE(scan.find(watched).empty());
}

/// A step that watches more hears of the rest of its block, in pieces, until there is nothing new.
TEST(Watching, what_a_step_begins_to_watch_it_hears_of_in_the_same_block) {
  // Each pays the script that the hearer learns of from the next one; the spend of an early one comes last.
  std::vector<bitcoin::Transaction> transactions;
  for (std::uint64_t i = 0; i < 4; ++i) transactions.push_back(spending({elsewhere(i)}, {script_of(i)}));
  transactions.push_back(spending({{bitcoin::txid(transactions[0]), 0}}, {}));
  transactions.push_back(spending({elsewhere(9)}, {script_of(9)}));
  auto block = block_of(transactions);
  WatchSet watched;
  watched.apply(scripts(WatchOwner::Wallet, {script_of(3)}));
  std::vector<Positions> heard;
  hand_over(block, watched, [&]<class In>(const In& in) {
    if constexpr (std::is_same_v<In, BlockConnected>) {
      EXPECT_TRUE(heard.empty());
      EXPECT_EQ(in.hash, block.hash);
    }
    if constexpr (std::is_same_v<In, BlockConnected> || std::is_same_v<In, BlockHasMore>) {
      EXPECT_EQ(in.height, BlockHeight(700));
      heard.push_back(positions(in.transactions));
      for (const auto& one : in.transactions)
        if (one.position >= 1 && one.position <= 3)
          watched.apply(scripts(WatchOwner::Wallet, {script_of(one.position - 1)}));
    }
  });
  EXPECT_EQ(heard, (std::vector<Positions>{{3}, {2}, {1}, {0, 4}}));
}

TEST(Watching, a_block_that_touches_nothing_is_one_input) {
  WatchSet watched;
  std::size_t inputs = 0;
  hand_over(block_of({spending({elsewhere(1)}, {script_of(1)})}), watched, [&](const Input& input) {
    ++inputs;
    EXPECT_TRUE(std::get<BlockConnected>(input).transactions.empty());
    watched.apply(scripts(WatchOwner::Wallet, {script_of(2)}));  // of no transaction in it
  });
  EXPECT_EQ(inputs, 1U);
}

}  // namespace
}  // namespace doze
