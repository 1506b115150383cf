// L while its chain is behind: what came waits, what comes is refused after a while, nothing is offered.
#include "holds.h"

namespace doze::forwarding::testing {
namespace {

struct Behind : Holds {
  Effects behind() {
    l.views.chain_synced = false;
    return l.step(ChainStatus{false, false, "bitcoind does not answer"});
  }
  Effects synced() {
    l.views.chain_synced = true;
    return l.step(ChainStatus{true, true, ""});
  }
};

TEST_F(Behind, a_release_waits_for_the_chain) {
  receive(htlc(0));
  behind();
  auto released = release(0);
  EXPECT_TRUE(of<AddHtlc>(released).empty());
  expect_no_failure(released);
  EXPECT_EQ(state(0), "released");
  EXPECT_TRUE(of<AddHtlc>(l.usable(2)).empty());
  l.pass(10 * kClientForwardWaitMs);
  expect_no_failure(l.step(DeadlineReached{}));
  expect_forwarded(synced(), 0);
}

TEST_F(Behind, a_released_one_whose_deadline_passed_meanwhile_is_not_offered) {
  receive(htlc(0));
  behind();
  release(0);
  expect_failed(l.block(1'000 - 39), 0, onion::kTemporaryNodeFailure);
  EXPECT_TRUE(of<AddHtlc>(synced()).empty());
}

TEST_F(Behind, an_htlc_that_comes_while_a_block_is_read_waits_a_moment) {
  behind();
  auto effects = receive(htlc(0, std::nullopt));
  EXPECT_TRUE(of<AddHtlc>(effects).empty());
  expect_no_failure(effects);
  EXPECT_EQ(state(0), "waiting");
  receive(htlc(1));
  EXPECT_EQ(state(1), "held");
  expect_forwarded(synced(), 0);
  behind();
  receive(htlc(2, std::nullopt));
  ASSERT_EQ(l.deadline(), after_ms(l.mono, kClientForwardWaitMs));
  expect_failed(l.next_deadline(), 2, onion::kTemporaryNodeFailure);
}

TEST_F(Behind, new_htlcs_are_refused_after_a_minute_held_or_not) {
  behind();
  l.pass(kChainPatienceMs - 1);
  behind();  // told again: the minute goes on
  receive(htlc(0));
  EXPECT_EQ(state(0), "held");
  l.pass(1);
  expect_failed(receive(htlc(1)), 1, onion::kTemporaryNodeFailure);
  expect_failed(receive(htlc(2, std::nullopt)), 2, onion::kTemporaryNodeFailure);
  synced();
  EXPECT_EQ(state(0), "held");
  receive(htlc(3));
  EXPECT_EQ(state(3), "held");
  behind();
  receive(htlc(4));
  EXPECT_EQ(state(4), "held");  // a new minute
}

TEST_F(Behind, after_a_start_the_chain_is_not_known_either) {
  receive(htlc(0));
  release(0);
  l.channels.at(channel_id(2)).usable = false;
  receive(htlc(1));
  release(1);
  l.views.chain_synced = false;
  l.restart();
  EXPECT_TRUE(of<AddHtlc>(l.usable(2)).empty());
  l.pass(kChainPatienceMs);
  expect_failed(receive(htlc(2)), 2, onion::kTemporaryNodeFailure);
  expect_forwarded(synced(), 1);
}

}  // namespace
}  // namespace doze::forwarding::testing
