// HTLCs that we offered and that do not come back.
#include "channel/state.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// B sleeps over an HTLC that A holds for it, or that is an ordinary one; 500 blocks long.
struct Sleeper {
  Pair pair;
  std::uint32_t expiry = 0;
  explicit Sleeper(std::optional<Profile> hold = Profile::Ldk, bool forwarded = false) {
    pair.open();
    auto add = pair.b.add(pair.id(), Msat(5'000'000), 1, hold);
    if (forwarded) add.origin = ForwardOrigin{{}, 7};
    expiry = add.cltv_expiry.value();
    pair.b.step(add);
    pair.run();
    pair.cut();
    pair.b.said.clear();
  }
  void mine_until(std::uint32_t height) { pair.mine({}, height - pair.tip.value()); }
  bool closed() { return pair.b.only_channel().phase == ChannelPhase::ForceClosing; }
  bool told_that_it_waits() {
    for (const auto& line : pair.b.all<Notify>())
      if (line.event == "channel_close_held_back") return line.severity == Severity::Error;
    return false;
  }
};

TEST(Expiry, a_payer_that_wakes_after_its_htlc_expired_lets_the_peer_fail_it_first_held_or_not) {
  for (auto hold : {std::optional(Profile::Ldk), std::optional<Profile>()}) {
    Sleeper s(hold);
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
}

/// What the chain driver says before it says "synced" decides nothing; then the channel that was open all the time, and
/// never re-established, is failed.
TEST(Expiry, a_peer_that_keeps_a_hold_while_connected_all_the_time_is_closed_after_six_blocks) {
  Pair pair;
  pair.open();
  auto add = pair.b.add(pair.id(), Msat(5'000'000), 1, Profile::Ldk);
  pair.b.step(add);
  pair.run();
  pair.mine({}, add.cltv_expiry.value() + kExpiredGraceBlocks - 1 - pair.tip.value());
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
  auto words = pair.chain.mine();
  auto synced = words.back();
  words.pop_back();
  pair.hear(words);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
  pair.hear({synced});
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::ForceClosing);
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
  auto words = s.pair.chain.mine({}, s.expiry + 50 - s.pair.tip.value());
  auto synced = words.back();
  words.pop_back();
  s.pair.hear(words);
  s.pair.connect();
  s.pair.run();
  EXPECT_FALSE(s.closed());
  s.pair.hear({synced});
  s.mine_until(s.expiry + 55);
  EXPECT_FALSE(s.closed());
  s.mine_until(s.expiry + 56);
  EXPECT_TRUE(s.closed());
}

// [B2-dead-02]
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

// [B2-dead-01]
TEST(Expiry, a_forwarded_htlc_has_three_blocks_wherever_the_peer_is) {
  Sleeper s(std::nullopt, true);
  s.mine_until(s.expiry + kOfferedGrace.value() - 1);
  EXPECT_FALSE(s.closed());
  s.mine_until(s.expiry + kOfferedGrace.value());
  EXPECT_TRUE(s.closed());
}

// ---- after a start ----

TEST(OldCopy, nothing_is_published_before_the_peer_has_spoken_or_three_hours_are_over) {
  Sleeper s(std::nullopt, true);
  s.pair.b.restart();
  s.pair.b.said.clear();
  s.mine_until(s.expiry + 50);
  EXPECT_FALSE(s.closed());
  EXPECT_TRUE(s.pair.b.all<Broadcast>().empty());
  EXPECT_TRUE(s.told_that_it_waits());
  EXPECT_NE(s.pair.b.only_channel().status.find("channel_reestablish"), std::string::npos);
  EXPECT_EQ(deadline(s.pair.b.room), after_ms(s.pair.b.mono, kSpeakFirstMs));
  s.pair.b.pass_to(deadline(s.pair.b.room));
  s.pair.b.step(DeadlineReached{});
  EXPECT_TRUE(s.closed());
  ASSERT_EQ(s.pair.b.all<Broadcast>().size(), 1U);
  EXPECT_TRUE(s.pair.spends_funding(s.pair.b.all<Broadcast>()[0].transaction));
  EXPECT_EQ(deadline(s.pair.b.room), std::nullopt);
}

TEST(OldCopy, a_peer_that_speaks_in_time_may_hand_the_htlc_back) {
  Sleeper s(std::nullopt, true);
  s.pair.b.restart();
  s.mine_until(s.expiry + 50);
  EXPECT_TRUE(s.told_that_it_waits());
  s.pair.connect();
  s.pair.run();
  s.pair.a.step(FailHtlc{s.pair.id(), 0, Bytes{1}});
  s.pair.run();
  s.mine_until(s.expiry + 60);
  EXPECT_FALSE(s.closed());
  EXPECT_EQ(deadline(s.pair.b.room), std::nullopt);
}

// [B2-rev-03, B5-fail-03, B5-pen-01]
TEST(OldCopy, of_the_database_never_publishes_its_commitment) {
  Pair pair;
  pair.open();
  auto pay = [&](std::uint64_t number) {
    auto add = pair.b.add(pair.id(), Msat(5'000'000), number);
    add.origin = ForwardOrigin{{}, number};
    pair.b.step(add);
    pair.run();
    return add.cltv_expiry.value();
  };
  auto expiry = pay(1);
  auto copy = pair.b.rows;
  for (std::uint64_t number = 2; number < 10; ++number) pay(number);
  pair.a.step(FailHtlc{pair.id(), 0, Bytes{1}});
  pair.run();
  pair.cut();
  pair.b.rows = copy;
  pair.b.restart();
  pair.b.said.clear();
  pair.mine({}, expiry + 20 - pair.tip.value());
  pair.connect();
  pair.run();
  pair.b.pass(2 * kSpeakFirstMs);
  pair.b.step(DeadlineReached{});
  pair.mine({}, 20);
  EXPECT_TRUE(pair.b.all<Broadcast>().empty());
  EXPECT_NE(pair.b.only_channel().status.find("our data is outdated"), std::string::npos);
}

TEST(OldCopy, the_operator_and_the_peers_error_wait_for_the_peers_word_too) {
  for (bool operator_asks : {true, false}) {
    Pair pair;
    pair.open();
    pair.cut();
    pair.b.restart();
    pair.b.said.clear();
    pair.connect();
    if (operator_asks) {
      pair.b.step(CommandReceived{9, command::CloseChannel{pair.id(), true, {}, true}});
      EXPECT_EQ(pair.b.all<Reply>().size(), 1U);
    } else {
      pair.b.step(MessageReceived{pair.a.id, wire::Error{pair.id(), {}}});
    }
    EXPECT_TRUE(pair.b.all<Broadcast>().empty());
    EXPECT_TRUE(pair.b.sent<wire::Error>().empty());
    pair.deliver(pair.a);  // channel_reestablish
    EXPECT_EQ(pair.b.all<Broadcast>().size(), 1U);
    EXPECT_EQ(pair.b.sent<wire::Error>().size(), 1U);
    EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::ForceClosing);
  }
}

/// The peer got our signature and can publish the HTLC, although it never answered.
// [B2-dead-02]
TEST(Expiry, an_htlc_that_is_only_in_the_peers_next_commitment_counts) {
  for (int revoked = 0; revoked < 2; ++revoked) {
    Pair pair;
    pair.open();
    auto add = pair.a.add(pair.id(), Msat(5'000'000), 1);
    add.origin = ForwardOrigin{{}, 7};
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
    add.origin = ForwardOrigin{{}, 7};
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
    // A alone sees these blocks: B has not seen A revoke, and must claim what it settled.
    hand_over(pair.chain.mine({}, add.cltv_expiry.value() + 100 - pair.tip.value()), pair.a.watched,
              [&](const auto& one) {
                pair.a.follow(one);
                pair.a.step(one);
              });
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
