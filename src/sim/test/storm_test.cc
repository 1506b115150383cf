// Many holds for one recipient, which wakes: all of them end, whatever its mailbox had room for.
#include "sim/test/scenario.h"

namespace doze::sim {
namespace {

class Storm : public Scenario {
 protected:
  static constexpr std::size_t kHolds = 60;  // a payer's share of a mailbox is less

  void hold_many() {
    prepare();
    auto made = make_offer(network, Msat(1'000'000));
    ASSERT_TRUE(made) << network.trouble;
    world().stop(network.r);
    command::Pay wanted;
    wanted.offer = *made;
    for (std::size_t i = 0; i < kHolds; ++i) world().post(network.s, wanted);
    ASSERT_TRUE(world().run_until([&] { return count(network.l, "htlc_held") == kHolds; }, 60'000));
    world().run_for(20'000);  // the first announcements and their repeats are over
  }
  void all_end_in(std::uint64_t ms) {
    EXPECT_TRUE(world().run_until([&] { return count(network.l, "hold_settled") == kHolds; }, ms))
        << count(network.l, "hold_settled");
    EXPECT_EQ(count(network.l, "hold_failed"), 0U);
    world().run_for(3'000);
    EXPECT_EQ(count(network.s, "payment_settled"), kHolds);
    EXPECT_TRUE(holds().empty());
  }
};

TEST_F(Storm, all_holds_of_a_recipient_end_within_half_a_minute_after_it_wakes) {
  hold_many();
  world().start(network.r);
  all_end_in(30'000);
}

TEST_F(Storm, all_of_them_end_when_the_payer_was_away_when_the_recipient_woke_and_comes_back) {
  hold_many();
  world().stop(network.s);
  world().start(network.r);
  world().run_for(30'000);
  EXPECT_GT(count(network.l, "hold_settled"), 0U);
  world().start(network.s);
  all_end_in(30'000);
}

}  // namespace
}  // namespace doze::sim
