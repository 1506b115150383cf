// Peers that live but do not answer.
#include "channel/state.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// Nothing happens until the deadline, which is `ms` away; then the deadline is heard.
void pass(FakeNode& node, std::uint64_t ms) {
  auto due = deadline(node.room);
  ASSERT_TRUE(due.has_value());
  EXPECT_EQ(*due, after_ms(node.mono, ms));
  node.mono = MonoTime(due->value() - 1);
  node.step(DeadlineReached{});
  EXPECT_FALSE(node.dropped);
  node.mono = *due;
  node.step(DeadlineReached{});
}
void expect_dropped(FakeNode& node) {
  pass(node, kAnswerWaitMs);
  EXPECT_TRUE(node.dropped);
}

TEST(Waits, a_peer_that_does_not_revoke_loses_its_connection) {
  Pair pair;
  pair.open();
  EXPECT_EQ(deadline(pair.a.room), std::nullopt);
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
  expect_dropped(pair.a);
  pair.cut();
  EXPECT_EQ(deadline(pair.a.room), std::nullopt);
  pair.connect();
  pair.run();
  EXPECT_EQ(pair.b.all<HtlcReceived>().size(), 1U);
  EXPECT_EQ(deadline(pair.a.room), std::nullopt);  // the HTLC itself may stay for days
}

TEST(Waits, each_commitment_has_its_own_minute) {
  Pair pair;
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 2));
  pair.a.mono = MonoTime(50'000);
  for (int i = 0; i < 100 && pair.a.sent<wire::CommitmentSigned>().size() < 2; ++i)
    if (!pair.deliver(pair.a)) pair.deliver(pair.b);
  expect_dropped(pair.a);
}

TEST(Waits, a_peer_that_does_not_reestablish_loses_its_connection) {
  Pair pair;
  pair.open();
  pair.cut();
  pair.connect();
  expect_dropped(pair.a);
}

TEST(Waits, a_peer_that_does_not_sign_the_closing_loses_its_connection) {
  Pair pair;
  pair.open();
  pair.a.step(CommandReceived{9, command::CloseChannel{pair.id(), false, address(bitcoin::p2wpkh_script(pair.a.id))}});
  for (int i = 0; i < 10 && pair.a.sent<wire::ClosingSigned>().empty(); ++i)
    if (!pair.deliver(pair.a)) pair.deliver(pair.b);
  expect_dropped(pair.a);
  expect_dropped(pair.b);
  pair.cut();
  pair.connect();
  pair.run();
  EXPECT_EQ(pair.b.all<Broadcast>().size(), 1U);
  EXPECT_EQ(deadline(pair.b.room), std::nullopt);
}

TEST(Waits, an_opening_that_stands_still_fails_on_both_sides) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.deliver(pair.a);
  pair.b.outbox.clear();
  pass(pair.a, kOpeningWaitMs);
  pass(pair.b, kOpeningWaitMs);
  ASSERT_EQ(pair.a.all<Reply>().size(), 1U);
  EXPECT_TRUE(std::holds_alternative<CommandError>(pair.a.all<Reply>()[0].result));
  EXPECT_EQ(pair.a.sent<wire::Error>().size(), 1U);
  for (auto* node : {&pair.a, &pair.b}) {
    EXPECT_FALSE(node->dropped);
    EXPECT_EQ(deadline(node->room), std::nullopt);
  }
}

// ---- feerates ----

/// B did not open, and A leaves the feerate as it is while B's backend takes nothing below 4,000.
struct LowFeerate {
  Pair pair;
  LowFeerate(bool anchors) {
    pair.a.config.anchors = pair.b.config.anchors = anchors;
    pair.open();
    pair.b.step(FeeEstimate{FeeratePerKw(5'000), FeeratePerKw(4'000)});
  }
  void pass(std::uint64_t ms) {
    pair.b.pass(ms);
    pair.b.step(DeadlineReached{});
  }
  bool closed() { return pair.b.only_channel().phase == ChannelPhase::ForceClosing; }
};

TEST(LowFeerate, that_the_opener_keeps_below_what_the_mempool_takes_ends_the_channel) {
  for (bool anchors : {false, true}) {
    LowFeerate low(anchors);
    EXPECT_NE(low.pair.b.only_channel().status.find("feerate"), std::string::npos);
    low.pass((anchors ? kLowFeerateAnchorsMs : kLowFeerateMs) - 1);
    EXPECT_FALSE(low.closed());
    low.pass(1);
    EXPECT_TRUE(low.closed());
  }
}

TEST(LowFeerate, that_the_opener_raises_or_that_the_mempool_takes_again_is_forgotten) {
  for (bool raised : {false, true}) {
    LowFeerate low(false);
    low.pass(kLowFeerateMs / 2);
    if (raised)
      low.pair.a.step(FeeEstimate{FeeratePerKw(5'000)});
    else
      low.pair.b.step(FeeEstimate{FeeratePerKw(2'000), FeeratePerKw(1'000)});
    low.pair.run();
    low.pass(kLowFeerateMs);
    EXPECT_FALSE(low.closed());
    EXPECT_EQ(low.pair.b.only_channel().status, "open");
  }
}

TEST(LowFeerate, of_an_opener_that_was_away_gets_ten_minutes) {
  LowFeerate low(false);
  low.pair.cut();
  low.pass(2 * kLowFeerateMs);
  EXPECT_FALSE(low.closed());
  low.pair.connect();
  low.pair.run();
  low.pass(kLowFeerateChanceMs - 1);
  EXPECT_FALSE(low.closed());
  low.pass(1);
  EXPECT_TRUE(low.closed());
}

}  // namespace
}  // namespace doze::channel
