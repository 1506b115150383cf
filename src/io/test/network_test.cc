// Real sockets on localhost: how many come in, how long they stay.
#include "io/network.h"

#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "listening.h"

namespace {
/// A name server under the tests' thumb: "slow…" has no answer until it is let go, "two…" is 127.0.0.2 and 127.0.0.3,
/// every other name is localhost.
struct NameServer {
  std::mutex mutex;
  std::condition_variable changed;
  bool let_go = false;
  int waiting = 0;
  void answer(bool now) {
    std::lock_guard lock(mutex);
    let_go = now;
    changed.notify_all();
  }
  int now_waiting() {
    std::lock_guard lock(mutex);
    return waiting;
  }
} name_server;
struct Found {
  addrinfo info;
  sockaddr_in address;
};
Found* found_at(const char* port, std::uint32_t address) {
  auto* found = new Found{};
  found->address.sin_family = AF_INET;
  found->address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  found->address.sin_addr.s_addr = htonl(address);
  found->info.ai_family = AF_INET;
  found->info.ai_socktype = SOCK_STREAM;
  found->info.ai_addrlen = sizeof found->address;
  found->info.ai_addr = reinterpret_cast<sockaddr*>(&found->address);
  return found;
}
}  // namespace

/// In place of the C library's.
extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo*, addrinfo** out) {
  if (std::strncmp(host, "slow", 4) == 0) {
    std::unique_lock lock(name_server.mutex);
    ++name_server.waiting;
    name_server.changed.wait(lock, [] { return name_server.let_go; });
    --name_server.waiting;
    return EAI_AGAIN;
  }
  if (std::strncmp(host, "two", 3) == 0) {
    auto* first = found_at(port, 0x7f000002);
    first->info.ai_next = &found_at(port, 0x7f000003)->info;
    *out = &first->info;
    return 0;
  }
  *out = &found_at(port, INADDR_LOOPBACK)->info;
  return 0;
}
extern "C" void freeaddrinfo(addrinfo* info) {
  while (info != nullptr) {
    auto* next = info->ai_next;
    delete reinterpret_cast<Found*>(info);
    info = next;
  }
}

namespace doze::io {
namespace {

using namespace testing;  // NOLINT

struct NetworkTest : ListeningTest {
  NetworkTest() : ListeningTest(2, Times{2'000, 1'000, 1'500}) {}
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

struct DialTest : NetworkTest {
  NodeId node(std::uint8_t which) {
    NodeId out;
    out.bytes[1] = which;
    return out;
  }
  wire::NetworkAddress name(const char* host) { return {std::string(host), port}; }
  std::size_t dialled() {
    std::size_t count = 0;
    for (const auto& connected : all<PeerConnected>()) count += connected.dialled ? 1 : 0;
    return count;
  }
  /// The threads of slow names end with their test.
  ~DialTest() override {
    name_server.answer(true);
    EXPECT_TRUE(until([] { return name_server.now_waiting() == 0; }));
  }
};

TEST_F(DialTest, a_slow_name_server_does_not_hold_up_dials_to_ip_addresses) {
  name_server.answer(false);
  network.dial(node(1), {name("slow.example")});
  ASSERT_TRUE(until([] { return name_server.now_waiting() == 1; }));
  network.dial(node(2), {{wire::Ipv4{127, 0, 0, 1}, port}});
  ASSERT_TRUE(until([&] { return dialled() == 1; }));
  EXPECT_TRUE(all<DialFailed>().empty());
}

TEST_F(DialTest, a_slow_name_does_not_hold_up_other_names_and_fails_with_its_reason) {
  name_server.answer(false);
  network.dial(node(1), {name("slow.example")});
  ASSERT_TRUE(until([] { return name_server.now_waiting() == 1; }));
  network.dial(node(2), {name("fast.example")});
  ASSERT_TRUE(until([&] { return dialled() == 1; }));
  EXPECT_TRUE(all<DialFailed>().empty());
  name_server.answer(true);
  ASSERT_TRUE(until([&] { return all<DialFailed>().size() == 1; }));
  EXPECT_EQ(all<DialFailed>()[0].node_id, node(1));
  EXPECT_TRUE(all<DialFailed>()[0].reason.starts_with("slow.example:")) << all<DialFailed>()[0].reason;
}

TEST_F(DialTest, names_that_are_slow_for_ever_give_their_places_up_when_their_dials_have_timed_out) {
  name_server.answer(false);
  for (std::uint8_t i = 0; i < kNamesAtATime; ++i) network.dial(node(i), {name(("slow" + std::to_string(i)).c_str())});
  ASSERT_TRUE(until([] { return name_server.now_waiting() == static_cast<int>(kNamesAtATime); }));
  network.dial(node(100), {name("fast.example")});
  context.run_for(milliseconds(100));
  EXPECT_EQ(dialled(), 0U) << "more names at a time than there may be";
  ASSERT_TRUE(until([&] { return dialled() == 1; }));
  EXPECT_EQ(all<DialFailed>().size(), kNamesAtATime);
  EXPECT_EQ(all<PeerConnected>().size(), 2U);  // both ends
}

TEST_F(DialTest, a_name_has_one_thread_however_often_it_is_dialled_and_all_names_have_so_many) {
  name_server.answer(false);
  network.dial(node(1), {name("slow.example")});
  ASSERT_TRUE(until([&] { return all<DialFailed>().size() == 1; }));
  // Its thread still waits: the dial goes on with the next address at once.
  network.dial(node(1), {name("slow.example"), {wire::Ipv4{127, 0, 0, 1}, port}});
  ASSERT_TRUE(until([&] { return dialled() == 1; }));
  EXPECT_EQ(name_server.now_waiting(), 1);
  for (std::uint8_t i = 0; i < 2 * kNameThreads; ++i)
    network.dial(node(100 + i), {name(("slow" + std::to_string(i)).c_str())});
  ASSERT_TRUE(until([] { return name_server.now_waiting() == static_cast<int>(kNameThreads); }, 20));
  context.run_for(milliseconds(2'500));
  EXPECT_EQ(name_server.now_waiting(), static_cast<int>(kNameThreads));
  name_server.answer(true);
  EXPECT_TRUE(until([&] { return all<DialFailed>().size() == 1 + 2 * kNameThreads; }));
}

TEST_F(DialTest, a_network_that_stops_does_not_wait_for_a_slow_name) {
  name_server.answer(false);
  network.dial(node(1), {name("slow.example")});
  ASSERT_TRUE(until([] { return name_server.now_waiting() == 1; }));
  network.stop();
  name_server.answer(true);
  ASSERT_TRUE(until([] { return name_server.now_waiting() == 0; }));
  EXPECT_TRUE(all<DialFailed>().empty());
}

TEST_F(DialTest, a_dial_that_timed_out_does_not_take_over_the_socket_of_the_next_address) {
  // 127.0.0.2 takes no more connections; 127.0.0.3 and 127.0.0.4 do.
  auto listening = [&](const char* host, std::uint16_t at, int backlog) {
    tcp::acceptor acceptor(context);
    acceptor.open(tcp::v4());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind({asio::ip::make_address(host), at});
    acceptor.listen(backlog);
    acceptor.non_blocking(true);
    return acceptor;
  };
  auto full = listening("127.0.0.2", 0, 0);
  auto where = full.local_endpoint().port();
  auto second = listening("127.0.0.3", where, 8), wanted = listening("127.0.0.4", where, 8);
  std::vector<tcp::socket> fillers;
  for (int i = 0; i < 4; ++i) {
    auto& filler = fillers.emplace_back(context, tcp::v4());
    filler.non_blocking(true);
    auto there = tcp::endpoint(asio::ip::make_address("127.0.0.2"), where);
    (void)::connect(filler.native_handle(), there.data(), static_cast<socklen_t>(there.size()));  // the last ones wait
  }
  network.dial(node(1), {{std::string("two.example"), where}, {wire::Ipv4{127, 0, 0, 4}, where}});
  ASSERT_TRUE(until([&] { return dialled() == 1; }));
  EXPECT_EQ(all<PeerConnected>()[0].address, "127.0.0.4:" + std::to_string(where));
  context.run_for(milliseconds(100));
  boost::system::error_code nobody;
  second.accept(nobody);
  EXPECT_EQ(nobody, asio::error::would_block);
  EXPECT_TRUE(all<PeerDisconnected>().empty());
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
