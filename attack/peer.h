// What every attack needs: a connection that keeps BOLT 8 and nothing else, arguments, and numbers for the script.
//
// Loopback only: an address is a port. Every call has an end: sockets time out, and the process ends itself (main.cc).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "base/rng.h"
#include "offers/offer.h"
#include "transport/noise.h"
#include "wire/messages.h"

namespace doze::attack {

struct Failed : std::runtime_error {
  using runtime_error::runtime_error;
};

/// `name=value …` of the command line.
class Arguments {
 public:
  Arguments(int count, char** words);
  [[nodiscard]] std::string text(const std::string& name) const;  // needed
  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise) const;
  [[nodiscard]] std::uint64_t number(const std::string& name, std::uint64_t otherwise) const;

 private:
  std::map<std::string, std::string> values_;
};
/// What an attack has to say, printed as one JSON object.
using Numbers = std::map<std::string, std::uint64_t>;

[[nodiscard]] Rng& chance();
[[nodiscard]] PrivateKey fresh_key();
[[nodiscard]] PrivateKey key_in(const Arguments& arguments, const std::string& name);
/// Seconds of a clock that only goes forward.
[[nodiscard]] double seconds_now();
void sleep_s(double seconds);

struct Target {
  NodeId id;
  std::uint16_t port = 0;
  /// "NODE_ID@PORT", of 127.0.0.1
  [[nodiscard]] static Target parse(const std::string& text);
};

class Socket {
 public:
  /// Connects to 127.0.0.1.
  explicit Socket(std::uint16_t port, double patience_s = 10);
  explicit Socket(int accepted, double patience_s = 10);
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  /// False: the other side has closed, or took nothing for so long.
  [[nodiscard]] bool send(ByteView bytes);
  /// Empty: nothing for so long. nullopt: closed.
  [[nodiscard]] std::optional<Bytes> receive(double patience_s);
  void half_close();
  [[nodiscard]] int file() const { return file_; }

 private:
  int file_ = -1;
};

/// A stranger with a node id of its own. The constructor ends when init was exchanged; throws Failed.
class Peer {
 public:
  explicit Peer(const Target& to, const PrivateKey& key = fresh_key(), double patience_s = 10);
  [[nodiscard]] const NodeId& id() const { return id_; }
  [[nodiscard]] bool open() const { return open_; }
  void send(const wire::Message& message) { send_raw(wire::encode(message)); }
  void send_raw(ByteView message);
  /// The first bytes of an encrypted message, and never the rest.
  void send_part(ByteView message, std::size_t bytes);
  /// The next message that is no ping (those are answered); nullopt: none came in time, or it is closed.
  [[nodiscard]] std::optional<Bytes> receive(double patience_s);
  /// The next message of this type; others are dropped.
  template <class Message>
  [[nodiscard]] std::optional<Message> wait_for(double patience_s) {
    for (double end = seconds_now() + patience_s; seconds_now() < end && open_;) {
      auto bytes = receive(end - seconds_now());
      auto message = bytes ? wire::decode(*bytes) : fail(ParseError{});
      if (message && std::holds_alternative<Message>(*message)) return std::get<Message>(*message);
    }
    return std::nullopt;
  }
  /// Everything before was handled: a pong came.
  [[nodiscard]] bool handled(double patience_s);
  Socket& socket() { return socket_; }
  std::uint64_t sent = 0, received = 0;  // bytes

 private:
  void flush();
  Socket socket_;
  NodeId id_;
  transport::Transport noise_;
  std::deque<Bytes> messages_;
  bool open_ = true;
};

// The attacks, one function each: main.cc lists them.
[[nodiscard]] Numbers pings(const Arguments& arguments);
[[nodiscard]] Numbers silent(const Arguments& arguments);
[[nodiscard]] Numbers openings(const Arguments& arguments);
[[nodiscard]] Numbers unfunded(const Arguments& arguments);
[[nodiscard]] Numbers questions(const Arguments& arguments);
[[nodiscard]] Numbers crowd(const Arguments& arguments);
[[nodiscard]] Numbers requests(const Arguments& arguments);
[[nodiscard]] Numbers announcements(const Arguments& arguments);
[[nodiscard]] Numbers releases(const Arguments& arguments);
[[nodiscard]] Numbers onion(const Arguments& arguments);
[[nodiscard]] Numbers middle(const Arguments& arguments);
[[nodiscard]] Numbers graph(const Arguments& arguments);

/// Asks for a channel and, if it is granted, for the signature of a funding output that does not exist: the victim then
/// has a channel that costs nobody anything. How far it went: 0 refused, 1 accept_channel, 2 funding_signed.
[[nodiscard]] int open_for_nothing(Peer& peer, bool create);
/// offer=LNO
[[nodiscard]] offers::Offer offer_in(const Arguments& arguments);
/// An invoice_request for it, whose answer goes to a node that nobody knows.
void send_request(Peer& peer, const NodeId& victim, const offers::Offer& offer);

}  // namespace doze::attack
