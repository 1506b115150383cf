// What waits for peers that do not read: limits per connection and over all of them.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <chrono>

#include "io/network.h"
#include "listening.h"

namespace doze::io {
namespace {

using namespace testing;  // NOLINT

constexpr std::size_t kMiB = 1024 * 1024;

struct OutputTest : ListeningTest {
  OutputTest() : ListeningTest(100, Times{kDialTimeoutMs, 2'000, 1'500}) {}
  std::vector<std::unique_ptr<tcp::socket>> peers;

  /// A peer, and its number at our end. With a window its kernel takes no more than that.
  ConnectionId connect(int window = 0) {
    auto& peer = peers.emplace_back(std::make_unique<tcp::socket>(context));
    peer->open(tcp::v4());
    if (window != 0) peer->set_option(asio::socket_base::receive_buffer_size(window));
    peer->connect({asio::ip::make_address("127.0.0.1"), port});
    peer->non_blocking(true);
    auto before = all<PeerConnected>().size();
    EXPECT_TRUE(until([&] { return all<PeerConnected>().size() > before; }));
    return all<PeerConnected>().back().connection;
  }
  bool gone(ConnectionId id) const {
    for (const auto& one : all<PeerDisconnected>())
      if (one.connection == id) return true;
    return false;
  }
  /// What the peer reads until nothing more comes for a while, or its end.
  std::size_t read_all(std::size_t peer, std::size_t wanted) {
    Bytes buffer(65'536);
    std::size_t got = 0;
    boost::system::error_code error;
    until([&] {
      got += peers[peer]->read_some(asio::buffer(buffer), error);
      return got >= wanted || (error && error != asio::error::would_block);
    });
    return got;
  }
};

TEST_F(OutputTest, one_stranger_may_leave_so_much_unread_and_no_more) {
  auto id = connect(4'096);
  network.write(id, Bytes(kMaxUnsentBytes, 1));
  context.run_for(milliseconds(20));
  EXPECT_FALSE(gone(id));
  network.write(id, Bytes(kMiB, 1));
  EXPECT_TRUE(until([&] { return gone(id); }));
  EXPECT_EQ(network.unsent_of_strangers(), 0U);
}

TEST_F(OutputTest, all_strangers_together_may_leave_so_much_unread_and_the_one_with_the_most_goes) {
  auto modest = connect();
  network.write(modest, Bytes(kMiB / 2, 1));
  std::vector<ConnectionId> greedy;
  for (std::size_t i = 0; i < 10; ++i) {
    greedy.push_back(connect(4'096));
    network.write(greedy.back(), Bytes(4 * kMiB, static_cast<std::uint8_t>(i)));
    EXPECT_LE(network.unsent_of_strangers(), kMaxUnsentOfStrangers);
    context.run_for(milliseconds(5));
  }
  std::size_t lost = 0;
  for (auto id : greedy) lost += gone(id) ? 1 : 0;
  EXPECT_GE(lost, 2U);
  EXPECT_LE(lost, 3U);
  EXPECT_FALSE(gone(modest));
  EXPECT_EQ(read_all(0, kMiB / 2), kMiB / 2);
}

TEST_F(OutputTest, a_channel_peer_is_not_counted_among_strangers) {
  auto channel_peer = connect(4'096);
  network.write(channel_peer, Bytes(4 * kMiB, 1), WriteKind::ToChannelPeer);
  EXPECT_EQ(network.unsent_of_strangers(), 0U);
  network.write(channel_peer, Bytes(kMiB, 1), WriteKind::ToChannelPeer);
  EXPECT_TRUE(until([&] { return gone(channel_peer); }));  // the limit for one connection holds for it, too
}

TEST_F(OutputTest, what_was_written_to_a_stranger_counts_no_longer_when_it_has_a_channel) {
  auto id = connect();
  network.write(id, Bytes(2 * kMiB, 1));
  EXPECT_GE(network.unsent_of_strangers(), kMiB);
  network.write(id, Bytes(1, 1), WriteKind::ToChannelPeer);
  EXPECT_EQ(network.unsent_of_strangers(), 0U);
  EXPECT_EQ(read_all(0, 2 * kMiB + 1), 2 * kMiB + 1);
}

TEST_F(OutputTest, messages_of_a_channel_never_close_their_connection_however_slow_the_peer_is) {
  auto id = connect();
  constexpr std::size_t kUpdates = 483, kLargest = 65'551;
  for (std::size_t i = 0; i < kUpdates; ++i) network.write(id, Bytes(kLargest, 1), WriteKind::ChannelMessage);
  // What else goes to that peer is still bounded, by itself.
  network.write(id, Bytes(kMiB, 2), WriteKind::ToChannelPeer);
  context.run_for(milliseconds(2'500));  // longer than a stranger's patience
  EXPECT_FALSE(gone(id));
  EXPECT_EQ(read_all(0, kUpdates * kLargest + kMiB), kUpdates * kLargest + kMiB);
  EXPECT_FALSE(gone(id));
}

TEST_F(OutputTest, all_channel_peers_together_are_bounded_as_well) {
  std::vector<ConnectionId> ids;
  for (std::size_t i = 0; i < 6; ++i) {
    ids.push_back(connect(4'096));
    network.write(ids.back(), Bytes(kMaxUnsentOfChannelPeers / 5, 1), WriteKind::ChannelMessage);
    context.run_for(milliseconds(5));
  }
  std::size_t lost = 0;
  for (auto id : ids) lost += gone(id) ? 1 : 0;
  EXPECT_EQ(lost, 1U);
}

TEST_F(OutputTest, the_owner_is_told_when_output_waits_and_when_it_waits_no_longer) {
  auto id = connect();
  network.write(id, Bytes(1000, 1));
  context.run_for(milliseconds(20));
  EXPECT_TRUE(all<OutputWaits>().empty());  // the kernel took it
  network.write(id, Bytes(kMiB, 1));
  ASSERT_TRUE(until([&] { return !all<OutputWaits>().empty(); }));
  EXPECT_EQ(all<OutputWaits>()[0].connection, id);
  EXPECT_TRUE(all<OutputWaits>()[0].waits);
  read_all(0, kMiB + 1000);
  ASSERT_TRUE(until([&] { return all<OutputWaits>().size() == 2; }));
  EXPECT_FALSE(all<OutputWaits>()[1].waits);
}

TEST_F(OutputTest, who_does_not_read_is_read_slowly_and_quickly_again_afterwards) {
  auto id = connect();
  network.write(id, Bytes(kSlowReadStranger + kMiB, 1));
  ASSERT_TRUE(until([&] { return !all<OutputWaits>().empty(); }));
  heard.clear();
  /// As much as it can say, handled at once, until `most` pieces were read or the time is over.
  auto talk = [&](int ms, std::size_t most) {
    Bytes words(kReadChunk, 7);
    std::size_t handled = 0;
    auto end = steady_clock::now() + milliseconds(ms);
    boost::system::error_code error;
    while (steady_clock::now() < end && handled < most) {
      peers[0]->write_some(asio::buffer(words), error);
      context.run_for(milliseconds(1));
      for (; handled < all<BytesReceived>().size(); ++handled) network.handled(id);
    }
    return handled;
  };
  auto slow = talk(1'000, 1'000);
  EXPECT_GE(slow, 1U);  // two nodes that wait for each other go on
  EXPECT_LE(slow, (2U + 1'000 / kSweepMs) * kSlowReadBytes / kReadChunk);
  read_all(0, kSlowReadStranger + kMiB);
  auto pending = all<BytesReceived>().size();
  heard.clear();
  for (; pending > slow; --pending) network.handled(id);
  // In five seconds it would be heard 176 times if it was still read slowly.
  EXPECT_EQ(talk(5'000, 200), 200U);
}

TEST_F(OutputTest, two_nodes_that_write_a_lot_at_once_and_only_then_read_do_not_wait_for_each_other_for_ever) {
  std::vector<Input> others;
  Network other(context, [&](Input input) { others.push_back(std::move(input)); });
  network.dial(NodeId(), {{wire::Ipv4{127, 0, 0, 1}, *other.listen("127.0.0.1", 0)}});
  std::vector<PeerConnected> ours;
  ASSERT_TRUE(until([&] { return !(ours = all<PeerConnected>()).empty() && !others.empty(); }));
  auto a = ours[0].connection, b = std::get<PeerConnected>(others[0]).connection;
  constexpr std::size_t kMuch = 3 * kMiB;
  network.write(a, Bytes(kMuch, 1));
  other.write(b, Bytes(kMuch, 1));
  context.run_for(milliseconds(50));
  std::size_t at_a = 0, at_b = 0, seen_a = 0, seen_b = 0;
  EXPECT_TRUE(until(
      [&] {
        for (; seen_a < heard.size(); ++seen_a)
          if (const auto* in = std::get_if<BytesReceived>(&heard[seen_a])) at_a += in->bytes.size(), network.handled(a);
        for (; seen_b < others.size(); ++seen_b)
          if (const auto* in = std::get_if<BytesReceived>(&others[seen_b])) at_b += in->bytes.size(), other.handled(b);
        return at_a == kMuch && at_b == kMuch;
      },
      20));
  EXPECT_EQ(at_a, kMuch);
  EXPECT_EQ(at_b, kMuch);
}

TEST_F(OutputTest, a_stranger_that_takes_nothing_for_some_time_is_hung_up_on) {
  auto silent = connect(4'096), quick = connect();
  network.write(silent, Bytes(kMiB, 1));
  EXPECT_FALSE(gone(silent));
  EXPECT_TRUE(until([&] { return gone(silent); }, 4));
  EXPECT_FALSE(gone(quick));  // nothing waits for it
}

}  // namespace
}  // namespace doze::io
