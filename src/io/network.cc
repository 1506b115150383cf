#include "io/network.h"

#include <sys/resource.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <map>
#include <set>

namespace doze::io {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {
struct Connection {
  explicit Connection(tcp::socket s) : socket(std::move(s)), flush_timer(socket.get_executor()) {}
  tcp::socket socket;
  asio::steady_timer flush_timer;
  std::array<std::uint8_t, kReadChunk> chunk{};
  Bytes sending, unsent;  // with the socket; the next to go there, in one piece
  bool writing = false, closing = false, inbound = false;
};

std::string describe(const tcp::endpoint& endpoint) {
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  auto host = address.to_string();
  return (address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}
}  // namespace

std::size_t room_for_inbound() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kOtherFiles;
  rlim_t wanted = kMaxInboundConnections + kOtherFiles;
  if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
    auto raised = limit;
    raised.rlim_cur = std::min(wanted, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  if (limit.rlim_cur >= wanted) return kMaxInboundConnections;
  return limit.rlim_cur > 2 * kOtherFiles ? limit.rlim_cur - kOtherFiles : limit.rlim_cur / 2;
}

struct Network::Inside : std::enable_shared_from_this<Inside> {
  Inside(asio::io_context& c, Sink s, std::size_t m) : context(c), sink(std::move(s)), max_inbound(m), resolver(c) {}

  asio::io_context& context;
  Sink sink;
  const std::size_t max_inbound;
  tcp::resolver resolver;
  std::vector<std::unique_ptr<tcp::acceptor>> acceptors;
  std::map<ConnectionId, std::unique_ptr<Connection>> connections;
  std::set<NodeId> dialling;
  ConnectionId next = 1;
  std::size_t inbound = 0;
  bool stopped = false;

  void accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([self = shared_from_this(), &acceptor](error_code error, tcp::socket socket) {
      if (self->stopped || error == asio::error::operation_aborted) return;
      if (!error && self->inbound < self->max_inbound) self->adopt(std::move(socket), std::nullopt);
      if (!error) return self->accept(acceptor);
      // Out of file descriptors, mostly: wait a little instead of spinning.
      auto timer = std::make_shared<asio::steady_timer>(self->context, std::chrono::milliseconds(200));
      timer->async_wait([self, timer, &acceptor](error_code) {
        if (!self->stopped) self->accept(acceptor);
      });
    });
  }

  void adopt(tcp::socket socket, std::optional<NodeId> dialled) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto remote = socket.remote_endpoint(ignored);
    auto id = next++;
    auto connection = std::make_unique<Connection>(std::move(socket));
    connection->inbound = !dialled;
    if (connection->inbound) ++inbound;
    connections.emplace(id, std::move(connection));
    sink(PeerConnected{id, dialled, describe(remote)});
    read(id);
  }

  Connection* find(ConnectionId id) {
    auto it = connections.find(id);
    return it == connections.end() ? nullptr : it->second.get();
  }

  void read(ConnectionId id) {
    auto* connection = find(id);
    if (connection == nullptr || connection->closing) return;
    connection->socket.async_read_some(
        asio::buffer(connection->chunk), [self = shared_from_this(), id](error_code error, std::size_t size) {
          auto* there = self->find(id);
          if (there == nullptr) return;
          if (error) return self->close(id, true);
          self->sink(
              BytesReceived{id, Bytes(there->chunk.begin(), there->chunk.begin() + static_cast<std::ptrdiff_t>(size))});
        });
  }

  void close(ConnectionId id, bool tell) {
    auto it = connections.find(id);
    if (it == connections.end()) return;
    error_code ignored;
    it->second->socket.close(ignored);
    if (it->second->inbound) --inbound;
    connections.erase(it);
    if (tell && !stopped) sink(PeerDisconnected{id});
  }

  void write_next(ConnectionId id) {
    auto* connection = find(id);
    if (connection == nullptr) return;
    if (connection->unsent.empty()) {
      connection->writing = false;
      if (connection->closing) close(id, true);
      return;
    }
    connection->sending = std::exchange(connection->unsent, {});
    asio::async_write(connection->socket, asio::buffer(connection->sending),
                      [self = shared_from_this(), id](error_code error, std::size_t) {
                        auto* there = self->find(id);
                        if (there == nullptr) return;
                        if (error) return self->close(id, true);
                        there->sending.clear();
                        self->write_next(id);
                      });
  }

  /// One dial under way: the addresses left, a timer against black holes.
  struct Attempt {
    Attempt(asio::io_context& context, NodeId n, std::deque<wire::NetworkAddress> a)
        : node(n), left(std::move(a)), socket(context), timer(context) {}
    NodeId node;
    std::deque<wire::NetworkAddress> left;
    tcp::socket socket;
    asio::steady_timer timer;
    std::string target;  // what is tried now
    std::string why = "no address that we can dial";
    std::uint64_t round = 0;
  };
  /// A name that waits for its turn.
  struct LookUp {
    std::shared_ptr<Attempt> attempt;
    std::uint64_t round = 0;
    std::string host, port;
  };
  std::deque<LookUp> look_ups;
  bool looking_up = false;

  void try_next(const std::shared_ptr<Attempt>& attempt) {
    if (stopped) return;
    ++attempt->round;
    attempt->timer.cancel();
    if (attempt->left.empty()) {
      dialling.erase(attempt->node);
      sink(DialFailed{attempt->node, attempt->why});
      return;
    }
    auto address = attempt->left.front();
    attempt->left.pop_front();
    auto host = address.host_text();
    if (host.empty() || host.ends_with(".onion")) return try_next(attempt);
    attempt->target = host + ":" + std::to_string(address.port);
    error_code error;
    auto literal = asio::ip::make_address(host, error);
    if (!error) {
      start_timer(attempt);
      return connect(attempt, {tcp::endpoint(literal, address.port)});
    }
    look_ups.push_back({attempt, attempt->round, host, std::to_string(address.port)});
    look_up_next();
  }

  void start_timer(const std::shared_ptr<Attempt>& attempt) {
    attempt->timer.expires_after(std::chrono::milliseconds(kDialTimeoutMs));
    attempt->timer.async_wait([self = shared_from_this(), attempt, round = attempt->round](error_code error) {
      if (error || attempt->round != round) return;
      attempt->why = attempt->target + ": timed out";
      error_code ignored;
      attempt->socket.close(ignored);
      self->try_next(attempt);
    });
  }

  /// Names are looked up one after the other, in a thread that a slow name server may hold up: only other names wait
  /// for it, and the time of a dial begins when its turn has come.
  void look_up_next() {
    if (looking_up || look_ups.empty() || stopped) return;
    looking_up = true;
    auto next = std::move(look_ups.front());
    look_ups.pop_front();
    start_timer(next.attempt);
    resolver.async_resolve(next.host, next.port,
                           [self = shared_from_this(), attempt = next.attempt, round = next.round](
                               error_code error, const tcp::resolver::results_type& found) {
                             self->looking_up = false;
                             if (!self->stopped && attempt->round == round) {
                               if (error) {
                                 attempt->why = attempt->target + ": " + error.message();
                                 self->try_next(attempt);
                               } else {
                                 self->connect(attempt, {found.begin(), found.end()});
                               }
                             }
                             self->look_up_next();
                           });
  }

  void connect(const std::shared_ptr<Attempt>& attempt, const std::vector<tcp::endpoint>& endpoints) {
    attempt->socket = tcp::socket(context);
    asio::async_connect(
        attempt->socket, endpoints,
        [self = shared_from_this(), attempt, round = attempt->round](error_code failed, const tcp::endpoint&) {
          if (self->stopped || attempt->round != round) return;
          if (failed) {
            attempt->why = attempt->target + ": " + failed.message();
            return self->try_next(attempt);
          }
          ++attempt->round;
          attempt->timer.cancel();
          self->dialling.erase(attempt->node);
          self->adopt(std::move(attempt->socket), attempt->node);
        });
  }
};

Network::Network(asio::io_context& context, Sink sink, std::size_t max_inbound)
    : inside_(std::make_shared<Inside>(context, std::move(sink), max_inbound)) {}
Network::~Network() {
  stop();
}

Result<std::uint16_t, std::string> Network::listen(const std::string& host, std::uint16_t port) {
  error_code error;
  auto address = asio::ip::make_address(host, error);
  if (error) return fail("cannot listen on " + host + ": not an IP address");
  tcp::endpoint endpoint(address, port);
  auto acceptor = std::make_unique<tcp::acceptor>(inside_->context);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail("cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message());
  auto chosen = acceptor->local_endpoint(error).port();
  inside_->acceptors.push_back(std::move(acceptor));
  inside_->accept(*inside_->acceptors.back());
  return chosen;
}

void Network::dial(const NodeId& node, const std::vector<wire::NetworkAddress>& addresses) {
  if (!inside_->dialling.insert(node).second) return;
  auto attempt = std::make_shared<Inside::Attempt>(
      inside_->context, node, std::deque<wire::NetworkAddress>(addresses.begin(), addresses.end()));
  // Never answer within the call: the owner is in the middle of performing actions.
  asio::post(inside_->context, [self = inside_, attempt] { self->try_next(attempt); });
}

void Network::write(ConnectionId id, Bytes bytes) {
  auto* connection = inside_->find(id);
  if (connection == nullptr || connection->closing) return;
  if (connection->sending.size() + connection->unsent.size() + bytes.size() > kMaxUnsentBytes) {
    asio::post(inside_->context, [self = inside_, id] { self->close(id, true); });
    return;
  }
  append(connection->unsent, bytes);
  if (std::exchange(connection->writing, true)) return;
  // Not at once: what the owner writes in one go leaves in one piece, so that the peer can handle it in one step.
  asio::post(inside_->context, [self = inside_, id] { self->write_next(id); });
}

void Network::hangup(ConnectionId id) {
  auto* connection = inside_->find(id);
  if (connection == nullptr) return;
  connection->closing = true;
  if (!connection->writing) return asio::post(inside_->context, [self = inside_, id] { self->close(id, true); });
  connection->flush_timer.expires_after(std::chrono::milliseconds(kFlushMs));
  connection->flush_timer.async_wait([self = inside_, id](error_code error) {
    if (!error) self->close(id, true);
  });
}

void Network::handled(ConnectionId id) {
  inside_->read(id);
}

void Network::stop() {
  if (inside_->stopped) return;
  inside_->stopped = true;
  error_code ignored;
  for (auto& acceptor : inside_->acceptors) acceptor->close(ignored);
  inside_->resolver.cancel();
  for (auto& [id, connection] : inside_->connections) connection->socket.close(ignored);
}

}  // namespace doze::io
