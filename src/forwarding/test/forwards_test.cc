// Ordinary forwards: what is refused with which code, and the wait for a client that may be waking.
#include "holds.h"

namespace doze::forwarding::testing {
namespace {

struct Terms {
  const char* name;
  std::function<void(wire::UpdateAddHtlc&, World&)> change;
  std::uint16_t code;
};
class Refused : public Holds, public ::testing::WithParamInterface<Terms> {};
// [B2-ready-06, B2-fwd-04, B2-dead-03, B4-gen-01, B4-read-17, B4-read-18, B4-peel-06, B4-fail-12]
TEST_P(Refused, with_its_code_held_or_not) {
  for (auto hold : {std::optional<Profile>(), std::optional(Profile::Ldk)}) {
    std::uint64_t id = hold ? 1 : 0;
    auto changed = htlc(id, hold);
    GetParam().change(changed, world);
    expect_failed(receive(changed), id, GetParam().code);
  }
}
INSTANTIATE_TEST_SUITE_P(
    Forwards, Refused,
    ::testing::Values(
        Terms{"fee_one_msat_low", [](auto& h, auto&) { h.amount_msat = Msat(50'005'999); }, onion::kFeeInsufficient},
        Terms{"amount_below_what_goes_out", [](auto& h, auto&) { h.amount_msat = Msat(49'999'999); },
              onion::kFeeInsufficient},
        Terms{"delta_one_block_small", [](auto& h, auto&) { h.cltv_expiry = CltvExpiry(1'071); },
              onion::kIncorrectCltvExpiry},
        Terms{"below_our_minimum", [](auto&, auto& w) { w.l.config.fees.htlc_minimum = Msat(50'000'001); },
              onion::kAmountBelowMinimum},
        Terms{"too_few_blocks", [](auto&, auto& w) { w.l.tip = BlockHeight(992); }, onion::kExpiryTooSoon},
        Terms{"no_such_channel", [](auto&, auto& w) { w.l.channels.erase(channel_id(2)); }, onion::kUnknownNextPeer},
        Terms{"back_where_it_came_from",
              [](auto&, auto& w) {
                w.l.channels.at(channel_id(1)).scid = scid(2);
                w.l.channels.erase(channel_id(2));
              },
              onion::kUnknownNextPeer},
        Terms{"by_the_real_scid_of_a_channel_with_option_scid_alias",
              [](auto&, auto& w) {
                auto& channel = w.l.channels.at(channel_id(2));
                channel.scid = scid(2);
                channel.local_alias = scid(90);
                channel.alias_only = true;
              },
              onion::kUnknownNextPeer}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(Holds, an_outgoing_expiry_at_the_end_of_its_range_does_not_wrap_around_the_delta) {
  auto absurd = htlc_until(0, in, CltvExpiry(UINT32_MAX - 71), std::nullopt);
  expect_failed(receive(absurd), 0, onion::kIncorrectCltvExpiry);
}

// [B4-read-18]
TEST_F(Holds, the_least_fee_and_delta_are_enough) {
  auto least = htlc(0, std::nullopt);
  least.amount_msat = Msat(50'006'000);
  l.tip = BlockHeight(982);
  expect_forwarded(receive(least), 0);
}

// [B2-ready-05]
TEST_F(Holds, a_channel_with_option_scid_alias_is_named_by_its_alias) {
  auto& channel = l.channels.at(channel_id(2));
  channel.scid = scid(90);
  channel.local_alias = scid(2);
  channel.alias_only = true;
  expect_forwarded(receive(htlc(0, std::nullopt)), 0);
}

struct Waking : Holds {
  Waking() { l.unusable(2); }
};

TEST_F(Waking, a_forward_to_a_peer_that_is_away_fails_at_once) {
  l.peers.erase(world.m.id);
  expect_failed(receive(htlc(0, std::nullopt)), 0, onion::kTemporaryChannelFailure);
}

TEST_F(Waking, a_forward_to_a_connected_client_waits_ninety_seconds) {
  auto effects = receive(htlc(0, std::nullopt));
  expect_no_failure(effects);
  EXPECT_EQ(state(0), "waiting");
  EXPECT_EQ(l.deadline(), after_ms(l.mono, kClientForwardWaitMs));
  l.pass(kClientForwardWaitMs - 1);
  expect_no_failure(l.step(DeadlineReached{}));
  l.pass(1);
  expect_failed(l.step(DeadlineReached{}), 0, onion::kTemporaryChannelFailure);
}

TEST_F(Waking, no_more_htlcs_wait_for_a_client_than_its_channel_has_slots) {
  for (std::uint64_t id = 0; id < kMaxWaitingForChannel; ++id) expect_no_failure(receive(htlc(id, std::nullopt)));
  EXPECT_EQ(state(kMaxWaitingForChannel - 1), "waiting");
  auto one_more = kMaxWaitingForChannel;
  expect_failed(receive(htlc(one_more, std::nullopt)), one_more, onion::kTemporaryChannelFailure);
  EXPECT_EQ(of<AddHtlc>(l.usable(2)).size(), kMaxWaitingForChannel);
}

/// HTLCs of one peer after the other wait, each for another channel of M when the one before is full.
struct ManyWaiting : Waking {
  std::uint64_t next_id = 0;
  std::uint8_t full = 0;

  void wait(std::size_t count, const NodeId& peer) {
    for (std::size_t i = 0; i < count; ++i) {
      if (next_id != 0 && next_id % kMaxWaitingForChannel == 0) next_channel();
      expect_no_failure(receive_from(peer, htlc(next_id++, std::nullopt)));
    }
  }
  void next_channel() {
    auto& old = l.channels.at(channel_id(full == 0 ? 2 : 100 + full));
    auto another = old;
    old.scid = scid(std::uint8_t(100 + full));
    another.channel_id = channel_id(std::uint8_t(101 + full++));
    l.channels.emplace(another.channel_id, another);
  }
  static NodeId peer(std::uint8_t number) { return crypto::public_key(key(100 + number)); }
};

TEST_F(ManyWaiting, htlcs_that_wait_are_bounded_over_all_channels_and_peers) {
  std::uint8_t number = 0;
  for (std::size_t left = kMaxWaitingForwards; left > 0; ++number) {
    auto some = std::min(left, kMaxWaitingOfPeer);
    wait(some, peer(number));
    left -= some;
  }
  next_channel();
  expect_failed(receive_from(peer(number), htlc(next_id, std::nullopt)), next_id, onion::kTemporaryChannelFailure);
  EXPECT_EQ(l.forwarding.inside->forwards.index().waiting.size(), kMaxWaitingForwards);
}

TEST_F(ManyWaiting, htlcs_of_one_peer_that_wait_leave_room_for_those_of_others) {
  wait(kMaxWaitingOfPeer, peer(1));
  next_channel();
  expect_failed(receive_from(peer(1), htlc(next_id, std::nullopt)), next_id, onion::kTemporaryChannelFailure);
  EXPECT_EQ(l.reasons("forward_failed"),
            std::vector<std::string>{"too many HTLCs of this peer wait for their next channels"});
  expect_no_failure(receive_from(peer(2), htlc(next_id + 1, std::nullopt)));
  EXPECT_EQ(state(next_id + 1), "waiting");
  l.pass(kClientForwardWaitMs);
  l.step(DeadlineReached{});
  expect_no_failure(receive_from(peer(1), htlc(next_id + 2, std::nullopt)));  // its places are free again
}

TEST_F(Waking, and_goes_when_its_channel_is_usable) {
  receive(htlc(0, std::nullopt));
  l.pass(kClientForwardWaitMs - 1);
  expect_forwarded(l.usable(2), 0);
  l.pass(kClientForwardWaitMs);
  expect_no_failure(l.step(DeadlineReached{}));
}

TEST_F(Waking, a_client_that_got_mail_in_the_last_ten_minutes_is_waited_for) {
  l.peers.erase(world.m.id);
  l.step(ClientAwake{world.m.id});
  l.pass(kClientAwakeWindowMs - 1);
  receive(htlc(0, std::nullopt));
  EXPECT_EQ(state(0), "waiting");
  l.pass(1);
  expect_failed(receive(htlc(1, std::nullopt)), 1, onion::kTemporaryChannelFailure);
}

TEST_F(Waking, a_client_that_has_just_left_and_has_no_mail_is_waited_for_as_long_as_a_change_of_networks) {
  auto leaves = [&](std::uint64_t htlc_id, std::uint64_t after) {
    l.see(world.m);
    l.step(PeerReady{world.m.id});
    l.peers.erase(world.m.id);
    l.step(PeerGone{world.m.id});
    l.pass(after);
    return receive(htlc(htlc_id, std::nullopt));
  };
  expect_no_failure(leaves(0, kClientBlinkMs - 1));
  EXPECT_EQ(state(0), "waiting");
  EXPECT_EQ(l.deadline(), after_ms(l.mono, kClientBlinkMs));
  expect_failed(l.next_deadline(), 0, onion::kTemporaryChannelFailure);
  expect_failed(leaves(1, kClientBlinkMs), 1, onion::kTemporaryChannelFailure);
  expect_no_failure(leaves(2, kClientBlinkMs - 1));
  expect_forwarded(l.usable(2), 2);
}

TEST_F(Waking, an_htlc_that_was_dropped_with_the_connection_is_not_kept_for_a_peer_without_mail) {
  l.usable(2);
  receive(htlc(0, std::nullopt));
  ASSERT_EQ(state(0), "forwarded");
  l.peers.erase(world.m.id);
  l.step(PeerGone{world.m.id});
  l.unusable(2);
  l.step(HtlcRefused{origin(0), channel_id(2), AddRefusal::NotUsable});
  EXPECT_EQ(l.deadline(), after_ms(l.mono, kClientBlinkMs));
  expect_failed(l.next_deadline(), 0, onion::kTemporaryChannelFailure);
}

TEST_F(Waking, an_htlc_with_the_least_final_delta_of_other_implementations_is_forwarded) {
  l.usable(2);
  l.tip = BlockHeight(1'000 - 10);  // Core Lightning's payees on test networks ask for 10
  expect_forwarded(receive(htlc(0, std::nullopt)), 0);
  l.tip = BlockHeight(1'000 - 9);  // and the payer is one block behind
  expect_forwarded(receive(htlc(1, std::nullopt)), 1);
}

TEST_F(Waking, waiting_ones_never_wait_past_their_deadline) {
  receive(htlc(0, std::nullopt));
  expect_no_failure(l.block(1'000 - 9));
  expect_failed(l.block(1'000 - 8), 0, onion::kTemporaryNodeFailure);
}

TEST_F(Waking, after_a_restart_they_wait_anew) {
  receive(htlc(0, std::nullopt));
  l.pass(kClientForwardWaitMs - 1);
  l.restart();
  EXPECT_EQ(l.deadline(), after_ms(l.mono, kClientForwardWaitMs));
  expect_forwarded(l.usable(2), 0);
}

}  // namespace
}  // namespace doze::forwarding::testing
