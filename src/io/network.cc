#include "io/network.h"

#include <sys/resource.h>

#include <algorithm>

#include "io/state.h"

namespace doze::io {

namespace {
std::string describe(const tcp::endpoint& endpoint) {
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  auto host = address.to_string();
  return (address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

/// Set on an acceptor before it listens: accepted connections inherit them.
template <class SocketOrAcceptor>
void set_kernel_buffers(SocketOrAcceptor& socket, int bytes) {
  error_code ignored;
  socket.set_option(asio::socket_base::send_buffer_size(bytes), ignored);
  socket.set_option(asio::socket_base::receive_buffer_size(bytes), ignored);
}

bool would_block(error_code error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}
bool longer_than(Clock::time_point since, int ms) {
  return Clock::now() - since >= std::chrono::milliseconds(ms);
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

void Network::Inside::accept(const std::shared_ptr<tcp::acceptor>& acceptor) {
  acceptor->async_accept([self = shared_from_this(), acceptor](error_code error, tcp::socket socket) {
    if (self->stopped || error == asio::error::operation_aborted) return;
    if (!error && self->inbound < self->max_inbound) self->adopt(std::move(socket), std::nullopt);
    if (!error) return self->accept(acceptor);
    auto timer = std::make_shared<asio::steady_timer>(self->context, std::chrono::milliseconds(kAcceptPauseMs));
    timer->async_wait([self, timer, acceptor](error_code) {
      if (!self->stopped) self->accept(acceptor);
    });
  });
}

void Network::Inside::adopt(tcp::socket socket, std::optional<NodeId> dialled) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
  if (dialled) set_kernel_buffers(socket, kStrangerKernelBuffer);
  auto remote = socket.remote_endpoint(ignored);
  auto connection = std::make_shared<Connection>(next++, std::move(socket), !dialled);
  if (connection->inbound) ++inbound;
  connections.emplace(connection->id, connection);
  sink(PeerConnected{connection->id, dialled, describe(remote)});
  read_when_ready(connection);
}

ConnectionPtr Network::Inside::find(ConnectionId id) const {
  auto it = connections.find(id);
  return it == connections.end() ? nullptr : it->second;
}

void Network::Inside::close(const ConnectionPtr& connection) {
  if (!std::exchange(connection->open, false)) return;
  error_code ignored;
  // It still has output: the kernel must not keep trying to deliver its part.
  if (connection->waits || connection->given_up)
    connection->socket.set_option(asio::socket_base::linger(true, 0), ignored);
  connection->socket.close(ignored);
  connection->output = {};
  count(*connection);
  if (connection->inbound) --inbound;
  watched.erase(connection->id);
  connections.erase(connection->id);
  if (!stopped) sink(PeerDisconnected{connection->id});
}

// ---- reading ----

void Network::Inside::read_when_ready(const ConnectionPtr& connection) {
  if (stopped || !connection->open || connection->closing || connection->reading) return;
  auto limit = connection->stranger ? kSlowReadStranger : kSlowReadChannelPeer;
  connection->slowed = connection->waits && connection->output.size() > limit && connection->allowance == 0;
  if (connection->slowed) return;
  connection->reading = true;
  connection->socket.async_wait(tcp::socket::wait_read, [self = shared_from_this(), connection](error_code error) {
    connection->reading = false;
    if (!connection->open) return;
    if (error) return self->close(connection);
    self->read(connection);
  });
}

void Network::Inside::read(const ConnectionPtr& connection) {
  if (stopped || !connection->open || connection->closing) return;
  error_code error;
  auto size = connection->socket.read_some(asio::buffer(chunk), error);
  if (would_block(error)) return read_when_ready(connection);
  if (error) return close(connection);
  connection->allowance -= std::min(connection->allowance, size);
  sink(BytesReceived{connection->id, Bytes(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(size))});
}

// ---- writing ----

void Network::Inside::write_soon(const ConnectionPtr& connection) {
  if (std::exchange(connection->writing, true)) return;
  // Not at once: output that the owner writes together is sent in one piece, so that the peer handles it in one step.
  asio::post(context, [self = shared_from_this(), connection] { self->write_turn(connection); });
}

void Network::Inside::write_turn(const ConnectionPtr& connection) {
  if (!connection->open) return;
  auto& output = connection->output;
  if (!output.advance()) return written_all(connection);
  error_code error;
  auto size = connection->socket.write_some(
      asio::buffer(ByteView(output.now).subspan(output.sent).data(), output.now.size() - output.sent), error);
  if (error && !would_block(error)) return close(connection);
  if (!error) {
    output.sent += size;
    connection->moved = Clock::now();
    count(*connection);
    if (!output.advance()) return written_all(connection);
    auto limit = connection->stranger ? kSlowReadStranger : kSlowReadChannelPeer;
    if (connection->slowed && output.size() <= limit / 2) {
      connection->slowed = false;
      read_when_ready(connection);
    }
  }
  if (!std::exchange(connection->waits, true)) {
    connection->moved = Clock::now();
    watch(connection);
    sink(OutputWaits{connection->id, true});
  }
  connection->socket.async_wait(tcp::socket::wait_write, [self = shared_from_this(), connection](error_code failed) {
    if (!connection->open) return;
    if (failed) return self->close(connection);
    self->write_turn(connection);
  });
}

void Network::Inside::written_all(const ConnectionPtr& connection) {
  connection->writing = false;
  bool waited = std::exchange(connection->waits, false);
  count(*connection);
  if (connection->closing) return close(connection);
  watched.erase(connection->id);
  if (std::exchange(connection->slowed, false)) read_when_ready(connection);
  if (waited) sink(OutputWaits{connection->id, false});
}

/// The peer has a channel, or is a client.
void Network::Inside::familiar(Connection& connection) {
  if (!std::exchange(connection.stranger, false)) return;
  unsent_of_strangers -= std::exchange(connection.counted, 0);
  set_kernel_buffers(connection.socket, kChannelPeerKernelBuffer);
  count(connection);
}

void Network::Inside::count(Connection& connection) {
  auto& sum = connection.stranger ? unsent_of_strangers : unsent_of_channel_peers;
  sum -= connection.counted;
  connection.counted = connection.output.size();
  sum += connection.counted;
}

void Network::Inside::give_up(const ConnectionPtr& connection) {
  connection->output = {};
  connection->closing = connection->given_up = true;
  count(*connection);
  asio::post(context, [self = shared_from_this(), connection] { self->close(connection); });
}

void Network::Inside::keep_sums() {
  for (bool strangers : {true, false}) {
    auto& sum = strangers ? unsent_of_strangers : unsent_of_channel_peers;
    while (sum > (strangers ? kMaxUnsentOfStrangers : kMaxUnsentOfChannelPeers)) {
      ConnectionPtr largest;
      for (const auto& [id, connection] : connections)
        if (connection->stranger == strangers && (!largest || connection->counted > largest->counted))
          largest = connection;
      give_up(largest);
    }
  }
}

// ---- unsent output of all connections ----

void Network::Inside::watch(const ConnectionPtr& connection) {
  watched.emplace(connection->id, connection);
  if (std::exchange(sweeping, true)) return;
  sweeper.expires_after(std::chrono::milliseconds(times.sweep_ms));
  sweeper.async_wait([self = shared_from_this()](error_code error) {
    self->sweeping = false;
    if (!error && !self->stopped) self->sweep();
  });
}

void Network::Inside::sweep() {
  auto now_watched = watched;
  for (const auto& [id, connection] : now_watched) look_at(connection);
  if (!watched.empty()) watch(watched.begin()->second);
}

void Network::Inside::look_at(const ConnectionPtr& connection) {
  if (!connection->open) return;
  if (connection->closing) {
    if (longer_than(connection->hung_up, times.flush_ms)) close(connection);
    return;
  }
  if (connection->stranger && connection->waits && longer_than(connection->moved, times.unread_patience_ms))
    return close(connection);
  connection->allowance = kSlowReadBytes;
  if (connection->slowed) read_when_ready(connection);
}

// ---- calls of the owner ----

Network::Network(asio::io_context& context, Sink sink, std::size_t max_inbound, Times times)
    : inside_(std::make_shared<Inside>(context, std::move(sink), max_inbound, times)) {}
Network::~Network() {
  stop();
}

Result<std::uint16_t, std::string> Network::listen(const std::string& host, std::uint16_t port) {
  error_code error;
  auto address = asio::ip::make_address(host, error);
  if (error) return fail("cannot listen on " + host + ": expected an IP address");
  tcp::endpoint endpoint(address, port);
  auto acceptor = std::make_shared<tcp::acceptor>(inside_->context);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) set_kernel_buffers(*acceptor, kStrangerKernelBuffer);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail("cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message());
  auto chosen = acceptor->local_endpoint(error).port();
  inside_->acceptors.push_back(acceptor);
  inside_->accept(acceptor);
  return chosen;
}

void Network::write(ConnectionId id, const Bytes& bytes, WriteKind kind) {
  auto connection = inside_->find(id);
  if (!connection || connection->closing) return;
  if (kind != WriteKind::ToStranger) inside_->familiar(*connection);
  bool of_channel = kind == WriteKind::ChannelMessage;
  if (!of_channel && connection->output.plain() + bytes.size() > kMaxUnsentBytes) return inside_->give_up(connection);
  connection->output.add(bytes, of_channel);
  inside_->count(*connection);
  inside_->write_soon(connection);
  inside_->keep_sums();
}

void Network::hangup(ConnectionId id) {
  auto connection = inside_->find(id);
  if (!connection || std::exchange(connection->closing, true)) return;
  connection->hung_up = Clock::now();
  if (connection->writing) return inside_->watch(connection);
  asio::post(inside_->context, [self = inside_, connection] { self->close(connection); });
}

void Network::handled(ConnectionId id) {
  if (auto connection = inside_->find(id)) inside_->read_when_ready(connection);
}

void Network::stop() {
  if (std::exchange(inside_->stopped, true)) return;
  error_code ignored;
  for (const auto& acceptor : inside_->acceptors) acceptor->close(ignored);
  inside_->sweeper.cancel();
  inside_->stop_dials();
  auto all = inside_->connections;
  for (const auto& [id, connection] : all) inside_->close(connection);
}

std::size_t Network::unsent_of_strangers() const {
  return inside_->unsent_of_strangers;
}

}  // namespace doze::io
