// Other ways a payment can go, and the promises that hold in each.
#include <gtest/gtest.h>

#include "base/version.h"
#include "sim/fault_run.h"
#include "sim/test/scenario.h"

namespace doze::sim {
namespace {

TEST_F(Scenario, recipient_that_is_online_is_paid_at_once) {
  prepare();
  auto paid = pay();
  ASSERT_EQ(error_of(paid), "");
  EXPECT_TRUE(becomes(text_of(paid, "payment_id"), "settled"));
  world().run_for(1'000);
  EXPECT_EQ(received(), kAmount);
}

TEST_F(Scenario, getinfo_names_the_version_and_since_when_the_chain_is_as_it_is) {
  prepare();
  auto info = [&] { return world().ask(network.l, command::GetInfo{}); };
  auto chain = [](const auto& reply) {
    return std::variant<Value, CommandError>(*std::get<Value>(reply).find("chain"));
  };
  auto before = info();
  EXPECT_EQ(text_of(before, "version"), kVersion);
  EXPECT_EQ(text_of(before, "network"), "regtest");
  EXPECT_EQ(text_of(before, "role"), "server");
  world().run_for(60'000);
  world().mine(3);
  world().run_for(60'000);
  auto after = info();
  EXPECT_EQ(number_of(after, "block_height"), number_of(before, "block_height") + 3);
  EXPECT_FALSE(text_of(chain(after), "since").empty());
  EXPECT_EQ(text_of(chain(after), "since"), text_of(chain(before), "since")) << "a block is no change";
}

// [AP-hold-02]
TEST_F(Scenario, payer_that_stays_online_sends_the_htlc_when_the_recipient_wakes) {
  prepare();
  world().stop(network.r);
  auto paid = pay(false);
  ASSERT_EQ(error_of(paid), "");
  auto id = text_of(paid, "payment_id");
  world().run_for(5'000);
  EXPECT_EQ(channel_balance(world().node(network.s)), s_before);  // nothing has left
  world().start(network.r);
  EXPECT_TRUE(becomes(id, "settled"));
  world().run_for(1'000);
  EXPECT_EQ(received(), kAmount);
}

TEST_F(Scenario, never_released_hold_comes_back_off_chain_with_the_channels_open) {
  AsyncSettings settings;
  settings.hold_window_blocks = 20;
  prepare(settings);
  world().stop(network.r);
  auto paid = pay();
  ASSERT_EQ(error_of(paid), "");
  auto id = text_of(paid, "payment_id");
  auto fail_back = number_of(paid, "fail_back_height");
  for (int blocks = 0; blocks < 200 && state(id) == "notified"; ++blocks) {
    world().mine(1);
    world().run_for(500);
  }
  EXPECT_EQ(state(id), "expired");
  EXPECT_LE(world().chain.height().value(), fail_back + 1);
  EXPECT_EQ(spent(), 0U);
  world().start(network.r);
  world().run_for(5'000);
  EXPECT_TRUE(all_open());
}

TEST_F(Scenario, revoked_invitation_is_a_clear_error_at_once_and_no_htlc_leaves) {
  prepare();
  world().stop(network.r);
  auto list = world().ask(network.m, command::ListInvitations{});
  const auto& rows = std::get<List>(std::get<Value>(list).find("invitations")->inner());
  ASSERT_EQ(rows.size(), 1U);
  auto id = std::get<std::string>(rows[0].find("id")->inner());
  ASSERT_EQ(error_of(world().ask(network.m, command::RevokeInvitation{id})), "");
  auto before = world().now();
  auto paid = pay();
  EXPECT_NE(error_of(paid).find("no longer served"), std::string::npos) << error_of(paid);
  EXPECT_LT(world().now().value() - before.value(), 5'000U);
  EXPECT_EQ(spent(), 0U);
}

TEST_F(Scenario, payment_whose_htlc_has_left_cannot_be_cancelled_and_says_when_it_ends) {
  prepare();
  world().stop(network.r);
  auto paid = pay();
  ASSERT_EQ(error_of(paid), "");
  auto id = *PaymentId::from(hex(text_of(paid, "payment_id")));
  auto cancelled = world().ask(network.s, command::CancelPayment{id});
  EXPECT_NE(error_of(cancelled).find(std::to_string(number_of(paid, "fail_back_height"))), std::string::npos)
      << error_of(cancelled);
}

TEST_F(Scenario, two_held_payments_at_once_both_arrive) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    AsyncSettings settings;
    settings.profile = profile;
    prepare(settings);
    world().stop(network.r);
    auto first = pay(), second = pay();
    ASSERT_EQ(error_of(first), "");
    ASSERT_EQ(error_of(second), "");
    world().start(network.r);
    EXPECT_TRUE(becomes(text_of(first, "payment_id"), "settled"));
    EXPECT_TRUE(becomes(text_of(second, "payment_id"), "settled"));
    world().run_for(1'000);
    EXPECT_EQ(received(), 2 * kAmount);
  }
}

TEST_F(Scenario, draft_payer_with_two_holds_at_once_sends_the_second_in_the_next_round) {
  AsyncSettings settings;
  settings.profile = Profile::Draft;
  prepare(settings);
  world().stop(network.r);
  command::Pay wanted;
  wanted.offer = offer;
  auto first = world().post(network.s, wanted), second = world().post(network.s, wanted);
  const auto& replies = world().node(network.s).replies;
  ASSERT_TRUE(world().run_until([&] { return replies.contains(first) && replies.contains(second); }, 60'000));
  ASSERT_EQ(error_of(replies.at(first)), "");
  ASSERT_EQ(error_of(replies.at(second)), "");
  world().start(network.r);
  EXPECT_TRUE(becomes(text_of(replies.at(first), "payment_id"), "settled"));
  EXPECT_TRUE(becomes(text_of(replies.at(second), "payment_id"), "settled"));
  world().run_for(1'000);
  EXPECT_EQ(received(), 2 * kAmount);
}

// [B12-inv-04, AP-hold-01]
TEST_F(Scenario, ordinary_offer_of_an_online_recipient_is_paid_with_a_proof) {
  prepare();
  command::CreateOffer wanted;
  wanted.amount = Msat(kAmount);
  wanted.description = "tea";
  auto made = world().ask(network.r, wanted);
  ASSERT_EQ(error_of(made), "");
  offer = text_of(made, "offer");
  auto paid = pay();
  ASSERT_EQ(error_of(paid), "");
  EXPECT_EQ(text_of(paid, "state"), "settled");
  EXPECT_EQ(text_of(paid, "payment_preimage").size(), 64U);
  world().run_for(1'000);
  EXPECT_EQ(received(), kAmount);
}

TEST_F(Scenario, operator_fails_a_hold_and_the_payer_has_its_money_again) {
  prepare();
  world().stop(network.r);
  auto paid = pay();
  ASSERT_EQ(error_of(paid), "");
  auto holds = world().ask(network.l, command::ListHolds{});
  const auto& rows = std::get<List>(std::get<Value>(holds).find("holds")->inner());
  ASSERT_EQ(rows.size(), 1U);
  auto channel = *ChannelId::from(hex(std::get<std::string>(rows[0].find("channel_id")->inner())));
  auto htlc = std::get<std::uint64_t>(rows[0].find("htlc_id")->inner());
  ASSERT_EQ(error_of(world().ask(network.l, command::FailHold{channel, htlc})), "");
  EXPECT_TRUE(becomes(text_of(paid, "payment_id"), "failed"));
  EXPECT_EQ(spent(), 0U);
}

// [B2-clos-01, B2-clos-05]
TEST_F(Scenario, mutual_close_pays_both_sides_on_chain) {
  prepare();
  auto id = world().node(network.s).core->channels().begin()->first;
  auto closed = world().ask(network.s, command::CloseChannel{id, false, std::nullopt});
  ASSERT_EQ(error_of(closed), "");
  EXPECT_EQ(world().chain.mempool_size(), 1U);
  world().mine(1);
  EXPECT_EQ(world().node(network.s).core->channels().at(id).phase, ChannelPhase::Closed);
  EXPECT_EQ(world().node(network.l).core->channels().at(id).phase, ChannelPhase::Closed);
  EXPECT_EQ(world().chain.refused(), std::vector<std::string>{});
}

// [B2-rev-04, B5-fail-04]
TEST_F(Scenario, forced_close_publishes_a_commitment_that_the_verifier_accepts) {
  prepare();
  auto id = world().node(network.s).core->channels().begin()->first;
  auto closed = world().ask(network.s, command::CloseChannel{id, true, std::nullopt, true});
  ASSERT_EQ(error_of(closed), "");
  EXPECT_EQ(world().chain.mempool_size(), 1U);
  world().mine(1);
  EXPECT_EQ(world().node(network.l).core->channels().at(id).status, "the peer's commitment is on chain");
  EXPECT_EQ(world().chain.refused(), std::vector<std::string>{});
}

TEST(FaultRun, same_seed_gives_the_same_trace) {
  auto a = fault_run(3), b = fault_run(3), c = fault_run(4);
  EXPECT_EQ(a.trace_hash, b.trace_hash);
  EXPECT_NE(a.trace_hash, c.trace_hash);
}

}  // namespace
}  // namespace doze::sim
