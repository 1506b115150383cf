// Places: who gets in when a crowd is there, and who goes.
#include "effects/limits.h"
#include "fake_node.h"
#include "peer/state.h"

namespace doze::peer::testing {
namespace {

struct PlacesTest : ::testing::Test {
  FakeNode alice{1}, bob{2};
  std::vector<std::unique_ptr<Scripted>> crowd;
  ConnectionId next = 1'000;

  Scripted& newcomer(const std::string& from = "198.51.100.9:9") {
    crowd.push_back(stranger(alice, next++, from));
    return *crowd.back();
  }
  /// As many strangers as there may be.
  void fill_with_strangers() {
    while (alice.peers.size() < kMaxPeersWithoutChannel) newcomer();
    alice.said.clear();
  }
  void silent(std::size_t count, const std::string& from = "198.51.100.9:9") {
    for (std::size_t i = 0; i < count; ++i) alice.step(PeerConnected{next++, std::nullopt, from});
  }
  bool there(const Scripted& peer) const { return alice.peers.contains(peer.node_id()); }
  wire::Warning words() { return {ChannelId(), to_bytes(bytes_of("here"))}; }
};

TEST_F(PlacesTest, a_crowd_of_strangers_that_ask_something_now_and_then_shuts_nobody_out) {
  fill_with_strangers();
  for (int minute = 0; minute < 3; ++minute) {
    alice.pass(50'000);
    for (auto& one : crowd)
      if (there(*one)) one->say(words());
    alice.pass(10'000);
    auto& late = newcomer();
    EXPECT_FALSE(late.closed);
    EXPECT_TRUE(there(late));
    EXPECT_EQ(alice.peers.size(), kMaxPeersWithoutChannel);
  }
}

TEST_F(PlacesTest, peers_with_channels_clients_and_those_that_we_dialled_get_in_and_never_give_their_places_away) {
  fill_with_strangers();
  Scripted invited(alice, 1, 81);
  EXPECT_FALSE(invited.closed);
  FakeNode client(82), channel_peer(83);
  alice.invited.insert(client.id);
  alice.add_channel(channel_peer.id);
  Wire to_client{alice, client}, to_peer{alice, channel_peer}, to_bob{alice, bob};
  to_client.connect(2, client);
  to_client.settle();
  to_peer.connect(3, channel_peer);
  to_peer.settle();
  to_bob.connect(4, alice);
  to_bob.settle();
  EXPECT_EQ(alice.peers.size(), kMaxPeersWithoutChannel + 3);
  alice.pass(2 * kIdleStrangerMs);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(there(newcomer()));
  for (const auto& id : {client.id, channel_peer.id, bob.id}) EXPECT_TRUE(alice.peers.contains(id));
  EXPECT_EQ(alice.peers.size(), kMaxPeersWithoutChannel + 3);
}

TEST_F(PlacesTest, a_channel_that_nobody_paid_for_makes_no_familiar_peer) {
  Scripted opening(alice, 1, 81);
  alice.add_channel(opening.node_id());
  auto& channel = alice.channels.begin()->second;
  channel.phase = ChannelPhase::Opening;
  Scripted again(alice, 2, 81);
  again.say_init();
  fill_with_strangers();
  EXPECT_EQ(alice.peers.size(), kMaxPeersWithoutChannel);
  // Once its funding is confirmed it is one.
  channel.scid = ShortChannelId::of(1, 2, 3);
  Scripted funded(alice, 3, 81);
  funded.say_init();
  newcomer();
  EXPECT_EQ(alice.peers.size(), kMaxPeersWithoutChannel + (there(funded) ? 1 : 0));
}

TEST_F(PlacesTest, idle_strangers_go_first_and_one_that_only_pings_is_idle) {
  Scripted busy(alice, 1, 80);
  busy.say_init();
  fill_with_strangers();
  alice.pass(kIdleStrangerMs);
  busy.say(words());
  for (auto& one : crowd) one->say(wire::Ping{1, 0});
  for (int i = 0; i < 100; ++i) newcomer();
  EXPECT_TRUE(there(busy));
}

TEST_F(PlacesTest, a_newcomer_keeps_its_place_long_enough_for_a_question) {
  fill_with_strangers();
  alice.pass(kStrangerTurnMs);
  for (auto& one : crowd) one->say(words());
  auto& honest = newcomer();
  for (std::size_t i = 0; i < kMaxPeersWithoutChannel / 2; ++i) newcomer();
  EXPECT_TRUE(there(honest));
}

TEST_F(PlacesTest, the_crowd_of_one_network_pushes_nobody_out_of_another) {
  auto& honest = newcomer("203.0.113.5:1");
  fill_with_strangers();
  alice.pass(2 * kIdleStrangerMs);
  for (std::size_t i = 0; i < kMaxPeersWithoutChannel + 20; ++i) newcomer();
  EXPECT_TRUE(there(honest));
}

TEST_F(PlacesTest, a_slow_handshake_gets_in_while_a_thousand_silent_connections_come_each_second) {
  // From the same prefix: 300 of them between any two steps, at one per millisecond.
  alice.add_channel(bob.id);
  silent(2 * kMaxSilent);
  int came = 0;
  for (ConnectionId id = 1; id <= 40; ++id) {
    FakeNode peer(2);
    Wire wire{alice, peer};
    wire.connect(id, peer);
    while (wire.under_way.size() > 1) wire.deliver_one();  // the end of the one that gave way; then there is act one
    while (!wire.under_way.empty()) {
      silent(300);
      wire.deliver_one();
    }
    came += alice.peers.contains(bob.id) ? 1 : 0;
    alice.step(DropPeer{bob.id, "again"});
  }
  EXPECT_GE(came, 32);  // an attempt takes two seconds: five of them fail once in 3,000 times
}

TEST_F(PlacesTest, after_the_first_act_silent_connections_are_no_rivals) {
  Wire wire{alice, bob};
  wire.connect(1, bob);
  wire.deliver_one();  // the first act
  silent(5 * kMaxSilent);
  wire.settle();
  EXPECT_TRUE(alice.peers.contains(bob.id));
}

TEST_F(PlacesTest, silent_connections_of_one_prefix_do_not_touch_those_of_another) {
  Wire wire{alice, bob};
  alice.step(PeerConnected{1, std::nullopt, "203.0.113.5:1"});
  silent(5 * kMaxSilent);
  wire.perform(bob, bob.step(PeerConnected{1, alice.id, "x"}));
  wire.settle();
  EXPECT_TRUE(alice.peers.contains(bob.id));
}

TEST_F(PlacesTest, silent_connections_are_bounded_in_number_and_time_and_our_own_dials_are_not_among_them) {
  alice.step(WantPeer{bob.id, {address(2)}, true});
  alice.step(PeerConnected{1, bob.id, "198.51.100.2:9735"});  // ours, and slow
  silent(3 * kMaxSilent);
  EXPECT_EQ(alice.all<Hangup>().size(), 2 * kMaxSilent);
  for (const auto& hangup : alice.all<Hangup>()) EXPECT_NE(hangup.connection, 1U);
  alice.said.clear();
  auto before = alice.mono;
  alice.next_deadline();
  EXPECT_EQ(alice.mono, after_ms(before, kFirstActMs));
  EXPECT_EQ(alice.all<Hangup>().size(), kMaxSilent);
}

TEST_F(PlacesTest, handshakes_that_have_begun_are_bounded_too_and_a_channel_peer_leaves_them_with_the_third_act) {
  alice.add_channel(bob.id);
  Wire wire{alice, bob};
  wire.connect(1, bob);
  for (int act = 0; act < 3; ++act) wire.deliver_one();
  for (std::size_t i = 0; i < kMaxHandshakes + 40; ++i) {
    FakeNode other(3);
    auto act_one = of<WriteBytes>(other.step(PeerConnected{1, alice.id, "x"}));
    silent(1);
    alice.step(BytesReceived{next - 1, act_one.at(0).bytes});
  }
  EXPECT_EQ(alice.all<Hangup>().size(), 40U);
  wire.settle();
  EXPECT_TRUE(alice.peers.contains(bob.id));
}

TEST_F(PlacesTest, unfinished_messages_of_all_strangers_together_are_bounded_and_the_largest_goes) {
  auto& small = newcomer();
  auto begin = [&](Scripted& peer, std::size_t size) {
    auto frame = peer.frame(wire::Warning{ChannelId(), Bytes(size, 1)});
    frame.pop_back();
    peer.take(alice.step(BytesReceived{peer.connection(), frame}));
  };
  begin(small, 1'000);
  constexpr std::size_t kHeld = 2 + 32 + 2 + 65'000 + 15;  // the header is read, the last byte is missing
  std::size_t fit = kMaxPartialOfStrangers / kHeld;
  for (std::size_t i = 0; i < fit + 6; ++i) begin(newcomer(), 65'000);
  EXPECT_EQ(alice.all<Hangup>().size(), 6U);
  EXPECT_FALSE(small.closed);
  // A finished message, and a connection that ends, give their bytes back.
  alice.said.clear();
  for (auto& one : crowd)
    if (there(*one)) alice.step(PeerDisconnected{one->connection()});
  for (std::size_t i = 0; i < fit; ++i) begin(newcomer(), 65'000);
  EXPECT_TRUE(alice.all<Hangup>().empty());
}

TEST_F(PlacesTest, what_is_written_is_marked_by_whom_it_goes_to_and_whether_a_channel_must_say_it) {
  Scripted peer(alice, 1, 80);
  peer.say_init();
  auto kind = [&](const wire::Message& message) {
    return of<WriteBytes>(alice.step(SendMessage{peer.node_id(), message})).at(0).kind;
  };
  EXPECT_EQ(kind(words()), WriteKind::ToStranger);
  EXPECT_EQ(kind(wire::UpdateFailHtlc{}), WriteKind::ToStranger);
  alice.add_channel(peer.node_id());
  alice.step(ChannelUsable{alice.channels.begin()->first, peer.node_id()});
  EXPECT_EQ(kind(words()), WriteKind::ToChannelPeer);
  EXPECT_EQ(kind(wire::GossipTimestampFilter{}), WriteKind::ToChannelPeer);
  for (const wire::Message& message :
       std::initializer_list<wire::Message>{wire::UpdateFailHtlc{}, wire::UpdateFulfillHtlc{}, wire::CommitmentSigned{},
                                            wire::ChannelReestablish{}, wire::Shutdown{}, wire::ClosingSigned{}})
    EXPECT_EQ(kind(message), WriteKind::ChannelMessage);
  // After a reconnection at once.
  Scripted again(alice, 2, 80);
  again.say_init();
  EXPECT_EQ(kind(wire::UpdateFailHtlc{}), WriteKind::ChannelMessage);
}

}  // namespace
}  // namespace doze::peer::testing
