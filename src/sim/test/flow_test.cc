// The main job, through the real cores: payer and recipient both asleep when it matters, and the money arrives.
#include <gtest/gtest.h>

#include "sim/async_network.h"

namespace doze::sim {
namespace {

struct Case {
  const char* name;
  AsyncSettings settings;
};

class Flow : public ::testing::TestWithParam<Case> {};

TEST_P(Flow, SleepingPayerPaysSleepingRecipient) {
  auto network = set_up(1, GetParam().settings);
  ASSERT_EQ(network.trouble, "");
  auto& world = *network.world;
  auto offer = make_offer(network, Msat(50'000'000));
  ASSERT_TRUE(offer) << network.trouble;

  auto r_before = channel_balance(world.node(network.r));
  auto s_before = channel_balance(world.node(network.s));
  world.stop(network.r);
  world.run_for(1'000);

  command::Pay pay;
  pay.offer = *offer;
  auto paid = world.ask(network.s, pay);
  ASSERT_EQ(error_of(paid), "");
  EXPECT_EQ(text_of(paid, "state"), "notified");
  auto id = text_of(paid, "payment_id");
  world.stop(network.s);
  world.run_for(1'000);

  // The holder's process dies and comes back: the hold is still there.
  world.stop(network.l);
  world.run_for(1'000);
  world.start(network.l);
  world.run_for(5'000);
  auto holds = world.ask(network.l, command::ListHolds{});
  ASSERT_EQ(error_of(holds), "");
  const auto* list = std::get<Value>(holds).find("holds");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(std::get<List>(list->inner()).size(), 1U);
  auto mailboxes = world.ask(network.m, command::ListMailboxes{});
  ASSERT_EQ(error_of(mailboxes), "");

  world.mine(20);
  world.start(network.r);
  ASSERT_TRUE(world.run_until(
      [&] { return world.node(network.r).running() && channel_balance(world.node(network.r)) > r_before; }, 60'000));
  world.run_for(2'000);
  EXPECT_EQ(channel_balance(world.node(network.r)) - r_before, 50'000'000U);

  world.start(network.s);
  ASSERT_TRUE(world.run_until(
      [&] {
        return text_of(world.ask(network.s, command::GetPayment{*PaymentId::from(hex(id))}), "state") == "settled";
      },
      60'000));
  auto payment = world.ask(network.s, command::GetPayment{*PaymentId::from(hex(id))});
  auto fee = number_of(payment, "fee_msat");
  EXPECT_EQ(s_before - channel_balance(world.node(network.s)), 50'000'000U + fee);
  EXPECT_EQ(world.chain.refused(), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Profiles, Flow,
                         ::testing::Values(Case{"Ldk", {}}, Case{"Draft", {Profile::Draft}},
                                           Case{"StaticRemotekey", {Profile::Ldk, false}},
                                           Case{"SameLsp", {Profile::Ldk, true, true}},
                                           Case{"SameLspDraft", {Profile::Draft, true, true}},
                                           Case{"SameLspStaticRemotekey", {Profile::Ldk, false, true}}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace doze::sim
