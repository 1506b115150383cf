// Between two nodes of ours, with the keys of both: each thinks that it talks to the other. Every message passes stdout
// as a line, "dialler HEX" or "dialled HEX" by who sent it; what is to be passed on, altered or not, comes back on
// stdin as "dialled HEX" or "dialler HEX" by who is to have it. The script decides. "cut" ends both connections, and
// the dialler may come again.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "crypto/crypto.h"
#include "peer.h"

namespace doze::attack {
namespace {

transport::Ecdh ecdh_with(const PrivateKey& key) {
  return [key](const PublicKey& point) { return crypto::ecdh(key, point); };
}

int listening(std::uint16_t port) {
  int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  ::setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(file, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(file, 8) != 0)
    throw Failed("cannot listen on port " + std::to_string(port));
  return file;
}

struct Side {
  const char* name;
  Socket socket;
  transport::Transport noise;

  void flush() { (void)socket.send(noise.take_output()); }
  /// False: it has closed, or breaks BOLT 8.
  bool take() {
    auto bytes = socket.receive(0);
    if (!bytes || !noise.feed(*bytes)) return false;
    flush();
    return true;
  }
  void show() {
    for (const auto& message : noise.take_messages()) std::printf("%s %s\n", name, to_hex(message).c_str());
    std::fflush(stdout);
  }
};

class Middle {
 public:
  explicit Middle(const Arguments& arguments)
      : listener_(listening(static_cast<std::uint16_t>(std::stoul(arguments.text("listen"))))),
        to_(static_cast<std::uint16_t>(std::stoul(arguments.text("to")))),
        dialled_(key_in(arguments, "dialled")),
        dialler_(key_in(arguments, "dialler")) {}

  /// Until stdin ends.
  void run() {
    std::printf("ready\n");
    std::fflush(stdout);
    for (;;) {
      pollfd waits[4]{{0, POLLIN, 0}, {listener_, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
      for (std::size_t i = 0; i < sides_.size(); ++i) waits[2 + i].fd = sides_[i].socket.file();
      if (::poll(waits, 4, -1) < 0) return;
      if (waits[0].revents != 0 && !read_orders()) return;
      if (waits[1].revents != 0) accept();
      for (std::size_t i = 0; i < 2 && !sides_.empty(); ++i)
        if (waits[2 + i].revents != 0 && waits[2 + i].fd == sides_[i].socket.file() && !sides_[i].take()) cut();
      if (sides_.empty() || !sides_[0].noise.ready() || !sides_[1].noise.ready()) continue;
      for (auto& side : sides_) side.show();
    }
  }

 private:
  void accept() {
    int file = ::accept(listener_, nullptr, nullptr);
    if (file < 0) return;
    cut();
    try {
      sides_.push_back(
          {"dialler", Socket(file),
           transport::Transport::responder(crypto::public_key(dialled_), ecdh_with(dialled_), fresh_key())});
      sides_.push_back({"dialled", Socket(to_),
                        transport::Transport::initiator(crypto::public_key(dialled_), crypto::public_key(dialler_),
                                                        ecdh_with(dialler_), fresh_key())});
      sides_[1].flush();
    } catch (const Failed&) {
      cut();
    }
  }

  void cut() {
    if (sides_.empty()) return;
    sides_.clear();
    std::printf("cut\n");
    std::fflush(stdout);
  }

  bool read_orders() {
    char buffer[65'536];
    auto got = ::read(0, buffer, sizeof buffer);
    if (got <= 0) return false;
    orders_.append(buffer, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (auto end = orders_.find('\n'); end != std::string::npos; begin = end + 1, end = orders_.find('\n', begin))
      obey(orders_.substr(begin, end - begin));
    orders_.erase(0, begin);
    return true;
  }

  void obey(const std::string& order) {
    if (order == "cut") return cut();
    auto message = from_hex(std::string_view(order).substr(8));
    for (auto& side : sides_)
      if (message && order.starts_with(side.name) && side.noise.ready()) side.noise.send(*message), side.flush();
  }

  int listener_;
  std::uint16_t to_;
  PrivateKey dialled_, dialler_;
  std::vector<Side> sides_;  // none, or the dialler and the dialled
  std::string orders_;
};

}  // namespace

Numbers middle(const Arguments& arguments) {
  Middle(arguments).run();
  return {};
}

}  // namespace doze::attack
