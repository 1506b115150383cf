// The network's own state: connections and dials. Only io/*.cc include this.
#pragma once

#include <array>
#include <map>
#include <set>
#include <vector>

#include "io/connection.h"
#include "io/dials.h"
#include "io/network.h"

namespace doze::io {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

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
