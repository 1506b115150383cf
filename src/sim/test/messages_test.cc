// Onion messages that are lost, repeated, overtaken or replayed: nobody gets more than one payment, nobody waits for
// ever.
#include "sim/test/scenario.h"

namespace doze::sim {
namespace {

class OnionMessages : public Scenario {
 protected:
  /// Counts onion messages from one node to another from now on; `fate` says what happens to each.
  void meddle(std::size_t from, std::size_t to, std::function<Fate(std::size_t)> fate) {
    seen = 0;
    world().on_message = [this, from, to, fate = std::move(fate)](const WireMessage& message) {
      if (message.type != kOnionMessage || message.from != from || message.to != to) return Fate{};
      return fate(++seen);
    };
  }
  /// The same for what S sends once its HTLC is held: announcements.
  void meddle_with_announcements(std::function<Fate(std::size_t)> fate) {
    seen = 0;
    world().on_message = [this, fate = std::move(fate)](const WireMessage& message) {
      bool held = count(network.l, "htlc_held") != 0;
      if (!held || message.type != kOnionMessage || message.from != network.s || message.to != network.m) return Fate{};
      return fate(++seen);
    };
  }
  void settles_once(const std::string& id, Checker& checker, const std::vector<std::uint64_t>& before) {
    EXPECT_TRUE(becomes(id, "settled"));
    expect_clean_rest(checker, before);
    EXPECT_EQ(received(), kAmount);
    EXPECT_EQ(checker.htlcs().size(), 3U);  // one on each channel
  }
  std::size_t seen = 0;
};

TEST_F(OnionMessages, announcement_that_is_lost_with_the_connection_is_sent_again) {
  prepare();
  auto before = balances(world());
  world().stop(network.r);
  Checker checker(world());
  meddle_with_announcements([](std::size_t n) { return n == 1 ? Fate{true, true, {}, {}} : Fate{}; });
  auto id = held_payment();
  EXPECT_GT(seen, 1U);
  world().start(network.r);
  settles_once(id, checker, before);
}

TEST_F(OnionMessages, announcement_that_the_mailbox_swallowed_is_sent_again_when_the_payer_is_back) {
  prepare();
  auto before = balances(world());
  world().stop(network.r);
  Checker checker(world());
  // M swallows what comes from S itself, and S's LSP the copy that it is to pass on.
  world().on_message = [this](const WireMessage& message) {
    bool announcement = count(network.l, "htlc_held") != 0 && message.type == kOnionMessage &&
                        message.from == network.s && (message.to == network.m || message.to == network.l);
    return announcement ? Fate{true, false, {}, {}} : Fate{};
  };
  auto id = held_payment();  // M answered the ping, so S believes it
  world().start(network.r);
  world().run_for(30'000);
  EXPECT_EQ(received(), 0U);
  world().on_message = nullptr;
  restart(network.s);
  settles_once(id, checker, before);
}

TEST_F(OnionMessages, announcement_that_comes_many_times_releases_one_htlc) {
  prepare();
  auto before = balances(world());
  world().stop(network.r);
  Checker checker(world());
  meddle_with_announcements([](std::size_t) { return Fate{false, false, {}, {0, 1'000, 20'000, 90'000}}; });
  auto id = held_payment();
  world().start(network.r);
  world().run_for(120'000);
  settles_once(id, checker, before);
}

TEST_F(OnionMessages, announcements_that_overtake_each_other_lead_to_both_payments) {
  prepare();
  auto before = balances(world());
  world().stop(network.r);
  Checker checker(world());
  meddle_with_announcements([](std::size_t n) { return n == 1 ? Fate{false, false, 9'000, {}} : Fate{}; });
  auto first = held_payment(), second = held_payment();
  world().start(network.r);
  EXPECT_TRUE(becomes(second, "settled"));
  EXPECT_TRUE(becomes(first, "settled"));
  expect_clean_rest(checker, before);
  EXPECT_EQ(received(), 2 * kAmount);
}

TEST_F(OnionMessages, releases_that_are_lost_are_repeated) {
  prepare();
  auto before = balances(world());
  world().stop(network.r);
  Checker checker(world());
  auto id = held_payment();
  meddle(network.m, network.l, [](std::size_t n) { return Fate{n <= 2, false, {}, {}}; });
  world().start(network.r);
  settles_once(id, checker, before);
  EXPECT_GE(seen, 3U);
}

TEST_F(OnionMessages, release_that_comes_many_times_forwards_once) {
  prepare();
  auto before = balances(world());
  world().stop(network.r);
  Checker checker(world());
  auto id = held_payment();
  meddle(network.m, network.l, [](std::size_t) { return Fate{false, false, {}, {0, 1, 30, 500, 60'000}}; });
  world().start(network.r);
  world().run_for(90'000);
  settles_once(id, checker, before);
  EXPECT_EQ(count(network.l, "hold_released"), 1U);
}

TEST_F(OnionMessages, releases_that_overtake_each_other_release_what_they_name) {
  prepare();
  auto before = balances(world());
  world().stop(network.r);
  Checker checker(world());
  auto first = held_payment(), second = held_payment();
  meddle(network.m, network.l, [](std::size_t n) { return n == 1 ? Fate{false, false, 4'000, {}} : Fate{}; });
  world().start(network.r);
  EXPECT_TRUE(becomes(first, "settled"));
  EXPECT_TRUE(becomes(second, "settled"));
  expect_clean_rest(checker, before);
  EXPECT_EQ(received(), 2 * kAmount);
}

TEST_F(OnionMessages, release_of_an_htlc_that_was_failed_back_does_nothing) {
  AsyncSettings settings;
  settings.hold_window_blocks = 12;
  prepare(settings);
  auto before = balances(world());
  world().stop(network.r);
  Checker checker(world());
  auto id = held_payment();
  auto fail_back = number_of(payment(id), "fail_back_height");
  std::vector<Bytes> kept;
  world().on_message = [&](const WireMessage& message) {
    bool release = message.type == kOnionMessage && message.from == network.m && message.to == network.l;
    if (release) kept.push_back(to_bytes(message.bytes));
    return Fate{release, false, {}, {}};
  };
  world().start(network.r);
  world().run_for(5'000);
  ASSERT_FALSE(kept.empty());
  mine_to(fail_back);
  EXPECT_TRUE(becomes(id, "expired"));
  for (const auto& release : kept) world().inject(network.m, network.l, release, 10);
  world().run_for(5'000);
  EXPECT_EQ(count(network.l, "hold_released"), 0U);
  expect_clean_rest(checker, before);
  EXPECT_EQ(spent(), 0U);
}

}  // namespace
}  // namespace doze::sim
