// Released HTLCs that wait for room in their channel, releases that come early, and how much may be held.
#include "holds.h"

namespace doze::forwarding::testing {
namespace {

struct Waits : Holds {
  /// Its channel has `free` slots; every HTLC that it takes uses one.
  std::size_t free = 0;
  std::vector<std::uint64_t> offered;  // incoming ids, in order

  /// The channel answers what was offered to it in this step, and what follows.
  Effects answered(Effects effects, AddRefusal why = AddRefusal::TooManyHtlcs) {
    Effects out = effects;
    for (std::size_t at = 0; at < out.size(); ++at) {
      const auto* add = std::get_if<AddHtlc>(&out[at]);
      if (add == nullptr) continue;
      auto from = std::get<ForwardOrigin>(add->origin);
      Effects more;
      if (free == 0) {
        more = l.step(HtlcRefused{from, channel_id(2), why});
      } else {
        --free;
        offered.push_back(from.htlc_id);
        l.channels.at(channel_id(2)).offered_htlcs.insert(from.htlc_id);
        more = l.step(HtlcAdded{from, channel_id(2), from.htlc_id});
      }
      out.insert(out.end(), more.begin(), more.end());
    }
    return out;
  }
  /// One of its HTLCs is gone, and time goes on.
  Effects a_slot_comes_free(std::size_t slots = 1) {
    free += slots;
    auto& in_channel = l.channels.at(channel_id(2)).offered_htlcs;
    for (; slots > 0 && !in_channel.empty(); --slots) in_channel.erase(in_channel.begin());
    return answered(l.next_deadline());
  }
};

TEST_F(Waits, a_released_one_waits_while_its_channel_is_full_and_leaves_when_there_is_room) {
  for (auto why : {AddRefusal::TooManyHtlcs, AddRefusal::TooMuchInFlight, AddRefusal::InsufficientFunds,
                   AddRefusal::DustExposure}) {
    auto id = static_cast<std::uint64_t>(why);
    receive(htlc(id));
    l.channels.at(channel_id(2)).offered_htlcs = {100, 101};
    expect_no_failure(answered(release(id), why));
    EXPECT_EQ(state(id), "released");
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(of<AddHtlc>(l.next_deadline()).empty());  // nothing has changed
    a_slot_comes_free();
    EXPECT_EQ(state(id), "forwarded") << name(why);
  }
}

TEST_F(Waits, one_that_was_added_and_never_signed_waits_for_room_again) {
  receive(htlc(0));
  expect_forwarded(release(0), 0);
  l.step(HtlcAdded{origin(0), channel_id(2), 7});
  expect_no_failure(l.step(HtlcRefused{origin(0), channel_id(2), AddRefusal::InsufficientFunds}));
  EXPECT_EQ(state(0), "released");
  l.pass(30'000);
  expect_forwarded(l.step(DeadlineReached{}), 0);
}

TEST_F(Waits, they_leave_in_the_order_of_their_releases_also_one_that_is_released_when_there_is_room_again) {
  for (std::uint64_t id = 0; id < 6; ++id) receive(htlc(id));
  l.channels.at(channel_id(2)).offered_htlcs = {100, 101, 102, 103, 104, 105};
  for (std::uint64_t id : {3, 1, 4, 0}) answered(release(id));
  free = 1;
  answered(release(5));  // there is room for one, but others wait
  EXPECT_TRUE(offered.empty());
  a_slot_comes_free(2);
  EXPECT_EQ(offered, (std::vector<std::uint64_t>{3, 1, 4}));
  a_slot_comes_free(2);
  EXPECT_EQ(offered, (std::vector<std::uint64_t>{3, 1, 4, 0, 5}));
  free = 1;
  answered(release(2));
  EXPECT_EQ(state(2), "forwarded");
}

TEST_F(Waits, one_that_is_too_large_does_not_stop_those_behind_it) {
  for (std::uint64_t id = 0; id < 3; ++id) receive(htlc(id));
  answered(release(0), AddRefusal::InsufficientFunds);
  release(1);
  release(2);
  l.pass(30'000);
  auto first = l.step(DeadlineReached{});
  expect_forwarded(first, 0);
  auto second = l.step(HtlcRefused{origin(0), channel_id(2), AddRefusal::InsufficientFunds});
  expect_forwarded(second, 1);
  auto third = l.step(HtlcAdded{origin(1), channel_id(2), 1});
  expect_forwarded(third, 2);
  EXPECT_EQ(state(0), "released");
}

TEST_F(Waits, one_for_which_no_room_comes_is_failed_at_its_deadline_and_not_before) {
  receive(htlc(0));
  answered(release(0));
  expect_no_failure(answered(l.block(1'000 - 39 - 1)));
  EXPECT_EQ(state(0), "released");
  expect_failed(l.block(1'000 - 39), 0, onion::kTemporaryNodeFailure);
}

TEST_F(Waits, after_a_restart_they_leave_in_the_order_in_which_they_came) {
  for (std::uint64_t id : {2, 0, 1}) {
    receive(htlc(id));
    l.pass(1'000);
  }
  for (std::uint64_t id : {0, 1, 2}) answered(release(id));
  l.restart();
  free = 3;
  answered(l.usable(2));
  EXPECT_EQ(offered, (std::vector<std::uint64_t>{2, 0, 1}));
}

TEST_F(Waits, an_ordinary_forward_does_not_wait_for_room) {
  EXPECT_EQ(of<FailHtlc>(answered(receive(htlc(0, std::nullopt)))).size(), 1U);
}

TEST_F(Waits, an_ordinary_forward_to_a_client_that_was_sent_mail_waits_for_room_a_while) {
  l.step(ClientAwake{world.m.id});
  l.channels.at(channel_id(2)).offered_htlcs = {100, 101};
  receive(htlc(1));
  expect_no_failure(answered(receive(htlc(0, std::nullopt))));
  EXPECT_EQ(state(0), "waiting");
  answered(release(1));  // behind it
  a_slot_comes_free(2);
  EXPECT_EQ(offered, (std::vector<std::uint64_t>{0, 1}));
  free = 0;
  answered(receive(htlc(2, std::nullopt)));
  EXPECT_EQ(state(2), "waiting");
  l.pass(kClientForwardWaitMs);
  EXPECT_EQ(of<FailHtlc>(l.step(DeadlineReached{})).size(), 1U);
  EXPECT_EQ(l.reasons("forward_failed"), std::vector<std::string>{"the outgoing channel stayed full"});
}

TEST_F(Waits, ordinary_forwards_that_wait_for_room_are_so_many_for_each_channel) {
  l.step(ClientAwake{world.m.id});
  for (std::uint64_t id = 0; id < kMaxWaitingForChannel; ++id)
    expect_no_failure(answered(receive(htlc(id, std::nullopt))));
  auto one_more = kMaxWaitingForChannel;
  EXPECT_EQ(of<FailHtlc>(answered(receive(htlc(one_more, std::nullopt)))).size(), 1U);
  EXPECT_EQ(state(one_more), "failed");
  EXPECT_EQ(l.reasons("forward_failed"), std::vector<std::string>{"too many HTLCs wait for the next channel"});
}

// ---- early releases ----

TEST_F(Waits, an_early_release_is_forgotten_when_its_htlc_does_not_come) {
  l.channels.at(channel_id(1)).received_htlcs.insert(7);  // it stays in the channel, refused before it had a row
  release(7);
  EXPECT_EQ(state(7), "early");
  for (std::uint64_t passed = 0; passed < kEarlyLifeS * 1'000; passed += kEarlyCheckMs) {
    EXPECT_EQ(l.count(Table::Forward), 1U);
    l.next_deadline();
  }
  EXPECT_EQ(state(7), "none");
  EXPECT_EQ(l.count(Table::Forward), 0U);
  EXPECT_EQ(l.deadline(), std::nullopt);
}

TEST_F(Waits, early_releases_are_so_many_for_each_channel_and_for_all) {
  auto release_many = [&](std::uint8_t channel) {
    for (std::uint64_t id = 0; id < kMaxEarlyPerChannel + 10; ++id) {
      l.channels.at(channel_id(channel)).received_htlcs.insert(id);
      release(id, channel);
    }
  };
  release_many(1);
  EXPECT_EQ(l.count(Table::Forward), kMaxEarlyPerChannel);
  for (std::uint8_t channel = 4; channel <= 30; ++channel) {
    l.add_channel(world.s.id, channel);
    release_many(channel);
  }
  EXPECT_EQ(l.count(Table::Forward), kMaxEarly);
}

TEST_F(Waits, a_start_keeps_only_early_releases_whose_htlc_is_still_in_its_channel) {
  auto& in_channel = l.channels.at(channel_id(1)).received_htlcs;
  in_channel = {7, 8};
  release(7);
  release(8);
  in_channel.erase(8);
  l.restart();
  EXPECT_EQ(state(7), "early");
  EXPECT_EQ(state(8), "none");
  EXPECT_EQ(l.count(Table::Forward), 1U);
}

// ---- how much is held ----

struct Caps : Holds {
  /// As many held rows as if `peer` had sent them over other channels.
  void fill(std::size_t count, const NodeId& peer) {
    receive(htlc(0));
    auto& forwards = l.forwarding.inside->forwards;
    auto row = forwards.at({channel_id(1), 0});
    row.peer = peer;
    for (std::size_t i = 0; i < count; ++i) {
      row.incoming.channel_id.bytes = {9, static_cast<std::uint8_t>(i / 100)};
      row.incoming.htlc_id = i;
      forwards.add(row);
    }
  }
  Effects receive_small(std::uint64_t id, Msat amount) {
    auto small = htlc(id);
    std::vector<onion::Hop> hops{
        {l.id, onion::with_length(onion::encode(onion::ForwardPayload{Msat(amount.value() - 2'000), out, scid(2)}))},
        {world.m.id, onion::with_length(Bytes{0xff, 0})}};
    small.onion_routing_packet = *onion::build_packet(key(74), hops, hash(1).view(), onion::kPaymentPayloads);
    small.amount_msat = amount;
    return receive(small);
  }
};

TEST_F(Caps, a_peer_has_so_many_over_all_of_its_channels) {
  fill(kMaxHeldPerPeer - 1, world.s.id);
  expect_failed(receive(htlc(1)), 1, onion::kTemporaryNodeFailure);
  EXPECT_EQ(l.reasons("hold_failed"), std::vector<std::string>{"too many held HTLCs of this peer"});
  release(0);
  receive(htlc(2));
  EXPECT_EQ(state(2), "held");
}

TEST_F(Caps, the_holds_of_a_peer_are_counted_again_after_a_start) {
  receive(htlc(0));
  l.restart();
  const auto& index = std::as_const(l.forwarding.inside->forwards).index();
  EXPECT_EQ(ForwardIndex::count(index.held_of, world.s.id), 1U);
  EXPECT_EQ(ForwardIndex::count(index.held_in, channel_id(1)), 1U);
  EXPECT_EQ(index.total_held, Msat(50'010'000));
}

TEST_F(Caps, a_hold_has_a_least_amount_and_a_larger_one_when_half_of_all_places_are_taken) {
  expect_failed(receive_small(1, Msat(kMinHeld.value() - 1)), 1, onion::kAmountBelowMinimum);
  receive_small(2, kMinHeld);
  EXPECT_EQ(state(2), "held");
  fill(kMaxHeldPerNode / 2, crypto::public_key(key(90)));
  expect_failed(receive_small(3, Msat(kMinHeldWhenBusy.value() - 1)), 3, onion::kAmountBelowMinimum);
  receive_small(4, kMinHeldWhenBusy);
  EXPECT_EQ(state(4), "held");
}

}  // namespace
}  // namespace doze::forwarding::testing
