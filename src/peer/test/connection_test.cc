// Handshake, init, ping and pong, and who is dropped for what.
#include "effects/features.h"
#include "fake_node.h"
#include "peer/state.h"

namespace doze::peer::testing {
namespace {

struct ConnectionTest : ::testing::Test {
  FakeNode alice{1}, bob{2};
  Wire wire{alice, bob};
  void join() {
    wire.connect(1, alice);
    wire.settle();
    ASSERT_TRUE(alice.peers.contains(bob.id));
    ASSERT_TRUE(bob.peers.contains(alice.id));
    alice.said.clear();
    bob.said.clear();
  }
};

wire::Warning text(const char* words) {
  return {ChannelId(), to_bytes(bytes_of(words))};
}
std::vector<std::string> texts(const FakeNode& node) {
  std::vector<std::string> out;
  for (const auto& received : node.all<MessageReceived>()) {
    const auto& data = std::get<wire::Warning>(received.message).data;
    out.emplace_back(data.begin(), data.end());
  }
  return out;
}

TEST_F(ConnectionTest, both_sides_are_ready_after_init) {
  bob.config.role = Role::Server;
  wire.connect(1, alice);
  wire.settle();
  ASSERT_EQ(alice.all<PeerReady>().size(), 1U);
  EXPECT_EQ(alice.all<PeerReady>()[0].node_id, bob.id);
  ASSERT_EQ(bob.all<PeerReady>().size(), 1U);
  EXPECT_EQ(bob.all<PeerReady>()[0].node_id, alice.id);
  const auto& bob_seen = alice.peers.at(bob.id);
  EXPECT_EQ(bob_seen.features, own_features(bob.config));
  EXPECT_TRUE(bob_seen.holds(Profile::Ldk));
  EXPECT_TRUE(bob_seen.holds(Profile::Draft));
  EXPECT_FALSE(bob_seen.inbound);
  EXPECT_TRUE(bob.peers.at(alice.id).inbound);
  EXPECT_FALSE(bob.peers.at(alice.id).holds(Profile::Ldk));
}

// [AP-num-01]
TEST_F(ConnectionTest, own_features_have_what_they_depend_on_and_hold_bits_are_a_servers) {
  Config config;
  for (auto role : {Role::Client, Role::Server}) {
    config.role = role;
    auto features = own_features(config);
    EXPECT_FALSE(wire::missing_dependency(features).has_value());
    EXPECT_FALSE(wire::unknown_even(features).has_value());
    EXPECT_FALSE(features.supports(wire::kBasicMpp));
    EXPECT_EQ(features.has(153), role == Role::Server);
    EXPECT_EQ(features.has(53), role == Role::Server);
  }
  config.offers_draft_hold = false;
  EXPECT_TRUE(own_features(config).has(153));
  EXPECT_FALSE(own_features(config).has(53));
  config.hold_window_blocks = 0;
  EXPECT_FALSE(own_features(config).has(153));
}

TEST_F(ConnectionTest, handshake_works_byte_by_byte) {
  wire.connect(1, alice);
  while (!wire.under_way.empty()) {
    auto [to, input] = wire.under_way.front();
    wire.under_way.pop_front();
    const auto& received = std::get<BytesReceived>(input);
    for (auto byte : received.bytes) wire.perform(*to, to->step(BytesReceived{received.connection, {byte}}));
  }
  EXPECT_TRUE(alice.peers.contains(bob.id));
  EXPECT_TRUE(bob.peers.contains(alice.id));
}

TEST_F(ConnectionTest, messages_arrive_in_order_and_pongs_behind_them) {
  join();
  for (const auto* words : {"one", "two"}) wire.perform(alice, alice.step(SendMessage{bob.id, text(words)}));
  wire.perform(alice, alice.step(PingPeer{bob.id, 11}));
  wire.perform(alice, alice.step(SendMessage{bob.id, text("three")}));
  wire.perform(alice, alice.step(PingPeer{bob.id, 12}));
  EXPECT_TRUE(alice.all<PongReceived>().empty());
  wire.settle();
  EXPECT_EQ(texts(bob), (std::vector<std::string>{"one", "two", "three"}));
  auto pongs = alice.all<PongReceived>();
  ASSERT_EQ(pongs.size(), 2U);
  EXPECT_EQ(pongs[0].token, 11U);
  EXPECT_EQ(pongs[1].token, 12U);
}

TEST_F(ConnectionTest, messages_are_recorded_both_ways_if_that_was_asked_for_only) {
  join();
  wire.step(alice, SendMessage{bob.id, text("unheard")});
  EXPECT_TRUE(alice.all<Notify>().empty());
  record_messages(alice.room);
  wire.step(alice, SendMessage{bob.id, text("one")});
  wire.step(bob, SendMessage{alice.id, text("two")});
  auto said = alice.all<Notify>();
  ASSERT_EQ(said.size(), 2U);
  for (const auto& [index, direction, words] : {std::tuple{0, "sent", "one"}, std::tuple{1, "received", "two"}}) {
    const auto& notify = said[static_cast<std::size_t>(index)];
    EXPECT_EQ(notify.event, kPeerMessage);
    auto fact = [facts = Value(notify.facts)](const char* name) {
      return std::get<std::string>(facts.find(name)->inner());
    };
    EXPECT_EQ(fact("node_id"), bob.id.hex());
    EXPECT_EQ(fact("direction"), direction);
    EXPECT_EQ(fact("message"), to_hex(wire::encode(text(words))));
  }
  EXPECT_TRUE(bob.all<Notify>().empty());
}

TEST_F(ConnectionTest, words_for_unknown_peers_are_dropped) {
  EXPECT_TRUE(alice.step(SendMessage{bob.id, text("x")}).empty());
  EXPECT_TRUE(alice.step(PingPeer{bob.id, 1}).empty());
  EXPECT_TRUE(alice.step(DropPeer{bob.id, "x"}).empty());
}

TEST_F(ConnectionTest, drop_peer_hangs_up_behind_what_was_sent) {
  join();
  wire.perform(alice, alice.step(SendMessage{bob.id, text("last words")}));
  wire.perform(alice, alice.step(DropPeer{bob.id, "enough"}));
  ASSERT_EQ(alice.all<PeerGone>().size(), 1U);
  EXPECT_TRUE(alice.peers.empty());
  wire.settle();
  EXPECT_EQ(texts(bob), std::vector<std::string>{"last words"});
  EXPECT_EQ(bob.all<PeerGone>().size(), 1U);
  EXPECT_TRUE(bob.peers.empty());
}

TEST_F(ConnectionTest, wrong_node_key_ends_the_handshake) {
  FakeNode carol{3};
  bob.step(PeerConnected{1, std::nullopt, "x"});
  auto act_one = of<WriteBytes>(alice.step(PeerConnected{1, carol.id, "x"}));
  ASSERT_EQ(act_one.size(), 1U);
  bob.step(BytesReceived{1, act_one[0].bytes});
  EXPECT_EQ(bob.all<Hangup>().size(), 1U);
  EXPECT_TRUE(bob.all<WriteBytes>().empty());
  EXPECT_TRUE(bob.all<PeerGone>().empty());
}

TEST_F(ConnectionTest, a_connection_to_ourselves_is_closed) {
  auto first = of<WriteBytes>(alice.step(PeerConnected{1, alice.id, "x"}));
  alice.step(PeerConnected{2, std::nullopt, "y"});
  auto second = of<WriteBytes>(alice.step(BytesReceived{2, first.at(0).bytes}));
  alice.step(BytesReceived{1, second.at(0).bytes});
  ASSERT_EQ(alice.all<Hangup>().size(), 1U);
  EXPECT_TRUE(alice.peers.empty());
}

// ---- init ----

TEST_F(ConnectionTest, init_is_refused_for_its_contents) {
  struct Case {
    wire::Init init;
    const char* why;
  };
  auto ours = wire::chain_hash(wire::Network::Regtest);
  auto other = wire::chain_hash(wire::Network::Mainnet);
  ConnectionId id = 1;
  for (const auto& [init, why] : {Case{{{1000}, {{ours}}, {}}, "init: unknown compulsory feature 1000"},
                                  Case{{{wire::kZeroConf + 1}, {{ours}}, {}}, "init: missing dependency of feature 51"},
                                  Case{{{}, {{other}}, {}}, "init: no common chain in networks"}}) {
    Scripted peer(alice, id++);
    peer.say(init);
    EXPECT_TRUE(peer.closed) << why;
    auto warnings = peer.all<wire::Warning>();
    ASSERT_EQ(warnings.size(), 1U) << why;
    EXPECT_EQ(warnings[0].data, to_bytes(bytes_of(why)));
  }
  EXPECT_TRUE(alice.all<PeerReady>().empty());
  EXPECT_TRUE(alice.all<PeerGone>().empty());
}

TEST_F(ConnectionTest, init_without_networks_or_with_unknown_odd_features_is_fine) {
  Scripted peer(alice, 1);
  peer.say(wire::Init{{1001}, std::nullopt, std::nullopt});
  EXPECT_FALSE(peer.closed);
  ASSERT_EQ(peer.all<wire::Init>().size(), 1U);
  EXPECT_EQ(peer.all<wire::Init>()[0].networks, std::optional(std::vector{wire::chain_hash(wire::Network::Regtest)}));
  EXPECT_TRUE(alice.peers.contains(peer.node_id()));
}

TEST_F(ConnectionTest, init_without_the_features_that_everybody_is_assumed_to_have_is_fine) {
  Scripted peer(alice, 1);
  peer.say_init({wire::kAnchors, wire::kRouteBlinding + 1, wire::kPaymentSecret});
  EXPECT_FALSE(peer.closed);
  EXPECT_TRUE(alice.peers.contains(peer.node_id()));
}

TEST_F(ConnectionTest, who_dialled_us_is_told_its_address_if_that_is_a_public_one) {
  std::uint8_t seed = 60;
  ConnectionId id = 1;
  for (const auto& [from, told] : {std::pair{"198.51.100.7:7", true},
                                   {"[2001:db8::7]:7", true},
                                   {"127.0.0.1:7", false},
                                   {"10.1.2.3:7", false},
                                   {"172.31.0.1:7", false},
                                   {"192.168.1.1:7", false},
                                   {"169.254.1.1:7", false},
                                   {"100.64.0.1:7", false},
                                   {"[::1]:7", false},
                                   {"[fd00::1]:7", false},
                                   {"[fe80::1]:7", false},
                                   {"nonsense", false}}) {
    Scripted peer(alice, id++, seed++, from);
    auto inits = peer.all<wire::Init>();
    ASSERT_EQ(inits.size(), 1U) << from;
    EXPECT_EQ(inits[0].remote_addr, told ? wire::parse_address(from) : std::nullopt) << from;
  }
}

TEST_F(ConnectionTest, first_message_must_be_init_and_there_is_only_one) {
  Scripted early(alice, 1);
  early.say(wire::Ping{});
  EXPECT_TRUE(early.closed);
  EXPECT_TRUE(early.all<wire::Warning>().empty());  // it has not said init: it hears nothing but ours
  EXPECT_EQ(early.all<wire::Init>().size(), 1U);
  Scripted twice(alice, 2);
  twice.say_init();
  EXPECT_FALSE(twice.closed);
  twice.say_init();
  EXPECT_TRUE(twice.closed);
  EXPECT_EQ(alice.all<PeerGone>().size(), 1U);
}

// ---- messages ----

TEST_F(ConnectionTest, malformed_and_unknown_even_messages_cost_the_connection_unknown_odd_ones_nothing) {
  {
    Scripted peer(alice, 1);
    peer.say_init();
    peer.say(wire::UnknownMessage{32769});
    EXPECT_FALSE(peer.closed);
    EXPECT_TRUE(alice.all<MessageReceived>().empty());
    peer.say(wire::UnknownMessage{32768});
    EXPECT_TRUE(peer.closed);
  }
  ConnectionId id = 2;
  for (const auto& bytes : {Bytes{}, Bytes{0}, Bytes{0, 18, 0}}) {
    Scripted peer(alice, id++);
    peer.say_init();
    peer.say_bytes(bytes);
    EXPECT_TRUE(peer.closed);
    EXPECT_EQ(peer.all<wire::Warning>().size(), 1U);
  }
  EXPECT_TRUE(alice.peers.empty());
}

TEST_F(ConnectionTest, gossip_that_cannot_be_read_costs_nothing_for_its_teller_may_have_passed_it_on) {
  Scripted peer(alice, 1);
  peer.say_init();
  for (std::uint16_t type : {256, 257, 258, 261, 262, 263, 264, 265}) {
    peer.say_bytes(Writer().u16(type).bytes(Bytes(5, 0xff)).take());
    EXPECT_FALSE(peer.closed) << type;
  }
  EXPECT_TRUE(alice.all<MessageReceived>().empty());
  EXPECT_TRUE(peer.all<wire::Warning>().empty());
}

TEST_F(ConnectionTest, nothing_is_heard_behind_a_malformed_message) {
  join();
  Bytes both;
  // Two frames in one piece: the second must not be handled any more.
  auto effects = alice.step(SendMessage{bob.id, wire::UnknownMessage{32768}});
  auto more = alice.step(SendMessage{bob.id, text("too late")});
  for (const auto& batch : {effects, more})
    for (const auto& write : of<WriteBytes>(batch)) append(both, write.bytes);
  bob.step(BytesReceived{1, both});
  EXPECT_TRUE(bob.all<MessageReceived>().empty());
  EXPECT_EQ(bob.all<PeerGone>().size(), 1U);
}

TEST_F(ConnectionTest, pings_get_pongs_of_the_length_asked_for) {
  Scripted peer(alice, 1);
  peer.say_init();
  peer.say(wire::Ping{7, 3});
  peer.say(wire::Ping{65531, 0});
  peer.say(wire::Ping{65532, 0});  // BOLT 1: no answer
  peer.say(wire::Ping{0, 0});
  auto pongs = peer.all<wire::Pong>();
  ASSERT_EQ(pongs.size(), 3U);
  EXPECT_EQ(pongs[0].ignored_length, 7);
  EXPECT_EQ(pongs[1].ignored_length, 65531);
  EXPECT_EQ(pongs[2].ignored_length, 0);
}

TEST_F(ConnectionTest, pongs_that_nobody_asked_for_answer_nothing) {
  Scripted peer(alice, 1);
  peer.say_init();
  peer.say(wire::Pong{0});
  peer.take(alice.step(PingPeer{peer.node_id(), 5}));
  EXPECT_TRUE(alice.all<PongReceived>().empty());
  peer.say(wire::Pong{0});
  EXPECT_EQ(alice.all<PongReceived>().size(), 1U);
  EXPECT_FALSE(peer.closed);
}

// ---- one connection a node ----

TEST_F(ConnectionTest, a_newer_connection_replaces_an_older_one) {
  join();
  wire.connect(2, alice);
  wire.settle();
  for (auto* node : {&alice, &bob}) {
    EXPECT_EQ(node->all<PeerGone>().size(), 1U);
    EXPECT_EQ(node->all<PeerReady>().size(), 1U);
    EXPECT_EQ(node->peers.size(), 1U);
  }
  wire.step(alice, SendMessage{bob.id, text("over the new one")});
  EXPECT_EQ(texts(bob).size(), 1U);
}

TEST_F(ConnectionTest, crossed_dials_leave_one_connection_that_both_agree_on) {
  for (bool a_first : {true, false}) {
    FakeNode a{1}, b{2};
    Wire between{a, b};
    between.connect(a_first ? 1 : 2, a_first ? a : b);
    between.connect(a_first ? 2 : 1, a_first ? b : a);
    between.settle();
    ASSERT_TRUE(a.peers.contains(b.id));
    ASSERT_TRUE(b.peers.contains(a.id));
    EXPECT_NE(a.peers.at(b.id).inbound, b.peers.at(a.id).inbound);
    a.said.clear();
    b.said.clear();
    between.step(a, SendMessage{b.id, text("there")});
    between.step(b, SendMessage{a.id, text("back")});
    EXPECT_EQ(texts(b).size(), 1U);
    EXPECT_EQ(texts(a).size(), 1U);
  }
}

// ---- time ----

TEST_F(ConnectionTest, a_silent_handshake_is_closed) {
  alice.step(PeerConnected{1, std::nullopt, "x"});
  alice.next_deadline();
  EXPECT_EQ(alice.all<Hangup>().size(), 1U);
  EXPECT_FALSE(deadline(alice.room).has_value());
}

TEST_F(ConnectionTest, an_idle_connection_is_pinged_and_stays_if_the_peer_answers) {
  join();
  for (int i = 0; i < 3; ++i) {
    alice.mono = after_ms(*deadline(alice.room), 0);
    bob.mono = alice.mono;
    wire.step(alice, DeadlineReached{});
  }
  EXPECT_EQ(alice.all<WriteBytes>().size(), 3U);
  EXPECT_TRUE(alice.all<PongReceived>().empty());  // nobody asked for these
  EXPECT_TRUE(alice.all<PeerGone>().empty());
}

TEST_F(ConnectionTest, a_dead_connection_is_noticed) {
  join();
  alice.next_deadline();  // the ping goes into the void
  EXPECT_TRUE(alice.all<PeerGone>().empty());
  alice.next_deadline();
  EXPECT_EQ(alice.all<PeerGone>().size(), 1U);
  EXPECT_EQ(alice.all<Hangup>().size(), 1U);
}

TEST_F(ConnectionTest, a_peer_that_talks_but_never_answers_pings_goes_at_last) {
  Scripted peer(alice, 1);
  peer.say_init();
  peer.take(alice.step(PingPeer{peer.node_id(), 1}));
  int rounds = 0;
  while (!peer.closed && rounds < 100) {
    ++rounds;
    alice.mono = after_ms(alice.mono, 10'000);
    peer.say(wire::UnknownMessage{32769});
    peer.take(alice.step(DeadlineReached{}));
  }
  EXPECT_TRUE(peer.closed);
  EXPECT_GE(rounds, 25);
}

TEST_F(ConnectionTest, a_peer_that_leaves_1024_pings_unanswered_loses_its_connection) {
  Scripted peer(alice, 1);
  peer.say_init();
  for (std::size_t i = 0; i < kMaxUnansweredPings; ++i) peer.take(alice.step(PingPeer{peer.node_id(), i}));
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.all<wire::Ping>().size(), kMaxUnansweredPings);
  // One answer makes room for one more.
  peer.say(wire::Pong{static_cast<std::uint16_t>(peer.all<wire::Ping>()[0].num_pong_bytes)});
  peer.take(alice.step(PingPeer{peer.node_id(), 5'000}));
  EXPECT_FALSE(peer.closed);
  peer.take(alice.step(PingPeer{peer.node_id(), 5'001}));
  EXPECT_TRUE(peer.closed);
}

}  // namespace
}  // namespace doze::peer::testing
