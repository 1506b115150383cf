// The hold ledger at L: held, released, forwarded, settled or failed, each once and in time.
#include "holds.h"
#include "payment/test/pages.h"

namespace doze::forwarding::testing {
namespace {

// [B2-fwd-06, B4-blind-13, AP-hold-03, AP-hold-04]
TEST_F(Holds, a_held_htlc_stays_until_it_is_released_and_is_settled_by_the_preimage) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    std::uint64_t id = profile == Profile::Ldk ? 0 : 1;
    auto effects = receive(htlc(id, profile));
    EXPECT_TRUE(of<AddHtlc>(effects).empty());
    expect_no_failure(effects);
    ASSERT_EQ(of<Put>(effects).size(), 1U);
    EXPECT_EQ(of<Put>(effects)[0].table, Table::Forward);
    EXPECT_EQ(state(id), "held");
    auto released = l.step(release_over(world.r.id, release_context(l, channel_id(1), id, profile)));
    expect_forwarded(released, id);
    EXPECT_FALSE(of<Put>(released).empty());  // the same batch as the offered HTLC
    l.step(HtlcAdded{origin(id), channel_id(2), 70 + id});
    auto settled = l.step(HtlcFulfilled{origin(id), channel_id(2), 70 + id, preimage(1)});
    ASSERT_EQ(of<FulfillHtlc>(settled).size(), 1U);
    EXPECT_EQ(of<FulfillHtlc>(settled)[0].channel_id, channel_id(1));
    EXPECT_EQ(of<FulfillHtlc>(settled)[0].htlc_id, id);
    expect_no_failure(settled);
    EXPECT_EQ(state(id), "settled");
  }
}

TEST_F(Holds, without_the_flag_it_is_forwarded_at_once) {
  expect_forwarded(receive(htlc(0, std::nullopt)), 0);
}

// [B2-dust-01]
TEST_F(Holds, too_much_dust_is_neither_held_nor_forwarded) {
  std::uint64_t id = 0;
  for (auto hold : {std::optional(Profile::Ldk), std::optional<Profile>()}) {
    HtlcReceived word{channel_id(1), world.s.id, htlc(id, hold), true};
    l.channels.at(channel_id(1)).received_htlcs.insert(id);
    expect_failed(l.step(word), id, onion::kTemporaryChannelFailure);
    ++id;
  }
}

// [B2-shut-06]
TEST_F(Holds, an_htlc_that_was_added_after_our_shutdown_is_neither_held_nor_forwarded) {
  std::uint64_t id = 0;
  for (auto hold : {std::optional(Profile::Ldk), std::optional<Profile>()}) {
    HtlcReceived word{channel_id(1), world.s.id, htlc(id, hold)};
    word.after_shutdown = true;
    l.channels.at(channel_id(1)).received_htlcs.insert(id);
    expect_failed(l.step(word), id, onion::kTemporaryChannelFailure);
    ++id;
  }
}

TEST_F(Holds, a_second_release_does_nothing_in_any_later_state) {
  receive(htlc(0));
  expect_forwarded(release(0), 0);
  EXPECT_TRUE(release(0).empty());
  l.step(HtlcAdded{origin(0), channel_id(2), 70});
  EXPECT_TRUE(release(0).empty());
  l.step(HtlcFulfilled{origin(0), channel_id(2), 70, preimage(1)});
  EXPECT_TRUE(release(0).empty());
  receive(htlc(1));
  l.command(command::FailHold{channel_id(1), 1});
  EXPECT_TRUE(release(1).empty());
  l.restart();
  EXPECT_TRUE(release(0).empty());
  EXPECT_TRUE(release(1).empty());
}

TEST_F(Holds, a_release_for_an_htlc_that_is_not_there_does_nothing) {
  EXPECT_TRUE(release(0).empty());      // never was
  EXPECT_TRUE(release(0, 77).empty());  // nor its channel
  receive(htlc(0, std::nullopt));
  EXPECT_TRUE(release(0).empty());  // not held
  EXPECT_EQ(l.count(Table::Forward), 1U);
}

TEST_F(Holds, a_release_before_the_commitment_is_durable_and_acts_at_commitment) {
  for (bool restart : {false, true}) {
    std::uint64_t id = restart ? 1 : 0;
    l.channels.at(channel_id(1)).received_htlcs.insert(id);  // proposed
    auto early = release(id);
    ASSERT_EQ(of<Put>(early).size(), 1U);
    EXPECT_TRUE(of<AddHtlc>(early).empty());
    EXPECT_EQ(state(id), "early");
    EXPECT_TRUE(release(id).empty());
    if (restart) {
      l.restart();
      l.usable(1);
      l.usable(2);
      EXPECT_TRUE(l.all<AddHtlc>().empty());
    }
    expect_forwarded(receive(htlc(id)), id);
  }
}

TEST_F(Holds, an_early_release_does_not_stay_behind_when_the_onion_is_bad) {
  l.channels.at(channel_id(1)).received_htlcs.insert(0);
  release(0);
  auto bad = htlc(0);
  bad.onion_routing_packet[100] ^= 1;
  auto effects = receive(bad);
  EXPECT_EQ(of<FailMalformedHtlc>(effects).size(), 1U);
  EXPECT_EQ(l.count(Table::Forward), 0U);
  EXPECT_EQ(state(0), "none");
}

TEST_F(Holds, an_early_release_does_not_pass_the_checks_of_a_hold) {
  l.channels.at(channel_id(1)).received_htlcs.insert(0);
  release(0);
  auto cheap = htlc(0);
  cheap.amount_msat = Msat(50'000'000);
  expect_failed(receive(cheap), 0, onion::kFeeInsufficient);
}

// [AP-held-04]
TEST_F(Holds, forged_paths_release_nothing) {
  receive(htlc(0));
  auto good = release_context(l, channel_id(1), 0);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    EXPECT_TRUE(l.step(release_over(world.r.id, bad)).empty()) << bit;
  }
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_TRUE(l.step(release_over(world.r.id, Bytes(good.begin(), good.begin() + cut))).empty());
  EXPECT_TRUE(l.step(release_over(world.r.id, std::nullopt)).empty());
  EXPECT_TRUE(l.step(release_over(world.r.id, release_context(world.m, channel_id(1), 0))).empty());
  EXPECT_TRUE(release(1).empty());
  EXPECT_EQ(state(0), "held");
  expect_forwarded(l.step(release_over(world.r.id, good)), 0);
}

// The ids of HTLCs begin at 0 in each channel: a path that was used, and one that never was, name their channel.
TEST_F(Holds, releases_for_a_channel_that_is_gone_do_nothing_for_the_same_ids_of_a_new_one) {
  receive(htlc(0));
  receive(htlc(1));
  expect_forwarded(release(0), 0);
  l.channels.erase(channel_id(1));
  l.step(ChannelClosed{channel_id(1)});
  World::join(world.s, l, 5);
  for (bool restart : {false, true}) {
    SCOPED_TRACE(restart);
    if (restart) {
      l.restart();
      l.usable(2);
      l.usable(5);
    } else {
      receive(htlc(0, Profile::Ldk, 1, 5));
      receive(htlc(1, Profile::Ldk, 1, 5));
    }
    for (int repeat = 0; repeat < 1'000; ++repeat)
      for (std::uint64_t id : {0U, 1U}) EXPECT_TRUE(of<AddHtlc>(release(id)).empty());
    EXPECT_EQ(state(0, 5), "held");
    EXPECT_EQ(state(1, 5), "held");
  }
  expect_forwarded(release(1, 5), 1, 5);
  EXPECT_EQ(state(0, 5), "held");
}

// [B2-add-13]
TEST_F(Holds, equal_payment_hashes_are_different_htlcs) {
  World::join(world.s, l, 5);
  receive(htlc(0));
  receive(htlc(1));
  receive(htlc(0, Profile::Ldk, 1, 5));
  expect_forwarded(release(1), 1);
  EXPECT_EQ(state(0), "held");
  EXPECT_EQ(state(0, 5), "held");
  expect_forwarded(release(0, 5), 0, 5);
  EXPECT_EQ(state(0), "held");
  l.step(HtlcAdded{origin(1), channel_id(2), 70});
  auto settled = l.step(HtlcFulfilled{origin(1), channel_id(2), 70, preimage(1)});
  ASSERT_EQ(of<FulfillHtlc>(settled).size(), 1U);
  EXPECT_EQ(of<FulfillHtlc>(settled)[0].htlc_id, 1U);
  EXPECT_EQ(state(0), "held");
}

// [B4-err-04]
TEST_F(Holds, a_failure_downstream_comes_back_once_in_a_layer_of_ours) {
  receive(htlc(0));
  release(0);
  l.step(HtlcAdded{origin(0), channel_id(2), 70});
  auto secrets = onion::shared_secrets(key(74), {l.id, world.m.id});
  auto effects =
      l.step(HtlcFailed{origin(0), channel_id(2), 70,
                        onion::own_failure(secrets[1], onion::kIncorrectOrUnknownPaymentDetails, Bytes(12))});
  ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
  auto read = onion::decode_failure(secrets, of<FailHtlc>(effects)[0].reason);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->hop, 1U);
  EXPECT_EQ(read->code, onion::kIncorrectOrUnknownPaymentDetails);
  EXPECT_EQ(state(0), "failed");
  EXPECT_TRUE(l.step(HtlcFailed{origin(0), channel_id(2), 70, Bytes(256)}).empty());
  // A preimage after that cannot be: it is told, and nothing goes upstream.
  auto late = l.step(HtlcFulfilled{origin(0), channel_id(2), 70, preimage(1)});
  EXPECT_TRUE(of<FulfillHtlc>(late).empty());
  EXPECT_EQ(of<Notify>(late).size(), 1U);
}

/// The preimage is kept for the channel all the same.
TEST_F(Holds, a_settlement_whose_incoming_channel_is_closed_is_told_as_a_loss) {
  receive(htlc(0));
  release(0);
  l.step(HtlcAdded{origin(0), channel_id(2), 70});
  l.channels.at(channel_id(1)).phase = ChannelPhase::Closed;
  auto effects = l.step(HtlcFulfilled{origin(0), channel_id(2), 70, preimage(1)});
  EXPECT_EQ(of<FulfillHtlc>(effects).size(), 1U);
  ASSERT_EQ(of<Notify>(effects).size(), 1U);
  EXPECT_EQ(of<Notify>(effects)[0].event, Event("forward_not_collected"));
  EXPECT_EQ(of<Notify>(effects)[0].severity, Severity::Error);
  EXPECT_NE(l.forward({channel_id(1), 0})->failure, "");
}

// ---- waiting for the next channel ----

TEST_F(Holds, a_released_one_waits_durably_for_its_channel) {
  l.unusable(2);
  receive(htlc(0));
  auto released = release(0);
  EXPECT_TRUE(of<AddHtlc>(released).empty());
  EXPECT_EQ(state(0), "released");
  l.restart();
  EXPECT_EQ(state(0), "released");
  EXPECT_TRUE(l.usable(1).empty());
  expect_forwarded(l.usable(2), 0);
}

TEST_F(Holds, a_channel_that_refuses_because_it_just_went_away_is_waited_for) {
  receive(htlc(0));
  expect_forwarded(release(0), 0);
  l.channels.at(channel_id(2)).usable = false;
  expect_no_failure(l.step(HtlcRefused{origin(0), channel_id(2), AddRefusal::NotUsable}));
  EXPECT_EQ(state(0), "released");
  l.pass(10 * kClientForwardWaitMs);
  expect_no_failure(l.step(DeadlineReached{}));
  expect_forwarded(l.usable(2), 0);
  expect_failed(l.step(HtlcRefused{origin(0), channel_id(2), AddRefusal::BelowMinimum}), 0,
                onion::kTemporaryChannelFailure);
}

TEST_F(Holds, a_channel_that_is_gone_fails_it) {
  receive(htlc(0));
  l.channels.at(channel_id(2)).phase = ChannelPhase::ForceClosing;
  l.channels.at(channel_id(2)).usable = false;
  expect_failed(release(0), 0, onion::kUnknownNextPeer);
}

TEST_F(Holds, one_whose_own_channel_is_closing_on_chain_is_not_offered) {
  receive(htlc(0));
  l.channels.at(channel_id(1)).phase = ChannelPhase::ForceClosing;
  l.channels.at(channel_id(1)).usable = false;
  EXPECT_TRUE(of<AddHtlc>(release(0)).empty());
  EXPECT_EQ(state(0), "failed");
}

TEST_F(Holds, a_released_one_whose_own_channel_is_closing_on_chain_is_not_offered_when_the_next_one_is_back) {
  l.unusable(2);
  receive(htlc(0));
  release(0);
  l.channels.at(channel_id(1)).phase = ChannelPhase::Closed;
  l.channels.at(channel_id(1)).usable = false;
  EXPECT_TRUE(of<AddHtlc>(l.usable(2)).empty());
  EXPECT_EQ(state(0), "failed");
}

// ---- limits ----

TEST_F(Holds, one_channel_holds_so_many_and_the_next_is_a_temporary_failure) {
  for (std::uint64_t id = 0; id < kMaxHeldPerChannel; ++id) receive(htlc(id));
  EXPECT_EQ(state(kMaxHeldPerChannel - 1), "held");
  expect_failed(receive(htlc(kMaxHeldPerChannel)), kMaxHeldPerChannel, onion::kTemporaryNodeFailure);
  expect_forwarded(receive(htlc(2'000, std::nullopt)), 2'000);  // what is not to be held has the other half
  // A released one that waits still counts; one that has gone on makes room.
  l.channels.at(channel_id(2)).usable = false;
  release(0);
  expect_failed(receive(htlc(1'000)), 1'000, onion::kTemporaryNodeFailure);
  l.usable(2);
  EXPECT_EQ(state(0), "forwarded");
  receive(htlc(1'001));
  EXPECT_EQ(state(1'001), "held");
}

TEST_F(Holds, a_channel_with_fewer_slots_holds_half_of_them) {
  l.channels.at(channel_id(1)).max_held_received = 2;
  receive(htlc(0));
  receive(htlc(1));
  expect_failed(receive(htlc(2)), 2, onion::kTemporaryNodeFailure);
}

TEST_F(Holds, the_node_holds_so_many_and_the_next_is_a_temporary_failure) {
  receive(htlc(0));
  auto& forwards = l.forwarding.inside->forwards;
  auto row = forwards.at({channel_id(1), 0});
  for (std::uint32_t i = 1; i < kMaxHeldPerNode; ++i) {
    row.incoming.channel_id.bytes = {9, static_cast<std::uint8_t>(i / 100)};
    row.incoming.htlc_id = i;
    row.peer.bytes = {2, static_cast<std::uint8_t>(i / 400)};
    forwards.add(row);
  }
  ASSERT_EQ(forwards.size(), kMaxHeldPerNode);
  EXPECT_EQ(of<FailHtlc>(receive(htlc(1))).size(), 1U);
  EXPECT_EQ(l.reasons("hold_failed"), std::vector<std::string>{"too many held HTLCs"});
  release(0);
  receive(htlc(2));
  EXPECT_EQ(state(2), "held");
}

// [B2-fwd-05]
TEST_F(Holds, an_expiry_too_far_away_is_refused) {
  auto tip = l.tip.value();
  receive(htlc_until(0, CltvExpiry(tip + 2016), out));
  EXPECT_EQ(state(0), "held");
  expect_failed(receive(htlc_until(1, CltvExpiry(tip + 2017), out)), 1, onion::kExpiryTooFar);
  expect_failed(receive(htlc_until(2, CltvExpiry(tip + 2017), out, std::nullopt)), 2, onion::kExpiryTooFar);
}

// [AP-hold-08]
TEST_F(Holds, only_a_server_that_offers_the_profile_holds) {
  l.config.offers_draft_hold = false;
  receive(htlc(0, Profile::Ldk));
  EXPECT_EQ(state(0), "held");
  expect_failed(receive(htlc(1, Profile::Draft)), 1, onion::kTemporaryNodeFailure);
  l.config.offers_ldk_hold = false;
  expect_failed(receive(htlc(2, Profile::Ldk)), 2, onion::kTemporaryNodeFailure);
  l.config.offers_ldk_hold = l.config.offers_draft_hold = true;
  l.config.role = Role::Client;
  expect_failed(receive(htlc(3)), 3, onion::kTemporaryNodeFailure);
}

// The operator changes the configuration and starts again, whatever is under way.
TEST_F(Holds, holds_that_are_there_go_on_when_holding_is_switched_off) {
  receive(htlc(0));                                       // released afterwards
  receive(htlc(1));                                       // released while the next channel is away, before
  receive(htlc(2));                                       // never released
  l.channels.at(channel_id(1)).received_htlcs.insert(3);  // released before it was committed
  release(3);
  l.unusable(2);
  release(1);
  l.config.offers_ldk_hold = l.config.offers_draft_hold = false;
  l.config.hold_window_blocks = 0;
  l.restart();
  l.usable(1);
  auto back = l.usable(2);
  expect_forwarded(back, 1);
  expect_forwarded(release(0), 0);
  EXPECT_EQ(state(2), "held");
  expect_failed(receive(htlc(3)), 3, onion::kTemporaryNodeFailure);  // no new one: it is said, not held in silence
  expect_failed(receive(htlc(4)), 4, onion::kTemporaryNodeFailure);
  auto deadline = l.forward({channel_id(1), 2})->fail_back.value();
  expect_no_failure(l.block(deadline - 1));
  expect_failed(l.block(deadline), 2, onion::kTemporaryNodeFailure);
  EXPECT_EQ(state(0), "forwarded");
  EXPECT_EQ(state(1), "forwarded");
}

// ---- a funding that left the chain ----

TEST_F(Holds, nothing_is_taken_or_forwarded_while_the_incoming_channels_funding_is_out_of_the_chain) {
  receive(htlc(0));
  auto& from = l.channels.at(channel_id(1));
  from.reorganised = true;
  l.unusable(1);
  auto released = release(0);
  EXPECT_TRUE(of<AddHtlc>(released).empty());
  expect_no_failure(released);
  EXPECT_EQ(state(0), "released");
  EXPECT_TRUE(of<AddHtlc>(l.usable(2)).empty());
  for (auto hold : {std::optional(Profile::Ldk), std::optional<Profile>()}) {
    std::uint64_t id = hold ? 1 : 2;
    expect_failed(receive(htlc(id, hold)), id, onion::kTemporaryChannelFailure);
  }
  from.reorganised = false;
  expect_forwarded(l.usable(1), 0);
}

// ---- deadlines ----

// [B2-rem-01]
TEST_F(Holds, it_is_failed_back_39_blocks_before_the_outgoing_expiry) {
  receive(htlc(0));
  expect_no_failure(l.block(1'000 - 39 - 1));
  EXPECT_EQ(state(0), "held");
  expect_failed(l.block(1'000 - 39), 0, onion::kTemporaryNodeFailure);
  EXPECT_TRUE(of<FailHtlc>(l.block(1'000 - 38)).empty());
}

// [B2-fwd-04]
TEST_F(Holds, or_72_blocks_before_the_incoming_expiry_if_that_is_sooner) {
  l.config.fees.cltv_expiry_delta = CltvDelta(20);
  receive(htlc_until(0, CltvExpiry(1'020), out));
  expect_no_failure(l.block(1'020 - 72 - 1));
  expect_failed(l.block(1'020 - 72), 0, onion::kTemporaryNodeFailure);
}

TEST_F(Holds, one_that_would_have_to_fail_at_once_is_not_taken) {
  l.tip = BlockHeight(1'000 - 39);
  expect_failed(receive(htlc(0)), 0, onion::kExpiryTooSoon);
  l.tip = BlockHeight(1'000 - 40);
  receive(htlc(1));
  EXPECT_EQ(state(1), "held");
}

TEST_F(Holds, released_but_waiting_ones_are_failed_back_too_forwarded_ones_never) {
  l.unusable(2);
  receive(htlc(0));
  release(0);
  expect_failed(l.block(1'000 - 39), 0, onion::kTemporaryNodeFailure);
  l.tip = BlockHeight(800);
  l.usable(2);
  receive(htlc(1));
  release(1);
  l.step(HtlcAdded{origin(1), channel_id(2), 70});
  expect_no_failure(l.block(1'000 - 39));
  expect_no_failure(l.block(1'100));
  EXPECT_EQ(state(1), "forwarded");
}

TEST_F(Holds, a_release_at_the_height_of_the_failure_is_too_late) {
  receive(htlc(0));
  l.tip = BlockHeight(1'000 - 39);  // the block comes in the next step
  expect_failed(release(0), 0, onion::kTemporaryChannelFailure);
  EXPECT_TRUE(of<FailHtlc>(l.block(1'000 - 39)).empty());
}

TEST_F(Holds, deadlines_that_passed_while_the_node_was_down_are_acted_on_at_start) {
  receive(htlc(0));
  receive(htlc(1));
  release(1);
  l.step(HtlcAdded{origin(1), channel_id(2), 70});
  l.tip = BlockHeight(1'000 - 39);
  auto effects = l.restart();
  expect_failed(effects, 0, onion::kTemporaryNodeFailure);
  EXPECT_EQ(state(1), "forwarded");
  l.tip = BlockHeight(800);
  receive(htlc(2));
  EXPECT_TRUE(of<FailHtlc>(l.restart()).empty());
}

TEST_F(Holds, failed_rows_beyond_their_number_push_out_the_oldest_failed_one_and_no_settled_one) {
  receive(htlc(0));
  release(0);
  l.step(HtlcFulfilled{origin(0), channel_id(2), 0, preimage(1)});
  gone(0);
  for (std::uint64_t id : {1, 2, 3}) {
    l.pass(1'000);
    receive(htlc(id));
    l.command(command::FailHold{channel_id(1), id});
    gone(id);
  }
  auto& failed = l.forwarding.inside->failed;
  EXPECT_EQ(failed.size(), 3U);
  l.note({failed.add(kMaxFailedForwards - 2)});  // as if there were so many
  l.restart();
  EXPECT_EQ(state(1), "none");
  for (std::uint64_t id : {2, 3}) EXPECT_EQ(state(id), "failed");
  EXPECT_EQ(state(0), "settled");
  EXPECT_EQ(l.forwarding.inside->failed.size(), kMaxFailedForwards);
  l.restart();
  EXPECT_EQ(state(2), "failed");
}

// ---- what is over ----

TEST_F(Holds, what_is_over_leaves_memory_and_is_listed_from_disk) {
  for (std::uint64_t id : {0, 1}) receive(htlc(id));
  release(0);
  l.step(HtlcFulfilled{origin(0), channel_id(2), 0, preimage(1)});
  l.command(command::FailHold{channel_id(1), 1});
  EXPECT_EQ(l.count(Table::Forward), 2U);  // its channel has not let go of them yet
  for (std::uint64_t id : {0, 1}) gone(id);
  EXPECT_EQ(l.forwarding.inside->forwards.size(), 0U);
  EXPECT_EQ(l.count(Table::Forward), 0U);
  EXPECT_EQ(l.count(Table::EndedForward), 2U);
  l.restart();
  EXPECT_EQ(l.forwarding.inside->forwards.size(), 0U);
  auto list = std::get<Value>(of<Reply>(l.command(command::ListForwards{})).at(0).result);
  const auto& rows = std::get<List>(list.find("forwards")->inner());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(text_of(rows[0], "state"), "failed");
  EXPECT_EQ(text_of(rows[0], "failure"), "failed by the operator");
  EXPECT_EQ(text_of(rows[1], "state"), "settled");
}

TEST_F(Holds, a_forward_that_ends_while_a_page_is_read_is_on_it_once) {
  for (bool read_before : {true, false}) {
    l.forwarding = Forwarding();
    l.rows.clear();
    receive(htlc(0));
    release(0);
    l.reads_at_once = false;
    l.command(command::ListForwards{});
    std::vector<RowsRead> early;
    for (const auto& asked : l.asked) early.push_back(std::visit([&](const auto& one) { return l.read(one); }, asked));
    l.step(HtlcFulfilled{origin(0), channel_id(2), 0, preimage(1)});
    gone(0);
    EXPECT_EQ(l.forwarding.inside->forwards.size(), 1U);  // whoever asked before does not see it on disk
    Effects replies;
    if (read_before) {
      l.asked.clear();
      for (const auto& rows : early)
        for (auto& effect : l.step(rows)) replies.push_back(std::move(effect));
    } else {
      replies = l.answer_reads();
    }
    auto list = std::get<Value>(of<Reply>(replies).at(0).result);
    const auto& rows = std::get<List>(list.find("forwards")->inner());
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(text_of(rows[0], "state"), "settled");
    EXPECT_EQ(l.forwarding.inside->forwards.size(), 0U);
    l.reads_at_once = true;
  }
}

TEST_F(Holds, more_rows_of_an_older_program_than_one_piece_move_in_pieces_and_are_listed_meanwhile) {
  receive(htlc(0));
  auto row = *l.forward({channel_id(1), 0});
  l.rows.clear();
  constexpr std::size_t kAll = 2 * kMovedPerStep + 7;
  for (std::size_t i = 0; i < kAll; ++i) {
    row.incoming = {channel_id(1), 100 + i};
    row.state = i % 2 == 0 ? ForwardState::Settled : ForwardState::Failed;
    auto put = record(row);
    l.rows[{put.table, put.key}] = put.value;
  }
  auto started = l.rows;
  for (bool crash : {false, true}) {
    l.rows = started;
    l.restart();
    for (std::size_t left = kAll;;) {
      auto now = l.count(Table::Forward);
      EXPECT_EQ(left - now, std::min(left, kMovedPerStep));
      EXPECT_EQ(now + l.count(Table::EndedForward), kAll);
      EXPECT_EQ(l.forwarding.inside->forwards.size(), now);
      auto& inside = *l.forwarding.inside;
      EXPECT_EQ(inside.settled.size() + inside.failed.size(), kAll - now);
      EXPECT_EQ(payment::testing::paged<command::ListForwards>(l, "forwards", 300).size(), kAll);
      left = now;
      if (left == 0) break;
      if (crash)
        l.restart();
      else
        l.next_deadline();
    }
  }
  EXPECT_EQ(deadline(l.forwarding), std::nullopt);
}

TEST_F(Holds, a_channel_that_closes_while_its_rows_move_does_not_move_them_at_once) {
  receive(htlc(0));
  auto row = *l.forward({channel_id(1), 0});
  l.rows.clear();
  for (std::size_t i = 0; i < 2 * kMovedPerStep; ++i) {
    row.incoming = {channel_id(1), 100 + i};
    row.state = ForwardState::Settled;
    auto put = record(row);
    l.rows[{put.table, put.key}] = put.value;
  }
  l.restart();
  l.step(ChannelClosed{channel_id(1)});
  EXPECT_EQ(l.count(Table::Forward), kMovedPerStep);
  l.next_deadline();
  EXPECT_EQ(l.count(Table::Forward), 0U);
}

TEST_F(Holds, rows_of_an_older_program_that_are_over_move_once_at_the_first_start) {
  receive(htlc(0));
  auto row = *l.forward({channel_id(1), 0});
  for (auto over : {ForwardState::Settled, ForwardState::Failed}) {
    row.state = over;
    row.incoming.htlc_id = 10 + static_cast<std::uint64_t>(over);
    auto old = record(row);
    l.rows[{old.table, old.key}] = old.value;
  }
  l.restart();
  EXPECT_EQ(l.count(Table::Forward), 1U);
  EXPECT_EQ(l.count(Table::EndedForward), 2U);
  EXPECT_EQ(l.forwarding.inside->settled.size(), 1U);
  EXPECT_EQ(l.forwarding.inside->failed.size(), 1U);
  auto stored = l.rows;
  l.restart();
  EXPECT_EQ(l.rows, stored);
}

TEST_F(Holds, what_is_over_leaves_memory_with_its_channel_or_at_a_start_without_its_htlc) {
  for (std::uint64_t id : {0, 1}) {
    receive(htlc(id));
    l.command(command::FailHold{channel_id(1), id});
  }
  l.channels.at(channel_id(1)).received_htlcs.erase(0);  // as if the process had ended right then
  l.restart();
  EXPECT_EQ(l.count(Table::Forward), 1U);
  l.channels.at(channel_id(1)).phase = ChannelPhase::Closed;
  l.step(ChannelClosed{channel_id(1), world.s.id, ""});
  EXPECT_EQ(l.forwarding.inside->forwards.size(), 0U);
  EXPECT_EQ(l.count(Table::EndedForward), 2U);
  EXPECT_EQ(l.forwarding.inside->failed.size(), 2U);
}

/// received_htlcs of a closed channel stays as it was: the release made an early row, which hid the ended one in lists.
TEST_F(Holds, a_release_after_its_channel_closed_makes_no_row) {
  receive(htlc(0));
  l.command(command::FailHold{channel_id(1), 0});
  l.channels.at(channel_id(1)).phase = ChannelPhase::Closed;
  l.step(ChannelClosed{channel_id(1), world.s.id, ""});
  ASSERT_EQ(l.count(Table::EndedForward), 1U);
  ASSERT_TRUE(l.channels.at(channel_id(1)).received_htlcs.contains(0));
  EXPECT_TRUE(of<Put>(release(0)).empty());
  EXPECT_EQ(l.count(Table::Forward), 0U);
  EXPECT_EQ(l.forwarding.inside->forwards.size(), 0U);
}

// ---- the operator ----

TEST_F(Holds, failhold_fails_held_and_released_ones_only) {
  auto error = [&](std::uint64_t id) {
    auto reply = of<Reply>(l.command(command::FailHold{channel_id(1), id}))[0];
    const auto* error = std::get_if<CommandError>(&reply.result);
    return error == nullptr ? std::string() : std::string(name(error->code)) + ": " + error->message;
  };
  EXPECT_EQ(error(0), "not_found: channel_id, htlc_id: no such hold: see listholds");
  receive(htlc(0));
  auto effects = l.command(command::FailHold{channel_id(1), 0});
  expect_failed(effects, 0, onion::kTemporaryNodeFailure);
  EXPECT_EQ(error(0), "refused: the hold is failed: only held or released ones can be failed");
  gone(0);
  EXPECT_EQ(error(0), "not_found: channel_id, htlc_id: no such hold: see listholds");
  receive(htlc(1));
  l.channels.at(channel_id(2)).usable = false;
  release(1);
  EXPECT_EQ(error(1), "");
  EXPECT_EQ(state(1), "failed");
  l.channels.at(channel_id(2)).usable = true;
  receive(htlc(2));
  release(2);
  EXPECT_EQ(error(2), "refused: the hold is forwarded: only held or released ones can be failed");
  receive(htlc(3, std::nullopt));
  EXPECT_EQ(error(3), "not_found: channel_id, htlc_id: no such hold: see listholds");
}

TEST_F(Holds, listholds_shows_the_fail_back_height) {
  receive(htlc(0));
  auto reply = of<Reply>(l.command(command::ListHolds{}))[0];
  const auto& value = std::get<Value>(reply.result);
  const auto& holds = std::get<List>(value.find("holds")->inner());
  ASSERT_EQ(holds.size(), 1U);
  EXPECT_EQ(text_of(holds[0], "state"), "held");
  EXPECT_EQ(number_of(holds[0], "fail_back_height"), 1'000U - 39);
  EXPECT_EQ(number_of(holds[0], "fail_back_blocks"), 161U);
  EXPECT_EQ(number_of(value, "total_msat"), 50'010'000U);
}

}  // namespace
}  // namespace doze::forwarding::testing
