// One connection: handshake, init, ping and pong, what goes out and comes in.
#include <algorithm>

#include "effects/features.h"
#include "paths/own_paths.h"
#include "peer/inside.h"

namespace doze::peer {

namespace {
constexpr std::uint8_t kInitType = 16;
/// open_channel to channel_reestablish: what a channel has to say. BOLT 1, "Lightning Message Format": channel and
/// commitment messages.
constexpr std::uint16_t kFirstChannelType = 32, kLastChannelType = 255;

bool is_private(const wire::Ipv4& ip) {
  return ip[0] == 0 || ip[0] == 10 || ip[0] == 127 || (ip[0] == 100 && (ip[1] & 0xc0) == 64) ||
         (ip[0] == 169 && ip[1] == 254) || (ip[0] == 172 && (ip[1] & 0xf0) == 16) || (ip[0] == 192 && ip[1] == 168) ||
         ip[0] >= 224;
}
bool is_private(const wire::Ipv6& ip) {
  return (ip[0] & 0xe0) != 0x20;  // 2000::/3 are the global ones
}
/// What the peer may learn about its own address. BOLT 1: SHOULD NOT be a private one.
std::optional<wire::NetworkAddress> public_address(const std::string& address) {
  auto parsed = wire::parse_address(address);
  if (!parsed) return std::nullopt;
  if (const auto* v4 = std::get_if<wire::Ipv4>(&parsed->host)) return is_private(*v4) ? std::nullopt : parsed;
  if (const auto* v6 = std::get_if<wire::Ipv6>(&parsed->host)) return is_private(*v6) ? std::nullopt : parsed;
  return std::nullopt;
}
}  // namespace

Connection* Work::ready_connection(const NodeId& node) {
  auto it = self_.ready.find(node);
  return it == self_.ready.end() ? nullptr : &self_.connections.at(it->second);
}

bool Work::has_channel(const NodeId& node) const {
  return !context_.views.channel_index.with(node).empty();
}

// ---- connecting ----

void Work::on(const PeerConnected& in) {
  if (!in.dialled) make_room(Stage::Silent);
  if (in.dialled)
    if (auto known = self_.known.find(*in.dialled); known != self_.known.end() && known->second.paused) {
      known->second.dialling = false;  // the user disconnected while we dialled
      return say(Hangup{in.connection});
    }
  const auto* signer = &context_.signer;  // outlives the node
  transport::Ecdh ecdh = [signer](const PublicKey& point) { return signer->node_ecdh(point); };
  auto ephemeral = fresh_key(context_.rng);
  auto noise = in.dialled ? transport::Transport::initiator(*in.dialled, signer->node_id(), std::move(ecdh), ephemeral)
                          : transport::Transport::responder(signer->node_id(), std::move(ecdh), ephemeral);
  auto [it, fresh] = self_.connections.try_emplace(
      in.connection,
      Connection{in.connection, std::move(noise), in.dialled, in.address, context_.mono, context_.mono, context_.mono});
  LN_ASSERT(fresh);  // the driver never uses a ConnectionId twice
  it->second.pongs.at = context_.mono;
  if (!in.dialled) enter(it->second, Stage::Silent);
  set_wake_up(it->second);
  flush(it->second);
}

void Work::on(const PeerDisconnected& in) {
  auto it = self_.connections.find(in.connection);
  // Act two of the handshake shows that it has the key of the node id that we dialled.
  bool unproven = it != self_.connections.end() && it->second.dialled && !it->second.noise.ready();
  close(in.connection,
        unproven ? "the peer closed the connection during the handshake: maybe the node at this address has a "
                   "different node id"
                 : "the peer closed the connection",
        false);
}

void Work::on(const OutputWaits& in) {
  auto it = self_.connections.find(in.connection);
  if (it == self_.connections.end()) return;
  it->second.unread = in.waits;
  if (it->second.ready) self_.views.at(*it->second.noise.remote()).unread = in.waits;
  if (!in.waits && !it->second.owed.empty()) self_.pinged.insert(in.connection);
}

void Work::on(const BytesReceived& in) {
  auto it = self_.connections.find(in.connection);
  if (it == self_.connections.end()) return;  // bytes that were in transit when we disconnected
  auto& connection = it->second;
  connection.heard = context_.mono;
  auto fed = connection.noise.feed(in.bytes);
  if (!begin(connection)) return;
  flush(connection);
  for (const auto& message : connection.noise.take_messages())
    if (!handle(connection, message)) return;
  if (!fed) return close(in.connection, std::string("handshake or frame: ") + transport::name(fed.error().error), true);
  set_wake_up(connection);
  count_partial(connection);
}

/// What the handshake has come to.
bool Work::begin(Connection& connection) {
  if (connection.stage == Stage::Silent && connection.noise.begun()) {
    make_room(Stage::Handshake);
    enter(connection, Stage::Handshake);
  }
  if (!connection.noise.ready() || connection.init_sent) return true;
  auto node = *connection.noise.remote();
  if (node == context_.signer.node_id()) {
    close(connection.id, "the peer is this node itself", true);
    return false;
  }
  connection.familiar = context_.views.is_client(node);
  if (connection.familiar) enter(connection, Stage::Free);
  connection.init_sent = true;
  wire::Init init{own_features(context_.config), {{wire::chain_hash(context_.config.network)}}, std::nullopt};
  if (!connection.dialled) init.remote_addr = public_address(connection.address);
  send(connection, init);
  return true;
}

void Work::on(const ChannelUsable& in) {
  auto* connection = ready_connection(in.peer);
  if (connection == nullptr || connection->familiar) return;
  connection->familiar = true;
  enter(*connection, Stage::Free);
  count_partial(*connection);
}

void Work::record(const Connection& connection, const char* direction, ByteView message) {
  if (self_.recording)
    notify(Severity::Debug, kPeerMessage,
           {{"node_id", connection.noise.remote()->hex()}, {"direction", direction}, {"message", to_hex(message)}});
}

bool Work::handle(Connection& connection, const Bytes& bytes) {
  record(connection, "received", bytes);
  if (bytes.size() >= 2 && bytes[0] == 0 && bytes[1] == kInitType) connection.init_heard = true;
  auto message = wire::decode(bytes);
  if (!message && connection.ready && wire::is_gossip(bytes)) return true;
  if (!message) return refuse(connection, "malformed message: " + describe(message.error()));
  if (const auto* init = std::get_if<wire::Init>(&*message)) return on_init(connection, *init);
  if (!connection.ready) return refuse(connection, "expected init as the first message");
  if (const auto* asked = std::get_if<wire::Ping>(&*message)) return on_ping(connection, *asked);
  if (std::holds_alternative<wire::Pong>(*message)) {
    on_pong(connection);
    return true;
  }
  if (std::holds_alternative<wire::UnknownMessage>(*message)) return true;
  connection.useful = context_.mono;
  say(MessageReceived{*connection.noise.remote(), *std::move(message)});
  return true;
}

bool Work::on_init(Connection& connection, const wire::Init& init) {
  if (connection.ready) return refuse(connection, "init: expected only once per connection");
  if (auto bit = wire::unknown_even(init.features))
    return refuse(connection, "init: unknown compulsory feature " + std::to_string(*bit));
  if (auto bit = wire::missing_dependency(init.features))
    return refuse(connection, "init: missing dependency of feature " + std::to_string(*bit));
  auto ours = wire::chain_hash(context_.config.network);
  if (init.networks && std::find(init.networks->begin(), init.networks->end(), ours) == init.networks->end())
    return refuse(connection, "init: no common chain in networks");
  auto node = *connection.noise.remote();
  if (!take_over(connection, node)) return false;
  if (connection.stage == Stage::Handshake && !make_room_for_stranger())
    return refuse(connection, "too many peers without a channel");
  connection.ready = connection.useful = context_.mono;
  if (connection.stage == Stage::Handshake) enter(connection, Stage::Stranger);
  self_.ready.emplace(node, connection.id);
  self_.views.emplace(node, PeerView{node, init.features, connection.address, !connection.dialled.has_value(),
                                     context_.wall, connection.unread});
  notify(Severity::Info, "peer_connected",
         {{"node_id", node.hex()},
          {"address", connection.address},
          {"inbound", !connection.dialled},
          {"has_channel", connection.familiar}});
  say(PeerReady{node});
  node_ready(node);
  return true;
}

/// Closes the other connection with this node, or this one. Normally the newer stays: the older is probably dead and we
/// do not know it yet. If both sides dialled at the same time each would keep another one, so then the one that the
/// lesser node id dialled stays.
bool Work::take_over(Connection& connection, const NodeId& node) {
  auto* older = ready_connection(node);
  if (older == nullptr) return true;
  bool crossed = older->dialled.has_value() != connection.dialled.has_value() &&
                 context_.mono < after_ms(*older->ready, kCrossedDialsMs);
  bool older_is_lessers = older->dialled.has_value() == (context_.signer.node_id() < node);
  if (crossed && older_is_lessers) {
    close(connection.id, "both sides dialled; this is the superfluous connection", true);
    return false;
  }
  close(older->id, "replaced by a newer connection", true);
  return true;
}

// ---- ping and pong ----

void Work::on_pong(Connection& connection) {
  if (connection.pings.empty()) return;  // nothing waits for it
  auto answered = connection.pings.front();
  connection.pings.erase(connection.pings.begin());
  if (answered.token) say(PongReceived{*connection.noise.remote(), *answered.token});
}

void Work::ping(Connection& connection, std::optional<std::uint64_t> token) {
  connection.pings.push_back({token, context_.mono});
  send(connection, wire::Ping{});
  set_wake_up(connection);
}

// ---- out ----

void Work::on(const SendMessage& in) {
  if (auto* connection = ready_connection(in.node_id)) send(*connection, in.message);
}

void Work::on(const PingPeer& in) {
  auto* connection = ready_connection(in.node_id);
  if (connection == nullptr) return;
  if (connection->pings.size() >= kMaxUnansweredPings)
    return close(connection->id, "the peer does not answer pings", true);
  ping(*connection, in.token);
}

void Work::on(const DropPeer& in) {
  if (auto* connection = ready_connection(in.node_id)) close(connection->id, in.reason, true);
}

void Work::send(Connection& connection, const wire::Message& message) {
  auto bytes = wire::encode(message);
  record(connection, "sent", bytes);
  connection.noise.send(bytes);
  auto type = wire::type_of(message);
  bool of_channel = type >= kFirstChannelType && type <= kLastChannelType;
  flush(connection, of_channel);
}

void Work::flush(Connection& connection, bool of_channel) {
  auto bytes = connection.noise.take_output();
  if (bytes.empty()) return;
  auto kind = !connection.familiar ? WriteKind::ToStranger
              : of_channel         ? WriteKind::ChannelMessage
                                   : WriteKind::ToChannelPeer;
  say(WriteBytes{connection.id, std::move(bytes), kind});
}

// ---- the end ----

bool Work::refuse(Connection& connection, const std::string& reason) {
  // BOLT 1, "The init Message": nothing but our init leaves before the peer's has come.
  if (connection.init_heard) send(connection, wire::Warning{ChannelId(), to_bytes(bytes_of(reason))});
  close(connection.id, reason, true);
  return false;
}

void Work::close(ConnectionId id, const std::string& reason, bool hangup) {
  auto it = self_.connections.find(id);
  if (it == self_.connections.end()) return;
  enter(it->second, Stage::Free);
  if (it->second.wake_at) self_.wake_ups.erase({*it->second.wake_at, id});
  self_.partial_of_strangers -= it->second.partial;
  self_.owing.erase(id);
  auto connection = std::move(it->second);
  self_.connections.erase(it);
  if (hangup) say(Hangup{id});
  if (!connection.ready) {
    notify(Severity::Debug, "connection_failed", {{"address", connection.address}, {"reason", reason}});
    if (connection.dialled) dial_failed(*connection.dialled, reason);
    return;
  }
  auto node = *connection.noise.remote();
  self_.ready.erase(node);
  self_.views.erase(node);
  notify(Severity::Info, "peer_disconnected", {{"node_id", node.hex()}, {"reason", reason}});
  say(PeerGone{node});
  node_gone(node, context_.mono >= after_ms(*connection.ready, kStableMs));
}

}  // namespace doze::peer
