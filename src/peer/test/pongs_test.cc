// Pongs: when they leave, to whom, and how much of them.
#include "fake_node.h"
#include "peer/state.h"

namespace doze::peer::testing {
namespace {

struct PongTest : ::testing::Test {
  FakeNode alice{1};
};

TEST_F(PongTest, a_pong_leaves_at_the_end_of_the_step_and_not_to_a_peer_that_was_dropped_in_it) {
  for (bool dropped : {false, true}) {
    FakeNode node{3};
    Scripted peer(node, 1);
    peer.say_init();
    node.said.clear();
    peer.take(node.tell(BytesReceived{1, peer.frame(wire::Ping{7, 3})}));
    EXPECT_TRUE(peer.all<wire::Pong>().empty());
    if (dropped) peer.take(node.tell(DropPeer{peer.node_id(), "its message was not taken"}));
    peer.take(node.tell(EndOfStep{}));
    EXPECT_EQ(peer.all<wire::Pong>().size(), dropped ? 0U : 1U);
  }
}

TEST_F(PongTest, a_flood_of_large_pongs_is_refused_many_small_pings_are_not) {
  Scripted polite(alice, 1, 70);
  polite.say_init();
  for (int i = 0; i < 5000; ++i) polite.say(wire::Ping{0, 64});
  EXPECT_FALSE(polite.closed);
  Scripted greedy(alice, 2, 71);
  greedy.say_init();
  int sent = 0;
  while (!greedy.closed && sent < 1000) {
    greedy.say(wire::Ping{65531, 0});
    ++sent;
  }
  EXPECT_TRUE(greedy.closed);
  EXPECT_LT(sent, 70);
}

TEST_F(PongTest, a_peer_that_leaves_output_unread_gets_no_pong_until_it_reads) {
  auto peer = stranger(alice, 1);
  peer->take(alice.step(OutputWaits{1, true}));
  EXPECT_TRUE(alice.peers.at(peer->node_id()).unread);
  peer->say(wire::Ping{3, 0});
  peer->say(wire::Ping{4, 0});
  alice.pass(1'000);
  peer->take(alice.step(DeadlineReached{}));
  EXPECT_TRUE(peer->all<wire::Pong>().empty());
  peer->take(alice.step(OutputWaits{1, false}));
  EXPECT_FALSE(alice.peers.at(peer->node_id()).unread);
  auto pongs = peer->all<wire::Pong>();
  ASSERT_EQ(pongs.size(), 2U);
  EXPECT_EQ(pongs[0].ignored_length, 3);
  EXPECT_EQ(pongs[1].ignored_length, 4);
}

TEST_F(PongTest, pongs_that_are_kept_back_are_bounded_in_number) {
  auto peer = stranger(alice, 1);
  peer->take(alice.step(OutputWaits{1, true}));
  std::size_t sent = 0;
  for (; !peer->closed && sent < 2 * kMaxPongsDue; ++sent) peer->say(wire::Ping{1, 0});
  EXPECT_EQ(sent, kMaxPongsDue + 1);
}

TEST_F(PongTest, one_step_gives_one_peer_a_bounded_amount_and_the_rest_soon_afterwards_in_order) {
  auto peer = stranger(alice, 1);
  Bytes many;
  for (std::uint16_t i = 0; i < 20; ++i)
    append(many, peer->frame(wire::Ping{static_cast<std::uint16_t>(20'000 + i), 0}));
  std::size_t largest_step = 0;
  auto take = [&](const Effects& effects) {
    std::size_t bytes = 0;
    for (const auto& write : of<WriteBytes>(effects)) bytes += write.bytes.size();
    largest_step = std::max(largest_step, bytes);
    peer->take(effects);
  };
  take(alice.step(BytesReceived{1, many}));
  EXPECT_EQ(peer->all<wire::Pong>().size(), 3U);
  for (int i = 0; i < 10 && peer->all<wire::Pong>().size() < 20; ++i) take(alice.next_deadline());
  auto pongs = peer->all<wire::Pong>();
  ASSERT_EQ(pongs.size(), 20U);
  for (std::uint16_t i = 0; i < 20; ++i) EXPECT_EQ(pongs[i].ignored_length, 20'000 + i);
  EXPECT_LE(largest_step, kPongBytesInStep + 1'000);
}

TEST_F(PongTest, all_strangers_together_get_one_rate_and_those_who_ask_for_little_do_not_wait_for_the_others) {
  std::vector<std::unique_ptr<Scripted>> greedy;
  for (ConnectionId id = 1; id <= 10; ++id) greedy.push_back(stranger(alice, id));
  auto modest = stranger(alice, 50), with_channel = std::unique_ptr<Scripted>();
  std::size_t bytes = 0;
  auto take = [&](const Effects& effects) {
    for (const auto& write : of<WriteBytes>(effects)) bytes += write.bytes.size();
    for (auto& one : greedy) one->take(effects);
    modest->take(effects);
  };
  for (int round = 0; round < 30; ++round)
    for (auto& one : greedy) take(alice.step(BytesReceived{one->connection(), one->frame(wire::Ping{65'000, 0})}));
  EXPECT_LE(bytes, kStrangersPongBurstBytes + 65'600);
  EXPECT_GE(bytes, kStrangersPongBurstBytes - 65'600 * 2);
  take(alice.step(BytesReceived{50, modest->frame(wire::Ping{10, 0})}));
  take(alice.next_deadline());
  EXPECT_EQ(modest->all<wire::Pong>().size(), 1U);
  auto before = bytes;
  auto end = after_ms(alice.mono, 5'000);
  while (alice.mono < end) take(alice.next_deadline());
  EXPECT_LE(bytes - before, 6 * kStrangersPongBytesPerS);
  EXPECT_GE(bytes - before, 4 * kStrangersPongBytesPerS);
  auto all_answered = [&] {
    return std::all_of(greedy.begin(), greedy.end(),
                       [](auto& one) { return one->template all<wire::Pong>().size() == 30; });
  };
  for (end = after_ms(alice.mono, 20'000); !all_answered() && alice.mono < end;) take(alice.next_deadline());
  for (auto& one : greedy) EXPECT_EQ(one->all<wire::Pong>().size(), 30U);  // nobody is forgotten
}

TEST_F(PongTest, a_channel_peer_is_not_under_the_strangers_rate) {
  std::vector<std::unique_ptr<Scripted>> greedy;
  for (ConnectionId id = 1; id <= 3; ++id) greedy.push_back(stranger(alice, id));
  for (int round = 0; round < 30; ++round)
    for (auto& one : greedy) one->say(wire::Ping{65'000, 0});
  Scripted peer(alice, 40, 80);
  alice.add_channel(peer.node_id());
  peer.say_init();
  alice.step(ChannelUsable{alice.channels.begin()->first, peer.node_id()});
  peer.say(wire::Ping{65'000, 0});
  EXPECT_EQ(peer.all<wire::Pong>().size(), 1U);
}

}  // namespace
}  // namespace doze::peer::testing
