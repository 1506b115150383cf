#include "peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "crypto/crypto.h"
#include "effects/features.h"

namespace doze::attack {
namespace {

class SystemRng final : public Rng {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t done = 0; done < out.size();) {
      auto got = ::getrandom(out.data() + done, out.size() - done, 0);
      LN_ASSERT(got > 0);
      done += static_cast<std::size_t>(got);
    }
  }
};

int connected(std::uint16_t port) {
  int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (file < 0 || ::connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw Failed("cannot connect to port " + std::to_string(port));
  return file;
}

transport::Ecdh ecdh_with(const PrivateKey& key) {
  return [key](const PublicKey& point) { return crypto::ecdh(key, point); };
}

}  // namespace

// ---- arguments ----

Arguments::Arguments(int count, char** words) {
  for (int i = 0; i < count; ++i) {
    std::string word = words[i];
    auto at = word.find('=');
    if (at == std::string::npos) throw Failed("'" + word + "' is not NAME=VALUE");
    values_[word.substr(0, at)] = word.substr(at + 1);
  }
}
std::string Arguments::text(const std::string& name) const {
  auto it = values_.find(name);
  if (it == values_.end()) throw Failed(name + "=… is needed");
  return it->second;
}
std::string Arguments::text(const std::string& name, const std::string& otherwise) const {
  return values_.contains(name) ? values_.at(name) : otherwise;
}
std::uint64_t Arguments::number(const std::string& name, std::uint64_t otherwise) const {
  return values_.contains(name) ? std::stoull(values_.at(name)) : otherwise;
}

Rng& chance() {
  static SystemRng rng;
  return rng;
}
PrivateKey fresh_key() {
  for (;;)
    if (auto key = crypto::parse_private_key(chance().secret<PrivateKey>().reveal())) return *key;
}
PrivateKey key_in(const Arguments& arguments, const std::string& name) {
  auto bytes = from_hex(arguments.text(name));
  auto key = bytes ? crypto::parse_private_key(*bytes) : std::nullopt;
  if (!key) throw Failed(name + "=… is no private key in hex");
  return *key;
}
double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
void sleep_s(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

Target Target::parse(const std::string& text) {
  auto at = text.find('@');
  auto id = at == std::string::npos ? std::nullopt : from_hex(text.substr(0, at));
  auto node = id ? NodeId::from(*id) : std::nullopt;
  if (!node || !crypto::is_valid(*node)) throw Failed("'" + text + "' is not NODE_ID@PORT");
  return {*node, static_cast<std::uint16_t>(std::stoul(text.substr(at + 1)))};
}

// ---- sockets ----

Socket::Socket(std::uint16_t port, double patience_s) : Socket(connected(port), patience_s) {}
Socket::Socket(int accepted, double patience_s) : file_(accepted) {
  int on = 1;
  auto us = static_cast<long>(patience_s * 1e6);
  timeval patience{us / 1'000'000, us % 1'000'000};
  ::setsockopt(file_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(file_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}
Socket::~Socket() {
  if (file_ >= 0) ::close(file_);
}
Socket::Socket(Socket&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

bool Socket::send(ByteView bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    auto wrote = ::send(file_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

std::optional<Bytes> Socket::receive(double patience_s) {
  pollfd wait{file_, POLLIN, 0};
  if (::poll(&wait, 1, std::max(0, static_cast<int>(patience_s * 1000))) <= 0) return Bytes();
  Bytes buffer(65'536);
  auto got = ::recv(file_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return std::nullopt;
  buffer.resize(static_cast<std::size_t>(got));
  return buffer;
}

void Socket::half_close() {
  ::shutdown(file_, SHUT_WR);
}

// ---- peers ----

Peer::Peer(const Target& to, const PrivateKey& key, double patience_s)
    : socket_(to.port, patience_s),
      id_(crypto::public_key(key)),
      noise_(transport::Transport::initiator(to.id, id_, ecdh_with(key), fresh_key())) {
  flush();
  for (double end = seconds_now() + 10; open_ && !noise_.ready() && seconds_now() < end;) {
    auto bytes = socket_.receive(end - seconds_now());
    if (!bytes || !noise_.feed(*bytes)) throw Failed("the handshake was refused");
    flush();
  }
  if (!noise_.ready()) throw Failed("no handshake");
  Config config;
  send(wire::Init{own_features(config), std::nullopt, std::nullopt, {}});
  if (!wait_for<wire::Init>(10)) throw Failed("no init");
  // A peer that is not wanted is told so behind the init.
}

void Peer::flush() {
  auto bytes = noise_.take_output();
  sent += bytes.size();
  if (!bytes.empty() && !socket_.send(bytes)) open_ = false;
}

void Peer::send_raw(ByteView message) {
  if (!open_) return;
  noise_.send(message);
  flush();
}

void Peer::send_part(ByteView message, std::size_t bytes) {
  if (!open_) return;
  noise_.send(message);
  auto frame = noise_.take_output();
  if (!socket_.send(ByteView(frame).first(std::min(bytes, frame.size())))) open_ = false;
}

std::optional<Bytes> Peer::receive(double patience_s) {
  for (double end = seconds_now() + patience_s; open_;) {
    while (!messages_.empty()) {
      auto message = std::move(messages_.front());
      messages_.pop_front();
      auto decoded = wire::decode(message);
      const auto* ping = decoded ? std::get_if<wire::Ping>(&*decoded) : nullptr;
      if (ping == nullptr) return message;
      send(wire::Pong{ping->num_pong_bytes, {}});
    }
    auto bytes = socket_.receive(end - seconds_now());
    if (!bytes || !noise_.feed(*bytes)) {
      open_ = false;
    } else {
      received += bytes->size();
      for (auto& message : noise_.take_messages()) messages_.push_back(std::move(message));
      if (messages_.empty() && seconds_now() >= end) return std::nullopt;
    }
  }
  return std::nullopt;
}

bool Peer::handled(double patience_s) {
  send(wire::Ping{0, 0, {}});
  return wait_for<wire::Pong>(patience_s).has_value();
}

}  // namespace doze::attack
