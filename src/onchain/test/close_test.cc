#include <gtest/gtest.h>

#include "closed.h"

namespace doze::onchain {
namespace {

using namespace testing;

std::vector<std::uint64_t> failed(const std::vector<Outcome>& outcomes) {
  std::vector<std::uint64_t> out;
  for (const auto& outcome : outcomes)
    if (!outcome.preimage) out.push_back(outcome.id);
  return out;
}

// [B5-theirs-02, B5-ours-03]
TEST(Outcomes, a_preimage_in_the_peers_spend_fulfils_at_once_whichever_commitment_it_is) {
  for (auto whose :
       {WhoseCommitment::Ours, WhoseCommitment::Theirs, WhoseCommitment::TheirsNext, WhoseCommitment::Revoked}) {
    Closed channel(whose);
    auto htlc = channel.add_htlc(true, 7, 1);
    EXPECT_TRUE(channel.see(spend({htlc}, kPeerScript, with(preimage(1))), 101));
    auto outcomes = channel.outcomes(101);
    ASSERT_EQ(outcomes.size(), 1U) << commitment::name(whose);
    EXPECT_EQ(outcomes[0].id, 7U);
    EXPECT_EQ(outcomes[0].preimage, preimage(1));
    EXPECT_TRUE(channel.outcomes(300).empty()) << "said once";
  }
}

// [B5-ours-04, B5-theirs-03]
TEST(Outcomes, our_timeout_is_believed_six_blocks_deep) {
  for (auto whose : {WhoseCommitment::Ours, WhoseCommitment::Theirs}) {
    Closed channel(whose);
    auto htlc = channel.add_htlc(true, 7, 1);
    channel.see(whose == WhoseCommitment::Ours ? second_stage(channel, {htlc}) : spend({htlc}, kOurScript), 151);
    EXPECT_TRUE(channel.outcomes(155).empty());
    EXPECT_EQ(failed(channel.outcomes(156)), std::vector<std::uint64_t>{7});
  }
}

TEST(Outcomes, a_spend_of_the_peers_without_a_preimage_says_nothing_about_an_htlc) {
  Closed channel(WhoseCommitment::Theirs);
  auto htlc = channel.add_htlc(true, 7, 1);
  channel.see(spend({htlc}, kPeerScript, with(preimage(2))), 101);
  EXPECT_TRUE(channel.outcomes(1'000).empty());
}

TEST(Outcomes, an_htlc_without_an_output_fails_at_once_if_no_commitment_has_one_and_six_deep_otherwise) {
  Closed channel(WhoseCommitment::Theirs);
  channel.close.open[1] = Open{hash160(1), std::nullopt, false};
  channel.close.open[2] = Open{hash160(2), std::nullopt, true};
  EXPECT_EQ(failed(channel.outcomes(100)), std::vector<std::uint64_t>{1});
  EXPECT_TRUE(channel.outcomes(104).empty());
  EXPECT_EQ(failed(channel.outcomes(105)), std::vector<std::uint64_t>{2});
}

TEST(Outcomes, an_htlc_that_the_confirmed_commitment_lacks_is_fulfilled_by_any_preimage_that_is_known) {
  for (bool elsewhere : {false, true}) {
    Closed channel(WhoseCommitment::TheirsNext);
    channel.close.open[1] = Open{hash160(1), std::nullopt, elsewhere};
    learn(channel.close, preimage(1));
    auto outcomes = channel.outcomes(100);
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_TRUE(outcomes[0].preimage.has_value());
  }
}

TEST(Outcomes, after_a_revoked_commitment_htlcs_fail_six_deep_unless_a_preimage_was_seen) {
  Closed channel(WhoseCommitment::Revoked);
  channel.add_htlc(true, 1, 1);
  auto taken = channel.add_htlc(true, 2, 2);
  channel.see(second_stage(channel, {taken}, with(preimage(2))), 100);
  auto first = channel.outcomes(100);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].preimage, preimage(2));
  EXPECT_EQ(failed(channel.outcomes(105)), std::vector<std::uint64_t>{1});
}

TEST(Outcomes, of_two_htlcs_with_one_hash_each_has_its_own) {
  Closed channel(WhoseCommitment::Theirs);
  auto first = channel.add_htlc(true, 1, 1);
  channel.add_htlc(true, 2, 1);
  channel.see(spend({first}, kOurScript), 151);
  EXPECT_EQ(failed(channel.outcomes(160)), std::vector<std::uint64_t>{1});
}

TEST(Reorganised, spends_go_with_their_block_and_a_preimage_stays_known) {
  Closed channel(WhoseCommitment::Theirs);
  auto htlc = channel.add_htlc(true, 7, 1), balance = Outpoint{channel.close.txid, 0};
  channel.see(spend({balance, htlc}, kOurScript), 151);
  EXPECT_TRUE(undo(channel.close, BlockHeight(151)));
  EXPECT_FALSE(channel.close.outputs.at(balance).spend.has_value());
  EXPECT_EQ(channel.close.height, kClosed);
  channel.see(spend({htlc}, kPeerScript, with(preimage(1))), 151);
  undo(channel.close, BlockHeight(100));
  EXPECT_EQ(channel.close.height, BlockHeight(0));
  EXPECT_TRUE(channel.close.preimages.contains(hash160(1)));
  EXPECT_FALSE(undo(channel.close, BlockHeight(100)));
}

TEST(Reorganised, an_output_of_an_htlc_transaction_is_there_once_however_often_its_block_comes) {
  Closed channel(WhoseCommitment::Ours);
  auto htlc = channel.add_htlc(true, 7, 1);
  auto transaction = second_stage(channel, {htlc});
  Outpoint made{bitcoin::txid(transaction), 0};
  channel.see(transaction, 151);
  ASSERT_TRUE(channel.close.outputs.contains(made));
  EXPECT_FALSE(channel.see(transaction, 151));
  undo(channel.close, BlockHeight(151));
  EXPECT_FALSE(channel.close.outputs.contains(made));
  channel.see(transaction, 153);
  EXPECT_EQ(channel.close.outputs.at(made).height, BlockHeight(153));
}

// [B5-pen-02]
TEST(Penalties, every_output_of_the_cheaters_htlc_transactions_is_found_in_a_batch_too) {
  Closed channel(WhoseCommitment::Revoked);
  std::vector<Outpoint> htlcs;
  for (std::uint8_t i = 1; i <= 3; ++i) htlcs.push_back(channel.add_htlc(i != 2, i, i));
  auto transaction = second_stage(channel, htlcs);
  channel.see(transaction, 101);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto& made = channel.close.outputs.at({bitcoin::txid(transaction), i});
    EXPECT_EQ(made.facts.kind, OutputKind::RevokedToLocal);
    EXPECT_EQ(made.facts.output.amount, Sat(9'000));
  }
}

TEST(Received, an_htlc_is_ours_six_blocks_after_our_spend_and_lost_after_somebody_elses) {
  for (bool ours : {false, true}) {
    Closed channel(WhoseCommitment::Theirs);
    auto htlc = channel.add_htlc(false, 3, 1);
    EXPECT_EQ(received_outcome(channel.close, 3, BlockHeight(500)), std::nullopt);
    channel.see(spend({htlc}, ours ? kOurScript : kPeerScript), 110);
    EXPECT_EQ(received_outcome(channel.close, 3, BlockHeight(114)), std::nullopt);
    EXPECT_EQ(received_outcome(channel.close, 3, BlockHeight(115)), std::optional(ours));
    EXPECT_EQ(received_outcome(channel.close, 4, BlockHeight(115)), std::optional(false)) << "has no output";
  }
}

TEST(Resolved, a_channel_is_when_each_output_is_spent_a_hundred_blocks_deep) {
  Closed channel(WhoseCommitment::Theirs);
  auto htlc = channel.add_htlc(true, 7, 1), balance = Outpoint{channel.close.txid, 0};
  channel.see(spend({balance}, kOurScript), 101);
  EXPECT_FALSE(channel.resolved(10'000));
  channel.see(spend({htlc}, kPeerScript, with(preimage(1))), 120);
  EXPECT_FALSE(channel.resolved(10'000)) << "its outcome was not told";
  EXPECT_EQ(channel.outcomes(120).size(), 1U);
  EXPECT_FALSE(channel.resolved(218));
  EXPECT_TRUE(channel.resolved(219));
}

TEST(Resolved, an_htlc_that_was_never_ours_does_not_keep_a_channel_for_ever) {
  Closed channel(WhoseCommitment::Theirs);
  channel.add_htlc(false, 3, 1);
  channel.see(spend({{channel.close.txid, 0}}, kOurScript), 101);
  EXPECT_FALSE(channel.resolved(249));
  EXPECT_TRUE(channel.resolved(250));
  learn(channel.close, preimage(1));
  EXPECT_FALSE(channel.resolved(250));
}

TEST(Sums, no_satoshi_is_in_two_of_them_or_in_none) {
  Closed channel(WhoseCommitment::Ours);
  auto offered = channel.add_htlc(true, 1, 1, Sat(10'000)), paid = channel.add_htlc(true, 2, 2, Sat(20'000));
  auto received = channel.add_htlc(false, 1, 3, Sat(30'000));
  auto is = [&](std::uint64_t pending, std::uint64_t at_risk, std::uint64_t claimed, std::uint64_t lost) {
    auto now = sums(channel.close);
    EXPECT_EQ(now.pending, Sat(pending));
    EXPECT_EQ(now.at_risk, Sat(at_risk));
    EXPECT_EQ(now.claimed, Sat(claimed));
    EXPECT_EQ(now.lost, Sat(lost));
  };
  is(50'000, 30'000, 0, 0);
  learn(channel.close, preimage(3));
  is(50'000, 60'000, 0, 0);
  channel.see(spend({paid}, kPeerScript, with(preimage(2))), 101);
  is(50'000, 40'000, 0, 0);
  auto timeout = second_stage(channel, {offered});
  channel.see(timeout, 151);
  is(59'000, 30'000, 0, 0);
  channel.see(spend({received}, kPeerScript), 152);
  is(59'000, 0, 0, 30'000);
  channel.see(spend({{bitcoin::txid(timeout), 0}}, kOurScript), 300);
  is(50'000, 0, 9'000, 30'000);
}

}  // namespace
}  // namespace doze::onchain
