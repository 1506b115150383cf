// What a peer does to make us crash, forget, or lose money by the rules.
#include "channel/state.h"
#include "effects/test/hostile_texts.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// B offers one HTLC and, behind its commitment_signed, `count` held ones of 1 msat: the next round has them all.
void offer_held(Pair& pair, std::uint64_t count) {
  pair.b.step(pair.b.add(pair.id(), Msat(1), 1));
  for (std::uint64_t i = 0; i < count; ++i) pair.b.step(pair.b.add(pair.id(), Msat(1), 2 + i, Profile::Ldk));
}
const Channel& inside(const FakeNode& node, const ChannelId& id) {
  return node.room.inside->channels.at(id);
}

std::optional<Bytes> waiting_revocation(const FakeNode& node) {
  for (const auto& message : node.outbox)
    if (std::holds_alternative<wire::RevokeAndAck>(message)) return wire::encode(message);
  return std::nullopt;
}

TEST(Hostile, a_round_full_of_held_htlcs_gets_as_many_paths_as_a_channel_may_hold) {
  Pair pair;
  pair.open();
  offer_held(pair, 482);
  // Until A has answered the second commitment_signed and its answer is under way.
  for (int i = 0; i < 2'000 && pair.a.sent<wire::RevokeAndAck>().size() < 2; ++i)
    if (!pair.deliver(pair.b)) pair.deliver(pair.a);
  ASSERT_EQ(pair.a.sent<wire::RevokeAndAck>().size(), 2U);
  EXPECT_EQ(pair.a.sent<wire::RevokeAndAck>()[1].release_paths.size(), kMaxHeldPerChannel);
  auto before = waiting_revocation(pair.a);
  ASSERT_TRUE(before.has_value());
  EXPECT_LE(before->size(), wire::kMaxMessageBytes);
  pair.cut();
  pair.a.restart();
  pair.connect();
  pair.deliver(pair.b);
  EXPECT_EQ(waiting_revocation(pair.a), before);
  pair.run();
  EXPECT_EQ(pair.a.all<HtlcReceived>().size(), 483U);
  EXPECT_EQ(pair.b.all<ReleasePathsReceived>().size(), kMaxHeldPerChannel);
}

TEST(Hostile, a_node_that_does_not_hold_gives_no_paths) {
  for (int which = 0; which < 3; ++which) {
    Pair pair(which == 0 ? Role::Client : Role::Server, Role::Client);
    pair.a.config.offers_ldk_hold = which != 1;
    pair.a.config.offers_draft_hold = which != 2;
    pair.open();
    pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 1, which == 2 ? Profile::Draft : Profile::Ldk));
    pair.run();
    EXPECT_EQ(pair.a.all<HtlcReceived>().size(), 1U);
    EXPECT_TRUE(pair.b.all<ReleasePathsReceived>().empty()) << which;
  }
}

// ---- failures: what strangers can make two honest peers say to each other ----

constexpr std::size_t kLargestReason = wire::kMaxMessageBytes - 2 - 32 - 8 - 2;

std::size_t waiting_bytes(const FakeNode& node) {
  std::size_t out = 0;
  for (const auto& message : node.outbox) out += wire::encode(message).size();
  return out;
}
std::size_t row_bytes(const FakeNode& node) {
  return node.rows.at({Table::Channel, to_bytes(node.channels.begin()->first.view())}).size();
}

// 72 failed payments of 10 sat wedged a channel of two honest nodes when the failures had the largest size.
TEST(Hostile, failures_of_the_largest_size_are_not_kept_and_not_passed_on) {
  for (std::uint64_t count : {72, 483}) {
    Pair pair;
    pair.open();
    for (std::uint64_t i = 0; i < count; ++i) pair.a.step(pair.a.add(pair.id(), Msat(10'000), i));
    pair.run();
    pair.a.said.clear();
    // B is R, which only wants to hurt: it says what no honest node says, and A is on the way back.
    std::size_t most = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      pair.b.step(FailHtlc{pair.id(), i, Bytes(1)});
      for (auto& message : pair.b.outbox)
        if (auto* failed = std::get_if<wire::UpdateFailHtlc>(&message)) failed->reason = Bytes(kLargestReason, 7);
      while (pair.deliver(pair.b)) {
      }
      while (pair.deliver(pair.a)) {
      }
      most = std::max(most, row_bytes(pair.a));
    }
    pair.run();
    EXPECT_LT(most, 2 * count * kMaxReason);
    auto failed = pair.a.all<HtlcFailed>();
    ASSERT_EQ(failed.size(), count);
    for (const auto& word : failed) EXPECT_LE(std::get<Bytes>(word.reason).size(), kMaxReason);
    EXPECT_TRUE(pair.a.only_channel().usable);
  }
}

TEST(Hostile, failures_as_honest_nodes_make_them_pass_with_every_byte) {
  Pair pair;
  pair.open();
  const std::size_t sizes[] = {292, 1'060, kMaxReason, kMaxReason + 1};
  for (std::uint64_t i = 0; i < std::size(sizes); ++i) pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), i));
  pair.run();
  for (std::uint64_t i = 0; i < std::size(sizes); ++i)
    pair.b.step(FailHtlc{pair.id(), i, Bytes(std::min(sizes[i], kMaxReason), 7)});
  for (auto& message : pair.b.outbox)
    if (auto* update = std::get_if<wire::UpdateFailHtlc>(&message); update != nullptr && update->id == 3)
      update->reason.push_back(7);
  pair.run();
  auto failed = pair.a.all<HtlcFailed>();
  ASSERT_EQ(failed.size(), std::size(sizes));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(std::get<Bytes>(failed[i].reason), Bytes(sizes[i], 7)) << i;
  EXPECT_TRUE(std::get<Bytes>(failed[3].reason).empty());  // the room above says something of its own
}

/// What a full channel says again after a lost connection stays far below what may wait for one peer.
TEST(Hostile, retransmission_of_a_full_channel_fits_into_the_write_limit) {
  constexpr std::size_t kMaxUnsent = 64 * 65'551;  // of the sockets
  Pair pair;
  pair.open(Sat(16'000'000), Msat(8'000'000'000));
  for (std::uint64_t i = 0; i < 483; ++i) pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 1'000 + i));
  pair.run();
  pair.b.said.clear();
  // A fails all of them with the most that it may say, and fills its own half of the channel.
  std::deque<Input> both;
  for (std::uint64_t i = 0; i < 483; ++i) both.emplace_back(FailHtlc{pair.id(), i, Bytes(kMaxReason + 1, 7)});
  for (std::uint64_t i = 0; i < 483; ++i) both.emplace_back(FailHtlc{pair.id(), i, Bytes(kMaxReason, 7)});
  for (std::uint64_t i = 0; i < 483; ++i) both.emplace_back(pair.a.add(pair.id(), Msat(5'000'000), i));
  pair.a.together(both);
  ASSERT_EQ(inside(pair.a, pair.id()).commitments.updates.local_signed.size(), 966U);
  EXPECT_LT(waiting_bytes(pair.a), kMaxUnsent / 2);
  pair.cut();
  pair.a.restart();
  pair.connect();
  pair.deliver(pair.b);  // channel_reestablish
  EXPECT_GT(waiting_bytes(pair.a), 483U * wire::kPaymentOnionBytes);
  EXPECT_LT(waiting_bytes(pair.a), kMaxUnsent / 2);
  pair.run();
  EXPECT_EQ(pair.b.all<HtlcFailed>().size(), 483U);
  EXPECT_EQ(pair.b.all<HtlcReceived>().size(), 483U);
}

TEST(Hostile, a_malformed_failure_never_leaves_without_badonion) {
  Pair pair;
  pair.open();
  for (std::uint64_t i = 0; i < 2; ++i) pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), i));
  pair.run();
  pair.b.step(FailMalformedHtlc{pair.id(), 0, Hash32{}, 0x4016});
  pair.b.step(FailMalformedHtlc{pair.id(), 1, Hash32{}, onion::kInvalidOnionBlinding});
  pair.run();
  auto sent = pair.b.sent<wire::UpdateFailMalformedHtlc>();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].failure_code, onion::kInvalidOnionHmac);
  EXPECT_EQ(sent[1].failure_code, onion::kInvalidOnionBlinding);
  EXPECT_EQ(pair.a.all<HtlcFailed>().size(), 2U);
  EXPECT_TRUE(pair.a.only_channel().usable);
}

/// Rows of before wrote what no longer leaves: said, or signed, and not heard by the peer.
TEST(Hostile, a_row_with_a_malformed_failure_without_badonion_or_a_large_reason_is_mended_when_it_is_read) {
  for (bool was_signed : {false, true}) {
    Pair pair;
    pair.open();
    for (std::uint64_t i = 0; i < 2; ++i) pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), i));
    pair.run();
    pair.b.together({FailMalformedHtlc{pair.id(), 0, Hash32{}, 0x4016}, FailHtlc{pair.id(), 1, Bytes(292)}});
    auto& channel = pair.b.room.inside->channels.at(pair.id());
    ASSERT_EQ(channel.commitments.updates.local_signed.size(), 2U);
    std::get<wire::UpdateFailMalformedHtlc>(channel.commitments.updates.local_signed[0]).failure_code = 0x4016;
    std::get<wire::UpdateFailHtlc>(channel.commitments.updates.local_signed[1]).reason = Bytes(kLargestReason, 7);
    if (!was_signed) {
      channel.commitments.updates.local_proposed = std::exchange(channel.commitments.updates.local_signed, {});
      channel.commitments.next_remote.reset();
      forget_signable(channel.commitments);
    }
    pair.b.put_old_row(channel, 2);
    pair.cut();
    pair.b.restart();
    pair.b.said.clear();
    pair.connect();
    pair.run();
    ASSERT_EQ(pair.b.sent<wire::UpdateFailMalformedHtlc>().size(), 1U);
    EXPECT_EQ(pair.b.sent<wire::UpdateFailMalformedHtlc>()[0].failure_code, onion::kInvalidOnionHmac);
    EXPECT_EQ(pair.b.sent<wire::UpdateFailHtlc>().size(), 1U);
    EXPECT_EQ(pair.a.all<HtlcFailed>().size(), 2U) << was_signed;
    EXPECT_TRUE(pair.a.only_channel().usable && pair.b.only_channel().usable);
  }
}

// ---- a step writes a row once, whatever is in it ----

TEST(Hostile, four_hundred_adds_or_failures_in_one_step_write_the_channel_and_each_htlc_once) {
  Pair pair;
  pair.open(Sat(16'000'000), Msat(8'000'000'000));
  auto writes = [&](const FakeNode& node) {
    std::size_t out = 0;
    std::set<Bytes> keys;
    for (const auto& put : node.all<Put>()) {
      if (put.table != Table::Channel) continue;
      EXPECT_TRUE(keys.insert(put.key).second) << "a row is written twice";
      out += is_htlc_key(put.key) ? 0U : 1U;
    }
    EXPECT_EQ(keys.size(), 1U + 483U);
    return out;
  };
  std::deque<Input> adds, failures;
  for (std::uint64_t i = 0; i < 483; ++i) {
    adds.emplace_back(pair.a.add(pair.id(), Msat(5'000'000), i));
    failures.emplace_back(FailHtlc{pair.id(), i, Bytes(292, 7)});
  }
  pair.a.together(adds);
  EXPECT_EQ(pair.a.sent<wire::UpdateAddHtlc>().size(), 483U);
  EXPECT_EQ(writes(pair.a), 1U);
  pair.run();
  pair.b.said.clear();
  pair.b.together(failures);
  EXPECT_EQ(pair.b.sent<wire::UpdateFailHtlc>().size(), 483U);
  EXPECT_EQ(writes(pair.b), 1U);
  pair.run();
  EXPECT_EQ(pair.a.all<HtlcFailed>().size(), 483U);
}

// ---- holds that nothing could release ----

TEST(Hostile, a_hold_without_a_release_path_is_handed_over_as_one_over_restarts) {
  for (bool restart : {false, true}) {
    Pair pair;
    pair.open();
    // Several of the draft's profile in one round: its record names no HTLC, and only the first one gets paths.
    std::deque<Input> adds;
    for (std::uint64_t i = 0; i < 3; ++i) adds.emplace_back(pair.b.add(pair.id(), Msat(5'000'000), i));
    pair.b.together(adds);
    for (auto& message : pair.b.outbox)
      if (auto* add = std::get_if<wire::UpdateAddHtlc>(&message)) add->hold_htlc = Profile::Draft;
    while (pair.deliver(pair.b)) {
    }
    if (restart) {
      pair.cut();
      pair.a.restart();
      pair.connect();
    }
    pair.run();
    auto received = pair.a.all<HtlcReceived>();
    ASSERT_EQ(received.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(received[i].no_release_path, i != 0) << restart;
    EXPECT_TRUE(inside(pair.a, pair.id()).without_path.empty());
  }
}

// ---- dust: HTLCs that go to the miners when the channel closes ----

/// Without anchors: A (the opener) offers `count` HTLCs of this amount, then raises the feerate to 45,000.
bool survives_a_rise(std::uint64_t count, Msat amount) {
  Pair pair;
  pair.b.config.anchors = false;
  pair.open();
  for (std::uint64_t i = 0; i < count; ++i) pair.a.step(pair.a.add(pair.id(), amount, i));
  pair.run();
  EXPECT_EQ(pair.b.only_channel().received_htlcs.size(), count);
  pair.a.outbox.emplace_back(wire::UpdateFee{pair.id(), FeeratePerKw(45'000)});
  pair.deliver(pair.a);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
  return !pair.b.dropped;
}

TEST(Hostile, a_feerate_that_takes_the_outputs_of_many_htlcs_is_not_taken) {
  EXPECT_FALSE(survives_a_rise(10, Msat(30'000'000)));
  EXPECT_TRUE(survives_a_rise(1, Msat(30'000'000)));
  EXPECT_TRUE(survives_a_rise(10, Msat(40'000'000)));  // these keep their outputs
}

TEST(Hostile, we_do_not_raise_the_feerate_over_the_heads_of_many_htlcs) {
  Pair pair;
  pair.b.config.anchors = false;
  pair.open();
  for (std::uint64_t i = 0; i < 10; ++i) pair.a.step(pair.a.add(pair.id(), Msat(30'000'000), i));
  pair.run();
  pair.a.step(FeeEstimate{FeeratePerKw(45'000)});
  EXPECT_TRUE(pair.a.sent<wire::UpdateFee>().empty());
  for (std::uint64_t i = 0; i < 10; ++i) pair.b.step(FailHtlc{pair.id(), i, Bytes{1}});
  pair.run();
  pair.a.step(FeeEstimate{FeeratePerKw(45'000)});
  EXPECT_EQ(pair.a.sent<wire::UpdateFee>().size(), 1U);
}

// [B2-dust-01]
TEST(Hostile, dust_above_the_limit_is_handed_over_to_be_failed) {
  auto flagged = [](const FakeNode& node) {
    std::vector<bool> out;
    for (const auto& word : node.all<HtlcReceived>()) out.push_back(word.too_much_dust);
    return out;
  };
  // 14 times 353 sat are below 5,000 sat. Those of both sides, which could not know of each other, are not.
  for (bool both : {false, true}) {
    Pair pair;
    pair.open();
    for (std::uint64_t i = 0; i < 14; ++i) pair.a.step(pair.a.add(pair.id(), Msat(353'000), i));
    for (std::uint64_t i = 0; both && i < 14; ++i) pair.b.step(pair.b.add(pair.id(), Msat(353'000), 50 + i));
    pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 100));
    pair.run();
    auto expected = std::vector<bool>(14, both);
    EXPECT_EQ(flagged(pair.a), both ? expected : std::vector<bool>{});
    expected.push_back(false);  // it has an output
    EXPECT_EQ(flagged(pair.b), expected);
  }
}

// ---- rows: what a peer can make us keep ----

std::size_t channel_rows(const FakeNode& node) {
  return node.rows.size() - 1;  // one is the counter of key indexes
}

/// Opened up to funding_signed, never funded, and ended by an error.
void open_and_fail(Pair& pair) {
  pair.b.mono = after_ms(pair.b.mono, kOpeningEveryMs);
  pair.start_opening();
  pair.run();
  for (const auto& [id, view] : pair.b.channels)
    if (view.phase == ChannelPhase::Opening) {
      pair.b.step(MessageReceived{pair.a.id, wire::Error{id, {}}});
      break;
    }
}

TEST(Hostile, channels_that_failed_unfunded_do_not_count_as_opening_and_are_forgotten) {
  Pair pair;
  pair.connect();
  for (int i = 0; i < 6; ++i) open_and_fail(pair);
  EXPECT_EQ(pair.b.sent<wire::AcceptChannel>().size(), 6U);
  EXPECT_EQ(channel_rows(pair.b), 6U);
  pair.mine({}, kForgetUnfundedBlocks + 1);
  EXPECT_EQ(channel_rows(pair.b), 0U);
  EXPECT_TRUE(pair.b.channels.empty());
  EXPECT_EQ(pair.b.all<ChannelClosed>().size(), 6U);
}

// [B5-fail-01]
TEST(Hostile, the_oldest_of_many_closed_channels_are_forgotten) {
  Pair pair;
  pair.open();
  pair.a.step(CommandReceived{8, command::CloseChannel{pair.id(), false, address(bitcoin::p2wpkh_script(pair.a.id))}});
  pair.run();
  pair.mine({pair.a.all<Broadcast>().at(0).transaction});
  ASSERT_EQ(pair.a.only_channel().phase, ChannelPhase::Closed);
  auto key = std::pair(Table::Channel, to_bytes(pair.id().view()));
  auto value = pair.a.rows.at(key);
  ASSERT_EQ(to_hex(Bytes(value.begin() + 1, value.begin() + 33)), pair.id().hex());
  for (std::uint32_t i = 0; i < kMaxClosedShown + 3; ++i) {
    auto copy = value;
    ChannelId id;
    id.bytes[0] = static_cast<std::uint8_t>(i >> 8);
    id.bytes[1] = static_cast<std::uint8_t>(i);
    std::copy(id.bytes.begin(), id.bytes.end(), copy.begin() + 1);
    pair.a.rows[{Table::Channel, to_bytes(id.view())}] = copy;
  }
  pair.a.restart();
  pair.mine();
  EXPECT_EQ(channel_rows(pair.a), kMaxClosedShown);
  EXPECT_EQ(pair.a.channels.size(), kMaxClosedShown);
}

TEST(Hostile, updates_that_are_not_signed_write_nothing) {
  for (bool restart : {false, true}) {
    Pair pair;
    pair.open();
    for (std::uint64_t i = 0; i < 3; ++i) pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), i));
    pair.b.said.clear();
    while (!std::holds_alternative<wire::CommitmentSigned>(pair.a.outbox.front())) pair.deliver(pair.a);
    EXPECT_FALSE(pair.b.only_channel().received_htlcs.empty());
    EXPECT_TRUE(pair.b.all<Put>().empty());
    pair.cut();
    EXPECT_TRUE(pair.b.all<Put>().empty());
    if (restart) pair.b.restart();
    pair.connect();
    pair.run();
    EXPECT_EQ(pair.b.all<HtlcReceived>().size(), 3U);
  }
}

TEST(Hostile, an_update_fee_before_the_channel_is_open_is_not_taken) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  auto id = pair.id();
  ASSERT_EQ(pair.b.only_channel().phase, ChannelPhase::Opening);
  pair.a.outbox.emplace_back(wire::UpdateFee{id, FeeratePerKw(2'600), Bytes(60'000, 1)});
  pair.deliver(pair.a);
  EXPECT_TRUE(pair.b.dropped);
  EXPECT_EQ(pair.b.sent<wire::Warning>().size(), 1U);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Opening);
  EXPECT_TRUE(inside(pair.b, id).commitments.updates.remote_proposed.empty());
}

TEST(Hostile, of_many_unsigned_update_fees_only_the_last_is_kept_and_counts) {
  Pair pair;
  pair.open();
  for (std::uint32_t i = 0; i < 50; ++i)
    pair.a.outbox.emplace_back(wire::UpdateFee{pair.id(), FeeratePerKw(2'600 + i), {}});
  while (pair.deliver(pair.a)) {
  }
  const auto& kept = inside(pair.b, pair.id()).commitments.updates.remote_proposed;
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(std::get<wire::UpdateFee>(kept[0]).feerate_per_kw, FeeratePerKw(2'649));
}

TEST(Hostile, two_update_fees_around_an_htlc_are_signed_as_the_last_of_them) {
  Pair pair;
  pair.open();
  pair.a.together({pair.a.add(pair.id(), Msat(5'000'000), 1), FeeEstimate{FeeratePerKw(6'000)}});
  pair.a.outbox.emplace_front(wire::UpdateFee{pair.id(), FeeratePerKw(5'000), {}});
  pair.run();
  EXPECT_EQ(pair.b.only_channel().feerate, FeeratePerKw(6'000));
  EXPECT_EQ(pair.b.all<HtlcReceived>().size(), 1U);
  EXPECT_TRUE(pair.a.only_channel().usable && pair.b.only_channel().usable);
}

TEST(Hostile, a_peer_that_signs_many_feerates_and_never_revokes_fills_no_row) {
  Pair pair;
  pair.open();
  auto fees = [&] { return inside(pair.b, pair.id()).commitments.updates.remote_acked.size(); };
  pair.a.step(FeeEstimate{FeeratePerKw(5'000)});
  while (pair.deliver(pair.a)) {
  }
  EXPECT_EQ(fees(), 0U);  // B signed for it, and waits for the revocation from now on
  ASSERT_EQ(pair.b.sent<wire::CommitmentSigned>().size(), 1U);
  // A hears B's revocations alone.
  for (std::uint32_t round = 1; round <= 5; ++round) {
    std::erase_if(pair.b.outbox, [](const auto& m) { return !std::holds_alternative<wire::RevokeAndAck>(m); });
    while (pair.deliver(pair.b)) {
    }
    pair.a.step(FeeEstimate{FeeratePerKw(round % 2 == 0 ? 5'000 : 10'000)});
    while (pair.deliver(pair.a)) {
    }
    EXPECT_EQ(fees(), 1U) << round;
  }
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
}

/// The next message of this node gets unknown TLVs, if it is an update.
void add_tlvs(FakeNode& node) {
  if (node.outbox.empty()) return;
  std::visit(
      []<class M>(M& m) {
        if constexpr (std::is_constructible_v<commitment::Update, M>) {
          m.extra_tlvs = Bytes{0xfd, 0xff, 0x01, 0xfd, 0x40, 0x00};  // type 65281, 16,384 bytes
          m.extra_tlvs.resize(6 + 0x4000);
        }
      },
      node.outbox.front());
}

TEST(Hostile, unknown_tlvs_of_updates_are_not_kept) {
  Pair pair;
  pair.open();
  std::set<std::size_t> kinds;
  auto look = [&](const FakeNode& node) {
    const auto& channel = inside(node, pair.id());
    for (const auto* updates : {&channel.commitments.updates.remote_proposed, &channel.commitments.updates.remote_acked,
                                &channel.commitments.updates.remote_signed})
      for (const auto& update : *updates) {
        kinds.insert(update.index());
        std::visit([](const auto& message) { EXPECT_EQ(message.extra_tlvs.capacity(), 0U); }, update);
      }
  };
  auto run = [&] {
    for (int i = 0; i < 100 && !(pair.a.outbox.empty() && pair.b.outbox.empty()); ++i)
      for (auto* node : {&pair.a, &pair.b}) {
        add_tlvs(*node);
        pair.deliver(*node);
        look(pair.a);
        look(pair.b);
      }
  };
  for (std::uint64_t i = 0; i < 3; ++i) pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), i, Profile::Ldk));
  pair.a.step(FeeEstimate{FeeratePerKw(5'000)});
  run();
  ASSERT_EQ(pair.b.all<HtlcReceived>().size(), 3U);
  for (const auto& word : pair.b.all<HtlcReceived>()) EXPECT_EQ(word.htlc.hold_htlc, Profile::Ldk);
  pair.b.step(FulfillHtlc{pair.id(), 0, preimage(0)});
  pair.b.step(FailHtlc{pair.id(), 1, Bytes{1}});
  pair.b.step(FailMalformedHtlc{pair.id(), 2, Hash32{}, 0xc005});
  run();
  EXPECT_EQ(pair.a.all<HtlcFulfilled>().size(), 1U);
  EXPECT_EQ(pair.a.all<HtlcFailed>().size(), 2U);
  EXPECT_EQ(kinds.size(), std::variant_size_v<commitment::Update>);
}

TEST(Hostile, an_open_channel_with_terms_that_are_refused_takes_no_key_index) {
  Pair pair;
  pair.connect();
  for (int i = 0; i < 6; ++i) {
    pair.start_opening();
    auto& message = std::get<wire::OpenChannel>(pair.a.outbox.back());
    if (i % 2 == 0)
      message.dust_limit_satoshis = Sat(353);
    else
      message.push_msat = Msat(999'000'000);
    pair.run();
  }
  EXPECT_EQ(pair.b.sent<wire::Error>().size(), 6U);
  EXPECT_EQ(pair.b.count(Table::Channel), 0U);
  pair.start_opening();
  pair.run();
  EXPECT_EQ(pair.b.only_channel().key_index, 0U);
}

TEST(Hostile, without_key_indexes_left_nobody_opens) {
  Pair pair;
  pair.connect();
  pair.a.room.inside->next_key_index = kMaxKeyIndexes;
  pair.start_opening();
  EXPECT_EQ(std::get<CommandError>(pair.a.all<Reply>().at(0).result).code, CommandErrorCode::Limit);
  pair.a.room.inside->next_key_index = 0;
  pair.b.room.inside->next_key_index = kMaxKeyIndexes;
  pair.start_opening();
  pair.run();
  EXPECT_EQ(pair.b.sent<wire::Error>().size(), 1U);
  EXPECT_TRUE(pair.b.sent<wire::AcceptChannel>().empty());
}

/// Whoever gets an error about channel 0 must fail all its channels with the sender. BOLT 1.
TEST(Hostile, texts_of_errors_and_warnings_cannot_forge_a_line_of_the_log) {
  Pair pair;
  pair.connect();
  auto texts = hostile_texts();
  ASSERT_GE(texts.size(), 180U);
  for (const auto& text : texts) {
    pair.a.said.clear();
    pair.a.step(MessageReceived{pair.b.id, wire::Warning{{}, to_bytes(bytes_of(text))}});
    ASSERT_EQ(pair.a.all<Notify>().size(), 1U);
    expect_harmless(pair.a.all<Notify>()[0]);
    // The opening that it ends tells the operator why.
    pair.start_opening();
    pair.a.step(MessageReceived{pair.b.id, wire::Error{{}, to_bytes(bytes_of(text))}});
    for (const auto& line : pair.a.all<Notify>()) expect_harmless(line);
    ASSERT_EQ(pair.a.all<Reply>().size(), 1U);
    expect_harmless(std::get<CommandError>(pair.a.all<Reply>()[0].result).message);
    pair.a.outbox.clear();
  }
}

// BOLT 1: who knows no such channel ignores it. Ids are free, and a line for each would fill the log.
TEST(Hostile, an_error_about_no_channel_of_ours_is_ignored_and_makes_no_line_in_the_log) {
  Pair pair;
  pair.open();
  ChannelId unknown;
  unknown.bytes.fill(9);
  for (int i = 0; i < 1'000; ++i) {
    unknown.bytes[0] = static_cast<std::uint8_t>(i);
    pair.a.step(MessageReceived{pair.b.id, wire::Error{unknown, Bytes(50, 'x')}});
  }
  Pair strangers;
  strangers.connect();
  strangers.a.step(MessageReceived{strangers.b.id, wire::Error{{}, Bytes(50, 'x')}});  // about all channels: none
  for (const auto* node : {&pair.a, &strangers.a}) {
    EXPECT_TRUE(node->all<Notify>().empty());
    EXPECT_TRUE(node->all<DropPeer>().empty());
    EXPECT_TRUE(node->all<SendMessage>().empty());
  }
  EXPECT_TRUE(pair.a.only_channel().usable);
}

TEST(Hostile, a_message_about_channel_zero_is_answered_with_a_warning) {
  Pair pair;
  pair.open();
  pair.b.step(MessageReceived{pair.a.id, wire::Shutdown{{}, bitcoin::p2wpkh_script(pair.a.id), {}}});
  pair.b.step(MessageReceived{pair.a.id, wire::CommitmentSigned{}});
  EXPECT_EQ(pair.b.sent<wire::Warning>().size(), 2U);
  EXPECT_TRUE(pair.b.sent<wire::Error>().empty());
  ChannelId other;
  other.bytes.fill(9);
  pair.b.step(MessageReceived{pair.a.id, wire::Shutdown{other, bitcoin::p2wpkh_script(pair.a.id), {}}});
  ASSERT_EQ(pair.b.sent<wire::Error>().size(), 1U);
  EXPECT_EQ(pair.b.sent<wire::Error>()[0].channel_id, other);
}

}  // namespace
}  // namespace doze::channel
