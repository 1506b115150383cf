// What costs a stranger nothing shuts nobody out and gives it no rights: openings that it never funds.
#include "channel/state.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

struct Strangers : ::testing::Test {
  FakeNode us{2, Role::Client};
  std::uint8_t seed = 10;

  void connect(FakeNode& stranger, const std::string& address) {
    stranger.tip = us.tip;
    us.peers.insert_or_assign(stranger.id,
                              PeerView{stranger.id, own_features(stranger.config), address, true, us.wall});
    stranger.peers.insert_or_assign(us.id, PeerView{us.id, own_features(us.config), "x", false, us.wall});
    us.step(PeerReady{stranger.id});
  }
  void part(FakeNode& stranger) {
    us.peers.erase(stranger.id);
    us.step(PeerGone{stranger.id});
    us.outbox.clear();
  }
  void talk(FakeNode& stranger) {
    for (int i = 0; i < 100 && !(us.outbox.empty() && stranger.outbox.empty()); ++i)
      for (auto [from, to] : {std::pair(&us, &stranger), std::pair(&stranger, &us)}) {
        if (from->outbox.empty()) continue;
        auto message = from->outbox.front();
        from->outbox.pop_front();
        to->step(MessageReceived{from->id, message});
      }
  }
  /// Up to funding_signed. False: refused.
  bool open(FakeNode& stranger, Msat push = Msat(1'000)) {
    command::OpenChannel command;
    command.node_id = us.id;
    command.amount = Sat(100'000);
    command.push = push;
    auto before = us.sent<wire::FundingSigned>().size();
    stranger.step(OpenChannelNow{7, command});
    talk(stranger);
    return us.sent<wire::FundingSigned>().size() > before;
  }
  /// A stranger comes, opens and goes.
  std::unique_ptr<FakeNode> comes_and_opens(const std::string& address, int openings = 1) {
    auto stranger = std::make_unique<FakeNode>(seed++, Role::Server);
    connect(*stranger, address);
    for (int i = 0; i < openings; ++i) open(*stranger);
    part(*stranger);
    return stranger;
  }
  [[nodiscard]] bool has_channel_of(const FakeNode& stranger) const {
    return std::any_of(us.channels.begin(), us.channels.end(),
                       [&](const auto& entry) { return entry.second.peer == stranger.id; });
  }
};

TEST_F(Strangers, a_crowd_of_free_ids_shuts_nobody_out_and_drives_out_itself_alone) {
  for (int i = 0; i < 13; ++i) {
    us.mono = after_ms(us.mono, 4 * kOpeningEveryMs);
    comes_and_opens("192.0.2.1:" + std::to_string(1'000 + i), 4);
  }
  EXPECT_EQ(us.channels.size(), kMaxUnfundedInbound);
  auto honest = comes_and_opens("203.0.113.5:9735");
  EXPECT_TRUE(has_channel_of(*honest));
  EXPECT_EQ(us.channels.size(), kMaxUnfundedInbound);
  auto rows = us.count(Table::Channel);
  for (int i = 0; i < 60; ++i) {
    us.mono = after_ms(us.mono, kOpeningEveryMs);
    auto another = comes_and_opens("192.0.2.77:" + std::to_string(2'000 + i));
    EXPECT_TRUE(has_channel_of(*another)) << i;  // the newest of the crowd; the oldest went
  }
  EXPECT_TRUE(has_channel_of(*honest));
  EXPECT_EQ(us.channels.size(), kMaxUnfundedInbound);
  EXPECT_EQ(us.count(Table::Channel), rows);
}

TEST_F(Strangers, that_are_invited_or_have_a_funded_channel_do_not_count_among_them) {
  for (int i = 0; i < 13; ++i) {
    us.mono = after_ms(us.mono, 4 * kOpeningEveryMs);
    comes_and_opens("192.0.2.1:" + std::to_string(1'000 + i), 4);
  }
  FakeNode client(seed++, Role::Client);
  us.invited.insert(client.id);
  connect(client, "192.0.2.2:1");
  EXPECT_TRUE(open(client));
  EXPECT_EQ(us.channels.size(), kMaxUnfundedInbound + 1);
}

TEST_F(Strangers, from_one_network_begin_so_many_openings_and_then_one_from_time_to_time) {
  FakeNode fast(seed++, Role::Server), other(seed++, Role::Server);
  connect(fast, "192.0.2.1:1");
  std::size_t taken = 0;
  auto begin_and_fail = [&] {
    if (!open(fast, Msat(0))) return;
    ++taken;
    // It takes the channel back at once: nothing stays of it.
    us.step(MessageReceived{fast.id, wire::Error{ChannelId{}, {}}});
    us.outbox.clear();
    fast.outbox.clear();
  };
  for (int i = 0; i < 60; ++i) begin_and_fail();
  EXPECT_EQ(taken, static_cast<std::size_t>(kOpeningsBurst));
  us.mono = after_ms(us.mono, 5 * kOpeningEveryMs);
  for (int i = 0; i < 60; ++i) begin_and_fail();
  EXPECT_EQ(taken, static_cast<std::size_t>(kOpeningsBurst) + 5);
  connect(other, "192.0.3.1:1");
  EXPECT_TRUE(open(other));
}

TEST_F(Strangers, the_networks_that_are_remembered_are_bounded) {
  FakeNode stranger(seed++, Role::Server);
  for (std::size_t i = 0; i < kMaxOpeningSources + 100; ++i) {
    us.peers.insert_or_assign(
        stranger.id, PeerView{stranger.id, own_features(stranger.config),
                              "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".1:1", true, us.wall});
    stranger.peers.insert_or_assign(us.id, PeerView{us.id, own_features(us.config), "x", false, us.wall});
    command::OpenChannel command;
    command.node_id = us.id;
    command.amount = Sat(100'000);
    stranger.step(OpenChannelNow{7, command});
    us.step(MessageReceived{stranger.id, stranger.outbox.back()});
    us.step(PeerGone{stranger.id});
    stranger.outbox.clear();
  }
  EXPECT_EQ(us.room.inside->opening_shares.size(), kMaxOpeningSources);
}

TEST_F(Strangers, an_opening_that_fails_before_it_is_funded_leaves_nothing) {
  FakeNode stranger(seed++, Role::Server);
  connect(stranger, "192.0.2.1:1");
  ASSERT_TRUE(open(stranger, Msat(0)));
  ASSERT_EQ(us.channels.size(), 1U);
  us.step(MessageReceived{stranger.id, wire::Error{us.only_channel().channel_id, {}}});
  EXPECT_TRUE(us.channels.empty());
  EXPECT_EQ(us.count(Table::Channel), 1U);  // the counter of key indexes
  EXPECT_EQ(us.all<ChannelClosed>().size(), 1U);
  EXPECT_TRUE(us.loaded().has_value());
  // With something of ours in it the row stays: it may be funded all the same.
  ASSERT_TRUE(open(stranger, Msat(1'000)));
  us.step(MessageReceived{stranger.id, wire::Error{us.only_channel().channel_id, {}}});
  EXPECT_EQ(us.channels.size(), 1U);
}

TEST_F(Strangers, may_use_the_same_temporary_channel_id) {
  FakeNode first(seed++, Role::Server), second(seed++, Role::Server);
  std::vector<wire::OpenChannel> opens;
  for (auto* stranger : {&first, &second}) {
    connect(*stranger, "192.0.2.1:1");
    command::OpenChannel command;
    command.node_id = us.id;
    command.amount = Sat(100'000);
    stranger->step(OpenChannelNow{7, command});
    auto message = std::get<wire::OpenChannel>(stranger->outbox.back());
    message.temporary_channel_id.bytes.fill(7);
    us.step(MessageReceived{stranger->id, message});
  }
  EXPECT_EQ(us.sent<wire::AcceptChannel>().size(), 2U);
  EXPECT_EQ(us.room.inside->openings.size(), 2U);
  ChannelId seven;
  seven.bytes.fill(7);
  us.step(MessageReceived{first.id, wire::Error{seven, {}}});  // about its own alone
  EXPECT_EQ(us.room.inside->openings.size(), 1U);
  EXPECT_EQ(us.room.inside->openings.all().begin()->first.first, second.id);
}

// [B2-shut-08]
TEST_F(Strangers, are_told_of_ids_that_nobody_knows_but_never_of_all_channels) {
  FakeNode stranger(seed++, Role::Server);
  connect(stranger, "192.0.2.1:1");
  ChannelId unknown;
  unknown.bytes.fill(9);
  for (bool zero : {false, true}) {
    auto id = zero ? ChannelId{} : unknown;
    wire::AcceptChannel accept;
    accept.temporary_channel_id = id;
    const wire::Message messages[] = {accept, wire::FundingCreated{id, {}, 0, {}}, wire::FundingSigned{id, {}},
                                      wire::Shutdown{id, {}, {}}, wire::UpdateFee{id, FeeratePerKw(2'500)}};
    us.said.clear();
    for (const auto& message : messages) us.step(MessageReceived{stranger.id, message});
    EXPECT_EQ(us.sent<wire::Error>().size(), zero ? 0U : std::size(messages));
    EXPECT_EQ(us.sent<wire::Warning>().size(), zero ? std::size(messages) : 0U);
    for (const auto& error : us.sent<wire::Error>()) EXPECT_EQ(error.channel_id, unknown);
  }
}

TEST(Rights, a_channel_makes_a_client_when_its_funding_is_in_a_block) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  ASSERT_EQ(pair.b.channels.size(), 1U);
  EXPECT_FALSE(pair.b.context().views.is_client(pair.a.id));
  EXPECT_TRUE(pair.a.context().views.is_client(pair.b.id));  // we pay for it
  auto funding = pair.a.all<Broadcast>().at(0).transaction;
  pair.mine({funding});
  EXPECT_TRUE(pair.b.context().views.is_client(pair.a.id));
  pair.disconnect_blocks(1);
  EXPECT_FALSE(pair.b.context().views.is_client(pair.a.id));

  Pair dead;
  dead.connect();
  dead.start_opening();
  dead.run();
  dead.b.step(MessageReceived{dead.a.id, wire::Shutdown{dead.id(), bitcoin::p2wpkh_script(dead.a.id), {}}});
  EXPECT_FALSE(dead.b.context().views.is_client(dead.a.id));
  dead.b.step(MessageReceived{dead.a.id, wire::Error{dead.id(), {}}});
  EXPECT_FALSE(dead.b.context().views.is_client(dead.a.id));
}

// ---- what is said again is not written again ----

std::size_t writes(const FakeNode& node) {
  std::size_t out = 0;
  for (const auto& put : node.all<Put>()) out += put.table == Table::Channel ? 1U : 0U;
  return out;
}

TEST(Repeated, a_shutdown_writes_once) {
  Pair pair;
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
  pair.run();
  pair.b.said.clear();
  for (int i = 0; i < 100; ++i)
    pair.b.step(MessageReceived{pair.a.id, wire::Shutdown{pair.id(), bitcoin::p2wpkh_script(pair.a.id), {}}});
  EXPECT_EQ(writes(pair.b), 1U);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Closing);
}

// [B2-re-12]
TEST(Repeated, channel_ready_with_other_aliases_writes_a_few_times_per_connection) {
  Pair pair;
  pair.open();
  auto ready = pair.a.sent<wire::ChannelReady>();
  auto point = pair.a.room.inside->channels.at(pair.id()).signer->per_commitment_point(1);
  pair.b.said.clear();
  for (std::uint32_t i = 0; i < 100; ++i)
    pair.b.step(
        MessageReceived{pair.a.id, wire::ChannelReady{pair.id(), point, ShortChannelId::of(16'000'000, i, 1), {}}});
  EXPECT_EQ(writes(pair.b), kMaxRewrites);
  EXPECT_TRUE(pair.b.only_channel().usable);
}

TEST(Repeated, announcement_signatures_before_their_time_write_a_few_times_per_connection) {
  Pair pair(Role::Server, Role::Server);
  pair.open();
  pair.b.said.clear();
  for (std::uint32_t i = 0; i < 100; ++i) {
    wire::AnnouncementSignatures message{pair.id(), *pair.b.only_channel().scid, {}, {}};
    message.node_signature.bytes.fill(static_cast<std::uint8_t>(i / 2));  // each twice
    pair.b.step(MessageReceived{pair.a.id, message});
  }
  EXPECT_EQ(writes(pair.b), kMaxRewrites);
  pair.cut();
  pair.connect();
  pair.run();
  pair.mine({}, 6);
  EXPECT_EQ(pair.b.all<ChannelAnnounced>().size(), 1U);  // with the right ones, all the same
}

TEST(Repeated, announcement_signatures_for_another_short_channel_id_are_warned_of) {
  Pair pair(Role::Server, Role::Server);
  pair.open();
  pair.b.said.clear();
  pair.b.step(MessageReceived{pair.a.id, wire::AnnouncementSignatures{pair.id(), ShortChannelId::of(1, 2, 3), {}, {}}});
  auto warnings = pair.b.sent<wire::Warning>();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(std::string(warnings[0].data.begin(), warnings[0].data.end()).find("1x2x3"), std::string::npos);
  EXPECT_EQ(writes(pair.b), 0U);
  EXPECT_TRUE(pair.b.only_channel().usable);
}

/// A's signature over its next commitment with nothing new in it.
wire::CommitmentSigned empty_commitment(Pair& pair) {
  auto& channel = pair.a.room.inside->channels.at(pair.id());
  channel.commitments.next_remote = channel.commitments.remote.spec;
  return commitment_signed(channel.id, sign_again(channel.commitments, *channel.signer, pair.a.parallel));
}

TEST(Repeated, commitment_signed_without_an_update_is_taken_a_few_times) {
  Pair pair;
  pair.open();
  std::uint32_t taken = 0;
  for (std::uint32_t i = 0; i < 2 * kMaxEmptyCommitments && !pair.b.dropped; ++i) {
    auto before = pair.b.sent<wire::RevokeAndAck>().size();
    pair.b.step(MessageReceived{pair.a.id, empty_commitment(pair)});
    taken += pair.b.sent<wire::RevokeAndAck>().size() > before ? 1U : 0U;
    pair.run();
  }
  EXPECT_EQ(taken, kMaxEmptyCommitments);
  EXPECT_EQ(pair.b.sent<wire::Warning>().size(), 1U);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
}

TEST(Repeated, feerates_of_an_opener_that_never_revokes_are_signed_for_a_few_times) {
  Pair pair;
  pair.open();
  std::uint32_t taken = 0;
  for (std::uint32_t i = 0; i < 2 * kMaxEmptyCommitments && !pair.b.dropped; ++i) {
    auto before = pair.b.sent<wire::RevokeAndAck>().size();
    FeeratePerKw feerate(2'600 + i);
    pair.b.step(MessageReceived{pair.a.id, wire::UpdateFee{pair.id(), feerate, {}}});
    auto& channel = pair.a.room.inside->channels.at(pair.id());
    channel.commitments.next_remote = channel.commitments.remote.spec;
    channel.commitments.next_remote->feerate = feerate;
    pair.b.step(MessageReceived{
        pair.a.id, commitment_signed(channel.id, sign_again(channel.commitments, *channel.signer, pair.a.parallel))});
    auto revoked = pair.b.sent<wire::RevokeAndAck>();
    pair.b.outbox.clear();  // B's own commitment_signed is never answered
    if (revoked.size() == before) break;
    ++taken;
    pair.a.step(MessageReceived{pair.b.id, revoked.back()});
    pair.a.outbox.clear();
  }
  EXPECT_EQ(taken, kMaxEmptyCommitments);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
}

TEST(Repeated, rounds_that_bring_nothing_but_a_feerate_are_taken_at_a_rate) {
  Pair pair;
  pair.open();
  std::uint64_t rounds = 0;
  auto next_round = [&] {
    auto before = pair.b.only_channel().feerate;
    pair.a.step(FeeEstimate{FeeratePerKw(rounds % 2 == 0 ? 1'000 : 4'000), FeeratePerKw(253)});
    pair.run();
    return pair.b.only_channel().feerate != before;
  };
  while (rounds < 2 * kFeeRoundsBurst && next_round()) ++rounds;
  EXPECT_EQ(rounds, kFeeRoundsBurst);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
  for (auto* node : {&pair.a, &pair.b}) node->pass(kFeeRoundEveryMs);
  pair.connect();
  pair.run();
  EXPECT_EQ(pair.b.only_channel().feerate, FeeratePerKw(1'000));  // what the opener had proposed
}

}  // namespace
}  // namespace doze::channel
