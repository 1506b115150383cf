// HTLCs that we offered and that do not come back.
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// B sleeps over an HTLC that A holds for it; 500 blocks long.
struct Sleeper {
  Pair pair;
  std::uint32_t expiry = 0;
  explicit Sleeper(std::optional<Profile> hold = Profile::Ldk) {
    pair.open();
    auto add = pair.b.add(pair.id(), Msat(5'000'000), 1, hold);
    expiry = add.cltv_expiry.value();
    pair.b.step(add);
    pair.run();
    pair.cut();
    pair.b.said.clear();
  }
  void mine_until(std::uint32_t height) { pair.mine({}, height - pair.tip.value()); }
  bool closed() { return pair.b.only_channel().phase == ChannelPhase::ForceClosing; }
};

TEST(Expiry, a_payer_that_wakes_after_its_hold_expired_lets_the_peer_fail_it_first) {
  Sleeper s;
  s.mine_until(s.expiry + 100);
  s.pair.connect();
  s.pair.run();
  s.mine_until(s.expiry + 105);
  EXPECT_FALSE(s.closed());
  s.pair.a.step(FailHtlc{s.pair.id(), 0, Bytes{1}});
  s.pair.run();
  s.mine_until(s.expiry + 150);
  EXPECT_FALSE(s.closed());
  EXPECT_EQ(s.pair.b.all<HtlcFailed>().size(), 1U);
}

TEST(Expiry, init_alone_does_not_start_the_six_blocks) {
  Sleeper s;
  s.mine_until(s.expiry + 100);
  s.pair.b.peers.insert_or_assign(s.pair.a.id, PeerView{s.pair.a.id, {}, "x", false, s.pair.b.wall});
  s.pair.b.step(PeerReady{s.pair.a.id});
  s.pair.b.outbox.clear();  // A never hears of it
  s.mine_until(s.expiry + 120);
  EXPECT_FALSE(s.closed());
}

TEST(Expiry, blocks_of_the_initial_sync_do_not_count) {
  Sleeper s;
  s.pair.b.views.chain_synced = false;
  s.mine_until(s.expiry + 1);
  s.pair.connect();
  s.pair.run();
  s.mine_until(s.expiry + 50);
  EXPECT_FALSE(s.closed());
  s.pair.b.views.chain_synced = true;
  s.mine_until(s.expiry + 56);
  EXPECT_FALSE(s.closed());
  s.mine_until(s.expiry + 57);
  EXPECT_TRUE(s.closed());
}

TEST(Expiry, six_blocks_after_channel_reestablish_the_payer_closes) {
  Sleeper s;
  s.mine_until(s.expiry + 100);
  s.pair.connect();
  s.pair.run();
  s.mine_until(s.expiry + 105);
  EXPECT_FALSE(s.closed());
  s.mine_until(s.expiry + 106);
  EXPECT_TRUE(s.closed());
}

TEST(Expiry, after_2016_blocks_the_payer_closes_even_if_the_peer_never_came_back) {
  Sleeper s;
  s.mine_until(s.expiry + kExpiredGraceMax - 1);
  EXPECT_FALSE(s.closed());
  s.mine_until(s.expiry + kExpiredGraceMax);
  EXPECT_TRUE(s.closed());
}

TEST(Expiry, an_ordinary_htlc_has_three_blocks_wherever_the_peer_is) {
  Sleeper s(std::nullopt);
  s.mine_until(s.expiry + kOfferedGrace.value() - 1);
  EXPECT_FALSE(s.closed());
  s.mine_until(s.expiry + kOfferedGrace.value());
  EXPECT_TRUE(s.closed());
}

/// The peer got our signature and can publish the HTLC, although it never answered.
TEST(Expiry, an_htlc_that_is_only_in_the_peers_next_commitment_counts) {
  for (int revoked = 0; revoked < 2; ++revoked) {
    Pair pair;
    pair.open();
    auto add = pair.a.add(pair.id(), Msat(5'000'000), 1);
    pair.a.step(add);
    while (pair.deliver(pair.a)) {
    }
    if (revoked) pair.deliver(pair.b);  // its revoke_and_ack, not its commitment_signed
    pair.cut();
    pair.a.said.clear();
    pair.mine({}, add.cltv_expiry.value() + kOfferedGrace.value() - 1 - pair.tip.value());
    EXPECT_TRUE(pair.a.all<Broadcast>().empty());
    pair.mine();
    ASSERT_EQ(pair.a.all<Broadcast>().size(), 1U) << revoked;
    EXPECT_TRUE(pair.spends_funding(pair.a.all<Broadcast>()[0].transaction));
  }
}

/// The peer's commitment alone still has the HTLC; whether it was settled or failed decides.
TEST(Expiry, an_htlc_that_the_peer_settled_and_signed_away_is_no_reason_to_close) {
  for (bool settled : {true, false}) {
    Pair pair;
    pair.open();
    auto add = pair.a.add(pair.id(), Msat(5'000'000), 1);
    pair.a.step(add);
    pair.run();
    if (settled)
      pair.b.step(FulfillHtlc{pair.id(), 0, preimage(1)});
    else
      pair.b.step(FailHtlc{pair.id(), 0, Bytes{1}});
    while (pair.deliver(pair.b)) {
    }
    pair.cut();  // before B revokes
    pair.a.said.clear();
    pair.mine({}, add.cltv_expiry.value() + 100 - pair.tip.value());
    EXPECT_EQ(pair.a.all<Broadcast>().empty(), settled);
    if (!settled) continue;
    pair.connect();
    pair.run();
    EXPECT_TRUE(pair.a.only_channel().usable);
    EXPECT_TRUE(pair.a.only_channel().offered_htlcs.empty());
  }
}

}  // namespace
}  // namespace doze::channel
