// Real sockets on localhost: how many come in, how long they stay.
#include "io/network.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <chrono>

namespace doze::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct NetworkTest : ::testing::Test {
  asio::io_context context{1};
  std::vector<Input> heard;
  Network network{context, [this](Input input) { heard.push_back(std::move(input)); }, 2};
  std::uint16_t port = *network.listen("127.0.0.1", 0);

  ~NetworkTest() override {
    network.stop();
    context.run_for(milliseconds(50));
  }
  template <class In>
  [[nodiscard]] std::vector<In> all() const {
    std::vector<In> out;
    for (const auto& input : heard)
      if (const auto* one = std::get_if<In>(&input)) out.push_back(*one);
    return out;
  }
  /// Runs until that is so; false after ten seconds.
  template <class Condition>
  bool until(Condition condition) {
    auto end = steady_clock::now() + std::chrono::seconds(10);
    while (!condition() && steady_clock::now() < end) context.run_for(milliseconds(5));
    return condition();
  }
  tcp::socket connect() {
    tcp::socket socket(context);
    socket.connect({asio::ip::make_address("127.0.0.1"), port});
    return socket;
  }
  bool connected(std::size_t count) {
    return until([&] { return all<PeerConnected>().size() == count; });
  }
};

TEST_F(NetworkTest, one_connection_too_many_is_closed_and_a_place_that_is_free_again_is_given_away) {
  auto first = connect(), second = connect();
  ASSERT_TRUE(connected(2));
  auto third = connect();
  boost::system::error_code error;
  std::uint8_t byte = 0;
  third.non_blocking(true);
  EXPECT_TRUE(until([&] {
    third.receive(asio::buffer(&byte, 1), 0, error);
    return error == asio::error::eof || error == asio::error::connection_reset;
  }));
  EXPECT_EQ(all<PeerConnected>().size(), 2U);
  first.close();
  ASSERT_TRUE(until([&] { return all<PeerDisconnected>().size() == 1; }));
  auto fourth = connect();
  EXPECT_TRUE(connected(3));
}

TEST_F(NetworkTest, a_hangup_comes_behind_what_was_written) {
  auto peer = connect();
  ASSERT_TRUE(connected(1));
  auto id = all<PeerConnected>()[0].connection;
  network.write(id, Bytes(1000, 7));
  network.hangup(id);
  ASSERT_TRUE(until([&] { return all<PeerDisconnected>().size() == 1; }));
  std::vector<std::uint8_t> got(2000);
  boost::system::error_code error;
  EXPECT_EQ(asio::read(peer, asio::buffer(got), error), 1000U);
  EXPECT_EQ(error, asio::error::eof);
}

TEST_F(NetworkTest, a_peer_that_reads_nothing_does_not_keep_its_place_after_a_hangup) {
  tcp::socket peer(context);
  peer.open(tcp::v4());
  peer.set_option(asio::socket_base::receive_buffer_size(4096));
  peer.connect({asio::ip::make_address("127.0.0.1"), port});
  ASSERT_TRUE(connected(1));
  auto id = all<PeerConnected>()[0].connection;
  network.write(id, Bytes(kMaxUnsentBytes, 7));
  context.run_for(milliseconds(100));
  ASSERT_TRUE(all<PeerDisconnected>().empty());
  network.hangup(id);
  EXPECT_TRUE(until([&] { return all<PeerDisconnected>().size() == 1; }));
}

TEST(RoomForInbound, raises_the_soft_limit_and_never_counts_more_than_may_be_open) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low{std::min<rlim_t>(before.rlim_max, 1024), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  auto room = room_for_inbound();
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_GE(after.rlim_cur, std::min<rlim_t>(before.rlim_max, kMaxInboundConnections + kOtherFiles));
  EXPECT_LT(room, after.rlim_cur);
  if (before.rlim_max >= kMaxInboundConnections + kOtherFiles) {
    EXPECT_EQ(room, kMaxInboundConnections);
  }
  (void)::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace doze::io
