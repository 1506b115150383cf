// What a peer does to make us crash, forget, or lose money by the rules.
#include "channel/inside.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// B offers one HTLC and, behind its commitment_signed, `count` held ones of 1 msat: the next round has them all.
void offer_held(Pair& pair, std::uint64_t count) {
  pair.b.step(pair.b.add(pair.id(), Msat(1), 1));
  for (std::uint64_t i = 0; i < count; ++i) pair.b.step(pair.b.add(pair.id(), Msat(1), 2 + i, Profile::Ldk));
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
  return pair.b.only_channel().phase == ChannelPhase::Normal;
}

TEST(Hostile, a_feerate_that_takes_the_outputs_of_many_htlcs_ends_the_channel) {
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

TEST(Hostile, strangers_get_only_so_many_channels_without_a_funding) {
  for (bool invited : {false, true}) {
    Pair pair;
    pair.connect();
    for (std::size_t i = 0; i < kMaxUnfundedInbound; ++i) open_and_fail(pair);
    EXPECT_EQ(channel_rows(pair.b), kMaxUnfundedInbound);
    pair.a.said.clear();
    pair.b.said.clear();
    // Another stranger, or a client of ours.
    FakeNode other(3, Role::Server);
    other.peers.insert_or_assign(pair.b.id, PeerView{pair.b.id, own_features(pair.b.config), "x", false, other.wall});
    if (invited) pair.b.invited.insert(other.id);
    command::OpenChannel command;
    command.node_id = pair.b.id;
    command.amount = Sat(1'000'000);
    other.step(OpenChannelNow{7, command});
    pair.b.step(MessageReceived{other.id, other.outbox.front()});
    EXPECT_EQ(pair.b.sent<wire::AcceptChannel>().size(), invited ? 1U : 0U);
    EXPECT_EQ(pair.b.sent<wire::Error>().size(), invited ? 0U : 1U);
  }
}

TEST(Hostile, the_oldest_of_many_closed_channels_are_forgotten) {
  Pair pair;
  pair.open();
  pair.a.step(CloseChannelNow{8, {pair.id(), false, {}}, bitcoin::p2wpkh_script(pair.a.id)});
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

const Channel& inside(const FakeNode& node, const ChannelId& id) {
  return node.room.inside->channels.at(id);
}

TEST(Hostile, an_update_fee_before_the_channel_is_open_breaks_it) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  auto id = pair.id();
  ASSERT_EQ(pair.b.only_channel().phase, ChannelPhase::Opening);
  pair.a.outbox.emplace_back(wire::UpdateFee{id, FeeratePerKw(2'600), Bytes(60'000, 1)});
  pair.deliver(pair.a);
  EXPECT_EQ(pair.b.sent<wire::Error>().size(), 1U);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::ForceClosing);
  EXPECT_TRUE(inside(pair.b, id).remote_proposed.empty());
}

TEST(Hostile, of_many_unsigned_update_fees_only_the_last_is_kept_and_counts) {
  Pair pair;
  pair.open();
  for (std::uint32_t i = 0; i < 50; ++i)
    pair.a.outbox.emplace_back(wire::UpdateFee{pair.id(), FeeratePerKw(2'600 + i), {}});
  while (pair.deliver(pair.a)) {
  }
  const auto& kept = inside(pair.b, pair.id()).remote_proposed;
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
  auto fees = [&] { return inside(pair.b, pair.id()).remote_acked.size(); };
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
        if constexpr (std::is_constructible_v<Update, M>) {
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
    for (const auto* updates : {&channel.remote_proposed, &channel.remote_acked, &channel.remote_signed})
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
  EXPECT_EQ(kinds.size(), std::variant_size_v<Update>);
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
