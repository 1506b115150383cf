// Ten thousand connections that end at any moment and in any way, while bytes are under way in both directions. To be
// run under the address sanitizer, too: nothing may be touched after its end.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>
#include <random>

#include "io/network.h"

namespace doze::io {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A peer without any library between it and the kernel.
class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
    name_ = "127.0.0.1:" + std::to_string(ntohs(own.sin_port));
  }
  ~RawPeer() { ::close(fd_); }
  RawPeer(const RawPeer&) = delete;
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  void half_close() const { ::shutdown(fd_, SHUT_WR); }
  /// Whatever is under way is thrown away, in both directions, when this peer goes.
  void reset_at_the_end() const {
    linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  void say(std::size_t size) const {
    Bytes bytes(size, 5);
    (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void read(std::size_t most) const {
    Bytes bytes(most);
    (void)::recv(fd_, bytes.data(), bytes.size(), 0);
  }

 private:
  int fd_;
  bool connected_ = false;
  std::string name_;
};

/// One network's life: what it says is counted.
struct Life {
  asio::io_context context{1};
  std::map<std::string, ConnectionId> there;  // by the peer's address
  std::map<ConnectionId, std::string> names;
  std::size_t came = 0, went = 0, dials_failed = 0;
  bool lied = false;
  Network network{context, [this](Input input) { hear(input); }};
  std::uint16_t port = *network.listen("127.0.0.1", 0);

  void hear(const Input& input) {
    if (const auto* connected = std::get_if<PeerConnected>(&input)) {
      ++came;
      there[connected->address] = connected->connection;
      names[connected->connection] = connected->address;
    } else if (const auto* gone = std::get_if<PeerDisconnected>(&input)) {
      ++went;
      lied = lied || !names.contains(gone->connection);
      there.erase(names[gone->connection]);
      names.erase(gone->connection);
    } else if (const auto* bytes = std::get_if<BytesReceived>(&input)) {
      lied = lied || !names.contains(bytes->connection);
      asio::post(context, [this, id = bytes->connection] { network.handled(id); });
    } else if (std::holds_alternative<DialFailed>(input)) {
      ++dials_failed;
    }
  }
};

struct Storm {
  explicit Storm(std::uint64_t seed) : chance(seed) {}
  std::mt19937_64 chance;
  std::vector<std::unique_ptr<RawPeer>> peers;
  std::size_t made = 0;

  std::size_t below(std::size_t end) { return chance() % end; }
  void something_happens(Life& life) {
    if (peers.size() < 24) {
      auto peer = std::make_unique<RawPeer>(life.port);
      ASSERT_TRUE(peer->connected());
      peers.push_back(std::move(peer));
      ++made;
    }
    if (below(2) == 0) life.context.poll();
    auto at = below(peers.size());
    auto& peer = *peers[at];
    auto known = life.there.find(peer.name());
    auto id = known == life.there.end() ? ConnectionId{9'999'999} : known->second;
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
        life.network.write(id, Bytes(1 + below(400'000), 3),
                           below(3) == 0 ? WriteKind::ChannelMessage : WriteKind::ToStranger);
        break;
      case 3:
        peer.read(1 + below(300'000));
        break;
      case 4:
        peer.say(1 + below(40'000));
        break;
      case 5:
        peer.half_close();
        break;
      case 6:
        peer.reset_at_the_end();
        peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 7:
        peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 8:
        life.network.hangup(id);
        break;
      default:
        dial(life);
    }
  }
  void dial(Life& life) {
    NodeId node;
    node.bytes[1] = static_cast<std::uint8_t>(below(200));
    life.network.dial(node, {{wire::Ipv4{127, 0, 0, 1}, below(2) == 0 ? life.port : std::uint16_t{1}},
                             {wire::Ipv4{127, 0, 0, 1}, life.port}});
  }
};

TEST(StormTest, ten_thousand_connections_may_end_at_any_moment_and_the_network_with_them) {
  Storm storm(14);
  std::size_t lives = 0;
  while (storm.made < 10'000) {
    auto life = std::make_unique<Life>();
    auto until = storm.made + 250 + storm.below(500);
    while (storm.made < until) storm.something_happens(*life);
    EXPECT_FALSE(life->lied);
    EXPECT_GT(life->came, 100U);
    switch (++lives % 3) {
      case 0:  // everything ends well: whatever came has gone
        storm.peers.clear();
        life->context.run_for(milliseconds(5));
        for (const auto& [id, name] : life->names) life->network.hangup(id);  // those that we dialled at our own port
        for (auto end = steady_clock::now() + milliseconds(8'000);
             life->came != life->went && steady_clock::now() < end;)
          life->context.run_for(milliseconds(5));
        EXPECT_EQ(life->came, life->went);
        EXPECT_EQ(life->network.unsent_of_strangers(), 0U);
        break;
      case 1:  // stopped, and its operations end before it
        life->network.stop();
        life->context.poll();
        break;
      default:  // gone, with all that is under way
        break;
    }
    life.reset();
    storm.peers.clear();
  }
}

TEST(StormTest, a_half_close_or_reset_in_the_middle_of_a_large_write_ends_that_connection_only) {
  Life life;
  RawPeer innocent(life.port);
  for (int round = 0; round < 120; ++round) {
    auto peer = std::make_unique<RawPeer>(life.port);
    while (!life.there.contains(peer->name())) life.context.run_one_for(milliseconds(100));
    auto id = life.there.at(peer->name());
    for (int i = 0; i < 63; ++i) life.network.write(id, Bytes(65'535, 1));
    life.context.poll_one();
    peer->read(200'000);
    if (round % 3 == 0) peer->half_close();
    if (round % 3 == 1) peer->reset_at_the_end();
    if (round % 3 != 0) peer.reset();
    for (auto end = steady_clock::now() + milliseconds(5'000); life.names.contains(id) && steady_clock::now() < end;) {
      life.context.run_for(milliseconds(1));
    }
    EXPECT_FALSE(life.names.contains(id)) << round;
  }
  ASSERT_TRUE(life.there.contains(innocent.name()));
  life.network.write(life.there.at(innocent.name()), Bytes(10, 1));
  life.context.run_for(milliseconds(20));
  EXPECT_TRUE(life.there.contains(innocent.name()));
  EXPECT_FALSE(life.lied);
}

}  // namespace
}  // namespace doze::io
