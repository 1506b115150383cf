// The network's own state. Only io/*.cc include this.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "io/network.h"

namespace doze::io {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

/// Bytes that wait for the socket: in `now`, from `sent` on, then in `next`. Bytes that do not belong to a channel are
/// counted separately.
struct Output {
  Bytes now, next;
  std::size_t sent = 0;
  std::size_t plain_now = 0, plain_next = 0;
  [[nodiscard]] std::size_t size() const { return now.size() - sent + next.size(); }
  [[nodiscard]] std::size_t plain() const { return std::min(plain_now, now.size() - sent) + plain_next; }
  void add(const Bytes& bytes, bool of_channel);
  /// Moves on to `next` when `now` is sent; false: nothing is left, and no memory is kept.
  bool advance();
};

struct Connection {
  Connection(ConnectionId i, tcp::socket s, bool in) : id(i), socket(std::move(s)), inbound(in) {}
  const ConnectionId id;
  tcp::socket socket;
  Output output;
  Clock::time_point moved;    // the kernel last took bytes, or output began to wait
  Clock::time_point hung_up;  // if closing
  std::size_t allowance = 0;  // bytes that may be read while it is read slowly
  std::size_t counted = 0;    // of its output in the sum of its kind
  const bool inbound;
  bool open = true;  // false: it is no longer in the map, and causes no more inputs
  bool closing = false;
  bool given_up = false;  // closing without waiting for its output
  bool stranger = true;
  bool writing = false;  // a write is running or waits for the socket
  bool waits = false;    // OutputWaits was sent
  bool reading = false;  // it waits for bytes
  bool slowed = false;   // it is read by sweep() only
};
using ConnectionPtr = std::shared_ptr<Connection>;

/// One running dial: the remaining addresses, and a timer for addresses that never answer. Each round has its own
/// socket, so operations of an earlier round cannot affect it.
struct Attempt {
  Attempt(asio::io_context& context, NodeId n, std::deque<wire::NetworkAddress> a)
      : node(n), left(std::move(a)), timer(context) {}
  NodeId node;
  std::deque<wire::NetworkAddress> left;
  std::shared_ptr<tcp::socket> socket;  // of this round, if it connects
  asio::steady_timer timer;
  std::string target;  // what is tried now
  std::string why = "no address that we can dial";
  std::uint64_t round = 0;
};
/// A name that waits for its turn, or for its answer.
struct LookUp {
  std::shared_ptr<Attempt> attempt;
  std::uint64_t round = 0;
  std::string host, port;
};

/// What a thread that looks a name up shares with the network, which may end before it.
struct Names {
  std::mutex mutex;
  asio::io_context* context = nullptr;  // nullptr: nobody waits any more
};

struct Network::Inside : std::enable_shared_from_this<Inside> {
  Inside(asio::io_context& c, Sink s, std::size_t m, Times t)
      : context(c), sink(std::move(s)), max_inbound(m), times(t), sweeper(c) {
    names->context = &context;
  }

  asio::io_context& context;
  Sink sink;
  const std::size_t max_inbound;
  const Times times;
  asio::steady_timer sweeper;
  std::vector<std::shared_ptr<tcp::acceptor>> acceptors;
  std::map<ConnectionId, ConnectionPtr> connections;
  std::map<ConnectionId, ConnectionPtr> watched;  // with waiting output, or closing
  std::array<std::uint8_t, kReadChunk> chunk{};   // the bytes read last, for all connections
  ConnectionId next = 1;
  std::size_t inbound = 0;
  std::size_t unsent_of_strangers = 0, unsent_of_channel_peers = 0;
  bool sweeping = false, stopped = false;
  std::set<NodeId> dialling;
  std::set<std::shared_ptr<Attempt>> attempts;
  std::deque<LookUp> look_ups;
  std::map<std::string, LookUp> looking_up;  // by host; some of them are given up, their threads are not
  std::shared_ptr<Names> names = std::make_shared<Names>();

  // network.cc
  void accept(const std::shared_ptr<tcp::acceptor>& acceptor);
  void adopt(tcp::socket socket, std::optional<NodeId> dialled);
  [[nodiscard]] ConnectionPtr find(ConnectionId id) const;
  void read_when_ready(const ConnectionPtr& connection);
  void read(const ConnectionPtr& connection);
  void write_soon(const ConnectionPtr& connection);
  void write_turn(const ConnectionPtr& connection);
  void written_all(const ConnectionPtr& connection);
  void familiar(Connection& connection);
  void count(Connection& connection);
  void keep_sums();
  /// Drops its output at once; it is closed when the owner is back in its event loop.
  void give_up(const ConnectionPtr& connection);
  void watch(const ConnectionPtr& connection);
  void sweep();
  void look_at(const ConnectionPtr& connection);
  void close(const ConnectionPtr& connection);
  // dials.cc
  void try_next(const std::shared_ptr<Attempt>& attempt);
  void start_timer(const std::shared_ptr<Attempt>& attempt);
  void look_up_next();
  void look_up(const std::string& host);
  void looked_up(const std::string& host, error_code error, std::vector<tcp::endpoint> found);
  void connect(const std::shared_ptr<Attempt>& attempt, std::vector<tcp::endpoint> endpoints);
  void ended(const std::shared_ptr<Attempt>& attempt);
  void stop_dials();
};

}  // namespace doze::io
