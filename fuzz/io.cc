// Real sockets on loopback: a peer and the node's owner do things in any order, and the network says the truth about
// it. The first byte: how it ends. Then an action per byte, with a size behind those that have one.
#include "io/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>

#include "samples.h"

using namespace doze;

namespace {

struct FuzzSocket {
  explicit FuzzSocket(std::uint16_t port) : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // No waiting for the last bytes, no port kept afterwards: there are many of these.
    linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  ~FuzzSocket() { ::close(fd); }
  FuzzSocket(const FuzzSocket&) = delete;
  int fd;
};

struct FuzzNetwork {
  boost::asio::io_context context{1};
  std::map<ConnectionId, bool> there;  // whether its bytes were not handled yet
  std::vector<ConnectionId> ids;
  bool stopped = false;
  io::Network network{context, [this](doze::Input input) { hear(input); }, 6, io::Times{50, 20, 20, 5}};
  std::uint16_t port = *network.listen("127.0.0.1", 0);
  std::vector<std::unique_ptr<FuzzSocket>> peers;

  void hear(const doze::Input& input) {
    FUZZ_CHECK(!stopped);
    if (const auto* connected = std::get_if<PeerConnected>(&input)) {
      FUZZ_CHECK(there.emplace(connected->connection, false).second);
      ids.push_back(connected->connection);
    } else if (const auto* gone = std::get_if<PeerDisconnected>(&input)) {
      FUZZ_CHECK(there.erase(gone->connection) == 1);
    } else if (const auto* bytes = std::get_if<BytesReceived>(&input)) {
      auto it = there.find(bytes->connection);
      FUZZ_CHECK(it != there.end() && !bytes->bytes.empty() && bytes->bytes.size() <= io::kReadChunk);
      FUZZ_CHECK(!std::exchange(it->second, true));  // not read on before the last bytes were handled
    } else if (const auto* waits = std::get_if<OutputWaits>(&input)) {
      FUZZ_CHECK(there.contains(waits->connection));
    }
    FUZZ_CHECK(network.unsent_of_strangers() <= io::kMaxUnsentOfStrangers);
  }
  ConnectionId one(std::uint8_t which) const { return ids.empty() ? 0 : ids[which % ids.size()]; }

  void act(Reader& in) {
    auto what = in.u8();
    std::uint8_t which = what >> 4;
    auto size = [&] {
      return std::size_t{in.remaining() >= 2 ? in.u16() : std::uint16_t{9}} * (which % 2 == 0 ? 1 : 8) + 1;
    };
    auto* peer = peers.empty() ? nullptr : peers[which % peers.size()].get();
    Bytes bytes;
    switch (what % 16) {
      case 0:
        if (peers.size() < 8) peers.push_back(std::make_unique<FuzzSocket>(port));
        return;
      case 1:
        return network.write(one(which), Bytes(size(), 1));
      case 2:
        return network.write(one(which), Bytes(size(), 2), WriteKind::ChannelMessage);
      case 3:
        return network.write(one(which), Bytes(size(), 3), WriteKind::ToChannelPeer);
      case 4:
        return network.hangup(one(which));
      case 5:
        if (auto it = there.find(one(which)); it != there.end() && std::exchange(it->second, false))
          network.handled(it->first);
        return;
      case 6:
        bytes.resize(size());
        if (peer != nullptr) (void)::send(peer->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return;
      case 7:
        bytes.resize(size());
        if (peer != nullptr) (void)::recv(peer->fd, bytes.data(), bytes.size(), 0);
        return;
      case 8:
        if (peer != nullptr) ::shutdown(peer->fd, SHUT_WR);
        return;
      case 9:
        if (peer != nullptr) peers.erase(peers.begin() + which % static_cast<std::ptrdiff_t>(peers.size()));
        return;
      case 10: {
        NodeId node;
        node.bytes[1] = which;
        auto closed = std::uint16_t{1};
        return network.dial(
            node, {{wire::Ipv4{127, 0, 0, 1}, which % 2 == 0 ? port : closed}, {wire::Ipv4{127, 0, 0, 1}, port}});
      }
      case 11:
        context.run_for(std::chrono::milliseconds(which % 4 == 0 ? 8 : 1));
        return;
      default:
        context.poll();
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Reader in(ByteView(data, std::min<std::size_t>(size, 200)));
  auto ending = in.u8() % 3;
  auto life = std::make_unique<FuzzNetwork>();
  while (in.remaining() != 0) life->act(in);
  if (ending == 0) {  // whatever came goes when everybody hangs up
    life->peers.clear();
    for (int i = 0; i < 2'000 && (i < 100 || !life->there.empty()); ++i) {
      for (auto id : life->ids) life->network.hangup(id);  // dials may still come to something
      life->context.run_for(std::chrono::milliseconds(life->there.empty() ? 0 : 1));
    }
    FUZZ_CHECK(life->there.empty() && life->network.unsent_of_strangers() == 0);
  } else if (ending == 1) {
    life->network.stop();
    life->stopped = true;
    life->context.poll();
  }
  life.reset();  // else: in the middle of everything
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (std::uint8_t ending : {0, 1, 2}) {
    // Connect, write a lot, half-close while it is under way; then reset; then a dial to ourselves.
    out.push_back(
        {ending, 0x00, 0x0c, 0x11, 0xff, 0xff, 0x11, 0xff, 0xff, 0x0c, 0x07, 0x40, 0x00, 0x0c, 0x08, 0x0c, 0x0c});
    out.push_back({ending, 0x00, 0x0c, 0x11, 0xff, 0xff, 0x12, 0xff, 0xff, 0x0c, 0x09, 0x0c, 0x0b, 0x0c});
    out.push_back({ending, 0x0a, 0x0b, 0x0b, 0x01, 0x00, 0x40, 0x0c, 0x05, 0x04, 0x0c, 0x0c});
    out.push_back(
        {ending, 0x00, 0x00, 0x0c, 0x06, 0x20, 0x00, 0x0c, 0x05, 0x0c, 0x13, 0xff, 0xff, 0x04, 0x0b, 0x0b, 0x1a, 0x0b});
  }
  return out;
}
DOZE_FUZZ_TARGET(io, 300);
