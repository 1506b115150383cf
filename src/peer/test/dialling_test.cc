// Whom we dial, when again, and what is remembered.
#include "fake_node.h"
#include "peer/state.h"
#include "wire/features.h"

namespace doze::peer::testing {
namespace {

struct DiallingTest : ::testing::Test {
  FakeNode alice{1}, bob{2};
  Wire wire{alice, bob};

  /// bob is in alice's graph with this address.
  void announce_bob(std::uint8_t last) {
    wire::ChannelAnnouncement channel;
    channel.short_channel_id = ShortChannelId::of(1, 1, 0);
    channel.node_id_1 = std::min(alice.id, bob.id);
    channel.node_id_2 = std::max(alice.id, bob.id);
    ASSERT_TRUE(alice.graph.add_channel(channel, {}, Sat(1000), alice.wall).has_value());
    wire::NodeAnnouncement node;
    node.node_id = bob.id;
    node.timestamp = 1;
    node.addresses = {address(last)};
    ASSERT_TRUE(alice.graph.apply(node, {}).has_value());
  }
  void connected() {
    wire.connect(1, alice);
    wire.settle();
  }
  const CommandError* refused(std::size_t at) {
    replies = alice.all<Reply>();
    return at < replies.size() ? std::get_if<CommandError>(&replies[at].result) : nullptr;
  }
  std::vector<Reply> replies;
};

TEST_F(DiallingTest, connect_dials_and_replies_when_init_was_exchanged) {
  alice.step(CommandReceived{7, command::Connect{bob.id, address(2)}});
  auto dials = alice.all<Dial>();
  ASSERT_EQ(dials.size(), 1U);
  EXPECT_EQ(dials[0].addresses, std::vector{address(2)});
  EXPECT_TRUE(alice.all<Reply>().empty());
  connected();
  ASSERT_EQ(alice.all<Reply>().size(), 1U);
  EXPECT_EQ(alice.all<Reply>()[0].request, 7U);
  EXPECT_TRUE(std::holds_alternative<Value>(alice.all<Reply>()[0].result));
  alice.step(CommandReceived{8, command::Connect{bob.id, std::nullopt}});  // is there already
  EXPECT_EQ(alice.all<Reply>().size(), 2U);
  EXPECT_EQ(alice.all<Dial>().size(), 1U);
}

TEST_F(DiallingTest, connect_replies_with_the_reason_when_it_fails_and_does_not_go_on) {
  alice.step(CommandReceived{7, command::Connect{bob.id, address(2)}});
  alice.step(CommandReceived{8, command::Connect{bob.id, address(2)}});  // joins the dial under way
  EXPECT_EQ(alice.all<Dial>().size(), 1U);
  alice.step(DialFailed{bob.id, "connection refused"});
  ASSERT_EQ(alice.all<Reply>().size(), 2U);
  ASSERT_NE(refused(0), nullptr);
  EXPECT_NE(refused(0)->message.find("connection refused"), std::string::npos);
  EXPECT_FALSE(deadline(alice.room).has_value());
  EXPECT_TRUE(alice.rows.empty());
}

TEST_F(DiallingTest, connect_fails_if_the_handshake_fails) {
  alice.step(CommandReceived{7, command::Connect{bob.id, address(2)}});
  alice.step(PeerConnected{1, bob.id, "x"});
  alice.step(PeerDisconnected{1});
  ASSERT_NE(refused(0), nullptr);
  // Whoever expects another node id than the one dialled hangs up without a word: BOLT 8.
  EXPECT_NE(refused(0)->message.find("maybe the node at this address has a different node id"), std::string::npos);
}

TEST_F(DiallingTest, connect_without_any_address_ourselves_or_no_key_is_refused_at_once) {
  alice.step(CommandReceived{1, command::Connect{bob.id, std::nullopt}});
  alice.step(CommandReceived{2, command::Connect{alice.id, address(1)}});
  NodeId nonsense;
  nonsense.bytes.fill(0xff);
  alice.step(CommandReceived{3, command::Connect{nonsense, address(1)}});
  ASSERT_EQ(alice.all<Reply>().size(), 3U);
  EXPECT_EQ(refused(0)->code, CommandErrorCode::NotFound);
  EXPECT_EQ(refused(1)->code, CommandErrorCode::BadRequest);
  EXPECT_EQ(refused(2)->code, CommandErrorCode::BadRequest);
  EXPECT_TRUE(alice.all<Dial>().empty());
}

TEST_F(DiallingTest, an_address_that_worked_is_remembered_over_a_restart) {
  alice.step(CommandReceived{7, command::Connect{bob.id, address(2)}});
  EXPECT_TRUE(alice.rows.empty());
  connected();
  EXPECT_EQ(alice.rows.size(), 1U);
  alice.restart();
  EXPECT_TRUE(alice.all<Dial>().empty());  // no channel, not kept
  alice.add_channel(bob.id);
  alice.restart();
  ASSERT_EQ(alice.all<Dial>().size(), 1U);
  EXPECT_EQ(alice.all<Dial>()[0].addresses, std::vector{address(2)});
}

TEST_F(DiallingTest, of_many_addresses_eight_are_dialled_and_the_newest_eight_are_remembered) {
  for (std::uint8_t last = 1; last <= kMaxAddresses + 4; ++last) alice.step(WantPeer{bob.id, {address(last)}, true});
  alice.restart();
  ASSERT_EQ(alice.all<Dial>().size(), 1U);
  auto dialled = alice.all<Dial>()[0].addresses;
  ASSERT_EQ(dialled.size(), kMaxAddresses);
  EXPECT_EQ(dialled.front(), address(kMaxAddresses + 4));
  EXPECT_EQ(dialled.back(), address(5));
  // A link with more than that.
  std::vector<wire::NetworkAddress> many;
  for (std::uint8_t last = 100; last < 120; ++last) many.push_back(address(last));
  FakeNode carol(3);
  alice.step(WantPeer{carol.id, many, false});
  ASSERT_EQ(alice.all<Dial>().size(), 2U);
  EXPECT_EQ(alice.all<Dial>()[1].addresses.size(), kMaxAddresses);
}

TEST_F(DiallingTest, kept_peers_are_dialled_at_start_and_after_each_loss) {
  alice.step(WantPeer{bob.id, {address(3)}, true});
  EXPECT_EQ(alice.rows.size(), 1U);  // durable before it is connected
  alice.restart();
  ASSERT_EQ(alice.all<Dial>().size(), 1U);
  connected();
  alice.said.clear();
  wire.step(bob, DropPeer{alice.id, "bye"});
  ASSERT_EQ(alice.all<PeerGone>().size(), 1U);
  EXPECT_TRUE(alice.all<Dial>().empty());
  auto lost = alice.mono;
  EXPECT_EQ(of<Dial>(alice.next_deadline()).size(), 1U);
  EXPECT_GE(alice.mono, after_ms(lost, 500));
  EXPECT_LE(alice.mono, after_ms(lost, 1000));
}

TEST_F(DiallingTest, waits_double_up_to_a_minute_and_start_anew_after_a_good_connection) {
  alice.step(WantPeer{bob.id, {address(3)}, true});
  std::uint64_t full = 1000;
  for (int i = 0; i < 9; ++i) {
    alice.step(DialFailed{bob.id, "nobody there"});
    auto failed = alice.mono;
    ASSERT_EQ(of<Dial>(alice.next_deadline()).size(), 1U);
    auto waited = alice.mono.value() - failed.value();
    EXPECT_GE(waited, full / 2);
    EXPECT_LE(waited, full);
    full = std::min<std::uint64_t>(full * 2, 60'000);
  }
  EXPECT_EQ(alice.all<PeerUnreachable>().size(), 1U);  // who asked is told once
  bob.mono = alice.mono;
  connected();
  alice.mono = after_ms(alice.mono, 20'000);
  wire.step(bob, DropPeer{alice.id, "bye"});
  auto lost = alice.mono;
  alice.next_deadline();
  EXPECT_LE(alice.mono, after_ms(lost, 1000));
}

TEST_F(DiallingTest, a_dial_that_the_driver_never_answers_is_given_up) {
  alice.step(WantPeer{bob.id, {address(3)}, false});
  alice.next_deadline();
  EXPECT_EQ(alice.all<PeerUnreachable>().size(), 1U);
  EXPECT_FALSE(deadline(alice.room).has_value());
}

TEST_F(DiallingTest, a_wanted_peer_without_address_is_unreachable_at_once_and_found_in_the_graph_otherwise) {
  alice.step(WantPeer{bob.id, {}, false});
  EXPECT_EQ(alice.all<PeerUnreachable>().size(), 1U);
  announce_bob(9);
  alice.step(WantPeer{bob.id, {}, false});
  ASSERT_EQ(alice.all<Dial>().size(), 1U);
  EXPECT_EQ(alice.all<Dial>()[0].addresses, std::vector{address(9)});
  connected();
  EXPECT_EQ(alice.all<PeerUnreachable>().size(), 1U);
  alice.said.clear();
  wire.step(bob, DropPeer{alice.id, "bye"});  // wanted once, not kept
  EXPECT_FALSE(deadline(alice.room).has_value());
  EXPECT_TRUE(alice.rows.empty());
}

TEST_F(DiallingTest, what_others_announce_is_not_dialled_inside_of_our_own_network) {
  announce_bob(9);  // 127.0.0.1
  alice.config.network = wire::Network::Signet;
  alice.step(WantPeer{bob.id, {}, false});
  EXPECT_TRUE(alice.all<Dial>().empty());
  EXPECT_EQ(alice.all<PeerUnreachable>().size(), 1U);
  // What the operator says is another matter.
  alice.step(WantPeer{bob.id, {address(3)}, true});
  ASSERT_EQ(alice.all<Dial>().size(), 1U);
  EXPECT_EQ(alice.all<Dial>()[0].addresses, std::vector{address(3)});
}

TEST_F(DiallingTest, remembered_addresses_come_before_those_of_the_graph) {
  announce_bob(9);
  alice.step(WantPeer{bob.id, {address(3)}, true});
  ASSERT_EQ(alice.all<Dial>().size(), 1U);
  EXPECT_EQ(alice.all<Dial>()[0].addresses, (std::vector{address(3), address(9)}));
}

TEST_F(DiallingTest, a_connection_that_the_peer_makes_ends_the_dialling) {
  alice.step(WantPeer{bob.id, {address(3)}, true});
  alice.step(DialFailed{bob.id, "nobody there"});
  wire.connect(1, bob);
  wire.settle();
  alice.mono = after_ms(alice.mono, 59'000);
  alice.said.clear();
  alice.step(DeadlineReached{});
  EXPECT_TRUE(alice.all<Dial>().empty());
}

TEST_F(DiallingTest, disconnect_stops_reconnecting_until_connect) {
  alice.step(WantPeer{bob.id, {address(3)}, true});
  connected();
  alice.step(CommandReceived{5, command::Disconnect{bob.id}});
  EXPECT_EQ(alice.all<PeerGone>().size(), 1U);
  ASSERT_EQ(alice.all<Reply>().size(), 1U);
  EXPECT_FALSE(deadline(alice.room).has_value());
  alice.restart();
  EXPECT_TRUE(alice.all<Dial>().empty());
  alice.step(CommandReceived{6, command::Connect{bob.id, std::nullopt}});
  EXPECT_EQ(alice.all<Dial>().size(), 1U);
  alice.step(CommandReceived{7, command::Disconnect{FakeNode(9).id}});
  EXPECT_EQ(refused(0)->code, CommandErrorCode::NotFound);
}

TEST_F(DiallingTest, listpeers_shows_connected_and_kept_ones) {
  alice.step(WantPeer{FakeNode(5).id, {address(3)}, true});
  connected();
  alice.step(CommandReceived{5, command::ListPeers{}});
  ASSERT_EQ(alice.all<Reply>().size(), 1U);
  auto reply = alice.all<Reply>()[0];
  const auto* peers = std::get<Value>(reply.result).find("peers");
  const auto* list = peers == nullptr ? nullptr : std::get_if<List>(&peers->inner());
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->size(), 2U);
  int up = 0;
  for (const auto& peer : *list) {
    ASSERT_NE(peer.find("node_id"), nullptr);
    up += std::get<bool>(peer.find("connected")->inner()) ? 1 : 0;
  }
  EXPECT_EQ(up, 1);
}

TEST_F(DiallingTest, rows_that_are_cut_short_or_of_another_version_are_refused) {
  alice.step(WantPeer{bob.id, {address(3), *wire::parse_address("node.example:1")}, true});
  ASSERT_EQ(alice.rows.size(), 1U);
  auto [place, value] = *alice.rows.begin();
  auto key = place.second;
  auto loads = [&](Bytes changed, Bytes name) {
    std::vector<Row> rows{{Table::PeerAddress, std::move(name), std::move(changed)}};
    return load(rows).has_value();
  };
  EXPECT_TRUE(loads(value, key));
  for (std::size_t size = 0; size < value.size(); ++size)
    EXPECT_FALSE(loads({value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size)}, key));
  auto other = value;
  other[0] = 2;
  EXPECT_FALSE(loads(other, key));
  EXPECT_FALSE(loads(value, Bytes(32)));
}

}  // namespace
}  // namespace doze::peer::testing
