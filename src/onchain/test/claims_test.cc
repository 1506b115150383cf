#include "onchain/claims.h"

#include <gtest/gtest.h>

#include "bitcoin/script.h"
#include "closed.h"

namespace doze::onchain {
namespace {

using namespace testing;

const FeeTable kFees{.in_2 = FeeratePerKw(4'000),
                     .in_6 = FeeratePerKw(3'000),
                     .in_12 = FeeratePerKw(2'000),
                     .in_36 = FeeratePerKw(1'000),
                     .in_144 = FeeratePerKw(500),
                     .minimum = FeeratePerKw(253),
                     .incremental = FeeratePerKw(250)};

struct Claims : Closed {
  using Closed::Closed;
  std::map<std::uint64_t, BlockHeight> forwarded;
  std::function<std::optional<BlockHeight>(std::uint64_t)> fail_back_by = [this](std::uint64_t id) {
    auto it = forwarded.find(id);
    return it == forwarded.end() ? std::nullopt : std::optional(it->second);
  };
  [[nodiscard]] Now at(std::uint32_t tip) const { return {BlockHeight(tip), kFees, fail_back_by}; }
  [[nodiscard]] std::vector<Outpoint> due_at(std::uint32_t tip) const {
    std::vector<Outpoint> out;
    for (const auto& one : due(close, at(tip))) out.push_back(one.claim.output.outpoint);
    return out;
  }
  Made made(const Outpoint& outpoint, std::uint32_t tip) {
    for (const auto& one : due(close, at(tip))) {
      if (one.claim.output.outpoint != outpoint) continue;
      auto out = make(close, one, at(tip), *signer(1));
      if (out) return *std::move(out);
      ADD_FAILURE() << commitment::name(out.error().code);
    }
    return {};
  }
  [[nodiscard]] Sat fee(const Outpoint& outpoint) const { return close.sent.at(outpoint).fee; }
};

// [B5-ours-01, B5-ours-02]
TEST(Due, our_balance_of_our_commitment_is_when_its_delay_is_over_for_the_next_block) {
  Claims channel(WhoseCommitment::Ours);
  channel.close.outputs.at(channel.balance()).facts.csv_delay = 144;
  EXPECT_TRUE(channel.due_at(242).empty());
  EXPECT_EQ(channel.due_at(243), std::vector{channel.balance()});
}

TEST(Due, an_htlc_that_we_offered_is_when_it_has_expired_and_one_that_we_received_when_its_preimage_is_known) {
  Claims channel(WhoseCommitment::Theirs);
  auto offered = channel.add_htlc(true, 1, 1), received = channel.add_htlc(false, 1, 2);
  EXPECT_EQ(channel.due_at(149), std::vector{channel.balance()});
  EXPECT_EQ(channel.due_at(150), (std::vector{channel.balance(), offered}));
  learn(channel.close, preimage(2));
  EXPECT_EQ(channel.due_at(149), (std::vector{received, channel.balance()})) << "its deadline is first";
}

// [B5-pen-02]
TEST(Due, everything_in_a_revoked_commitment_is_at_once_and_htlcs_before_what_the_peer_must_wait_for) {
  Claims channel(WhoseCommitment::Revoked);
  channel.close.outputs.at(channel.balance()).facts.csv_delay = 144;
  auto offered = channel.add_htlc(true, 1, 1), received = channel.add_htlc(false, 1, 2);
  EXPECT_EQ(channel.due_at(100), (std::vector{offered, received, channel.balance()}));
}

TEST(Due, nothing_is_while_the_commitment_is_in_no_block) {
  Claims channel(WhoseCommitment::Theirs);
  undo(channel.close, kClosed);
  EXPECT_TRUE(channel.due_at(100).empty());
}

TEST(Due, what_somebody_spent_is_not_and_is_again_when_that_block_is_gone) {
  Claims channel(WhoseCommitment::Theirs);
  channel.see(spend({channel.balance()}, kPeerScript), 103);
  EXPECT_TRUE(channel.due_at(103).empty());
  undo(channel.close, BlockHeight(103));
  EXPECT_EQ(channel.due_at(102), std::vector{channel.balance()});
}

TEST(Deadline, of_a_forwarded_htlc_is_the_incoming_ones_and_an_own_payment_has_none) {
  Claims channel(WhoseCommitment::Theirs);
  auto own = channel.add_htlc(true, 1, 1), forwarded = channel.add_htlc(true, 2, 2);
  channel.forwarded[2] = BlockHeight(198);
  auto of = [&](const Outpoint& outpoint) {
    return deadline(channel.close, channel.close.outputs.at(outpoint), channel.at(150));
  };
  EXPECT_EQ(of(own), std::nullopt);
  EXPECT_EQ(of(forwarded), BlockHeight(198));
}

TEST(Make, the_same_transaction_comes_at_each_block_until_its_feerate_rises) {
  Claims channel(WhoseCommitment::Theirs);
  auto first = channel.made(channel.balance(), 100), again = channel.made(channel.balance(), 101);
  EXPECT_TRUE(first.is_new);
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(first.transaction, again.transaction);
  ASSERT_EQ(first.transaction.outputs.size(), 1U);
  EXPECT_EQ(first.transaction.outputs[0].script_pubkey, kOurScript);
  EXPECT_EQ(channel.close.sent.at(channel.balance()).times, 1U);
}

TEST(Make, a_replacement_pays_more_than_what_it_replaces_by_its_own_relay_at_least) {
  Claims channel(WhoseCommitment::Theirs);
  auto htlc = channel.add_htlc(false, 1, 2, Sat(100'000));
  learn(channel.close, preimage(2));
  auto last = channel.made(htlc, 100);
  for (std::uint32_t height = 101; height <= 150; ++height) {
    auto fee = channel.fee(htlc);
    auto next = channel.made(htlc, height);
    if (!next.is_new) continue;
    auto weight = bitcoin::weight(next.transaction);
    EXPECT_GE(channel.fee(htlc).value(), fee.value() + weight / 4) << height;
    EXPECT_GT(channel.fee(htlc).value() * bitcoin::weight(last.transaction), fee.value() * weight) << height;
    last = next;
  }
  EXPECT_GT(channel.close.sent.at(htlc).times, 5U);
}

TEST(Make, never_pays_more_than_the_share_of_the_value_that_its_kind_may_cost) {
  Claims channel(WhoseCommitment::Theirs);
  auto htlc = channel.add_htlc(false, 1, 2, Sat(3'000));
  learn(channel.close, preimage(2));
  for (std::uint32_t height = 100; height <= 160; ++height) {
    channel.made(htlc, height);
    EXPECT_LE(channel.fee(htlc), Sat(height < 144 ? 1'500 : 2'400)) << height;
  }
  EXPECT_GT(channel.fee(htlc), Sat(2'000));
}

TEST(Make, a_fee_from_coins_stays_within_the_share_of_what_it_claims) {
  Claims channel(WhoseCommitment::Ours);
  auto htlc = channel.add_htlc(false, 1, 2, Sat(3'000));
  channel.close.outputs.at(htlc).facts.second_stage = commitment::SecondStage{{Sat(3'000), kOurScript}, {}};
  learn(channel.close, preimage(2));
  for (std::uint32_t height = 100; height < 150; ++height)
    for (const auto& one : due(channel.close, channel.at(height))) {
      if (one.claim.output.outpoint != htlc) continue;
      EXPECT_TRUE(one.coins);
      EXPECT_LE(coins_needed(channel.close, one, channel.at(height)).amount, Sat(height < 144 ? 1'500 : 2'400))
          << height;
    }
}

TEST(Make, a_balance_below_its_fee_is_refused_with_numbers_and_waits_for_lower_fees) {
  Claims channel(WhoseCommitment::Theirs);
  channel.close.outputs.at(channel.balance()).facts.output.amount = Sat(200);
  auto all = due(channel.close, channel.at(100));
  ASSERT_EQ(all.size(), 1U);
  auto refused = make(channel.close, all[0], channel.at(100), *signer(1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, commitment::ClaimRefusal::Code::BelowDust);
  EXPECT_EQ(refused.error().there, 100U) << "half of it";
  EXPECT_TRUE(channel.close.sent.empty());
  channel.close.outputs.at(channel.balance()).facts.output.amount = Sat(600);
  channel.made(channel.balance(), 101);
  EXPECT_LE(channel.fee(channel.balance()), Sat(300));
}

}  // namespace
}  // namespace doze::onchain
