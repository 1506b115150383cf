#include "peer/connection.h"

#include <algorithm>

#include "effects/features.h"
#include "paths/own_paths.h"
#include "peer/dialling.h"
#include "peer/places.h"
#include "peer/pongs.h"

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

Connection* ready_connection(Work& work, const NodeId& node) {
  auto it = work.state.ready.find(node);
  return it == work.state.ready.end() ? nullptr : &work.state.connections.at(it->second);
}
}  // namespace

bool has_channel(const Work& work, const NodeId& node) {
  return !work.context.views.channel_index.with(node).empty();
}

// ---- connecting ----

namespace {
void flush(Work& work, Connection& connection, bool of_channel = false) {
  auto bytes = connection.noise.take_output();
  if (bytes.empty()) return;
  auto kind = !connection.familiar ? WriteKind::ToStranger
              : of_channel         ? WriteKind::ChannelMessage
                                   : WriteKind::ToChannelPeer;
  work.say(WriteBytes{connection.id, std::move(bytes), kind});
}
}  // namespace

void hear(Work& work, const PeerConnected& in) {
  if (!in.dialled) make_room(work, Stage::Silent);
  if (in.dialled)
    if (auto known = work.state.known.find(*in.dialled); known != work.state.known.end() && known->second.paused) {
      known->second.dialling = false;  // the user disconnected while we dialled
      return work.say(Hangup{in.connection});
    }
  const auto* signer = &work.context.signer;  // outlives the node
  transport::Ecdh ecdh = [signer](const PublicKey& point) { return signer->node_ecdh(point); };
  auto ephemeral = fresh_key(work.context.rng);
  auto noise = in.dialled ? transport::Transport::initiator(*in.dialled, signer->node_id(), std::move(ecdh), ephemeral)
                          : transport::Transport::responder(signer->node_id(), std::move(ecdh), ephemeral);
  auto [it, fresh] = work.state.connections.try_emplace(
      in.connection, Connection{in.connection, std::move(noise), in.dialled, in.address, work.context.mono,
                                work.context.mono, work.context.mono});
  LN_ASSERT(fresh);  // the driver never uses a ConnectionId twice
  it->second.pongs.at = work.context.mono;
  if (!in.dialled) enter(work, it->second, Stage::Silent);
  set_wake_up(work, it->second);
  flush(work, it->second);
}

void hear(Work& work, const PeerDisconnected& in) {
  auto it = work.state.connections.find(in.connection);
  // Act two of the handshake shows that it has the key of the node id that we dialled.
  bool unproven = it != work.state.connections.end() && it->second.dialled && !it->second.noise.ready();
  close(work, in.connection,
        unproven ? "the peer closed the connection during the handshake: maybe the node at this address has a "
                   "different node id"
                 : "the peer closed the connection",
        false);
}

void hear(Work& work, const OutputWaits& in) {
  auto it = work.state.connections.find(in.connection);
  if (it == work.state.connections.end()) return;
  it->second.unread = in.waits;
  if (it->second.ready) work.state.views.at(*it->second.noise.remote()).unread = in.waits;
  if (!in.waits && !it->second.owed.empty()) work.state.pinged.insert(in.connection);
}

namespace {
/// What the handshake has come to.
bool begin(Work& work, Connection& connection) {
  if (connection.stage == Stage::Silent && connection.noise.begun()) {
    make_room(work, Stage::Handshake);
    enter(work, connection, Stage::Handshake);
  }
  if (!connection.noise.ready() || connection.init_sent) return true;
  auto node = *connection.noise.remote();
  if (node == work.context.signer.node_id()) {
    close(work, connection.id, "the peer is this node itself", true);
    return false;
  }
  connection.familiar = work.context.views.is_client(node);
  if (connection.familiar) enter(work, connection, Stage::Free);
  connection.init_sent = true;
  wire::Init init{own_features(work.context.config), {{wire::chain_hash(work.context.config.network)}}, std::nullopt};
  if (!connection.dialled) init.remote_addr = public_address(connection.address);
  send(work, connection, init);
  return true;
}

void record(Work& work, const Connection& connection, const char* direction, ByteView message) {
  if (work.state.recording)
    work.notify(
        Severity::Debug, kPeerMessage,
        {{"node_id", connection.noise.remote()->hex()}, {"direction", direction}, {"message", to_hex(message)}});
}

/// Closes the other connection with this node, or this one. Normally the newer stays: the older is probably dead and we
/// do not know it yet. If both sides dialled at the same time each would keep another one, so then the one that the
/// lesser node id dialled stays.
bool take_over(Work& work, Connection& connection, const NodeId& node) {
  auto* older = ready_connection(work, node);
  if (older == nullptr) return true;
  bool crossed = older->dialled.has_value() != connection.dialled.has_value() &&
                 work.context.mono < after_ms(*older->ready, kCrossedDialsMs);
  bool older_is_lessers = older->dialled.has_value() == (work.context.signer.node_id() < node);
  if (crossed && older_is_lessers) {
    close(work, connection.id, "both sides dialled; this is the superfluous connection", true);
    return false;
  }
  close(work, older->id, "replaced by a newer connection", true);
  return true;
}

bool on_init(Work& work, Connection& connection, const wire::Init& init) {
  if (connection.ready) return refuse(work, connection, "init: expected only once per connection");
  if (auto bit = wire::unknown_even(init.features))
    return refuse(work, connection, "init: unknown compulsory feature " + std::to_string(*bit));
  if (auto bit = wire::missing_dependency(init.features))
    return refuse(work, connection, "init: missing dependency of feature " + std::to_string(*bit));
  auto ours = wire::chain_hash(work.context.config.network);
  if (init.networks && std::find(init.networks->begin(), init.networks->end(), ours) == init.networks->end())
    return refuse(work, connection, "init: no common chain in networks");
  auto node = *connection.noise.remote();
  if (!take_over(work, connection, node)) return false;
  if (connection.stage == Stage::Handshake && !make_room_for_stranger(work))
    return refuse(work, connection, "too many peers without a channel");
  connection.ready = connection.useful = work.context.mono;
  if (connection.stage == Stage::Handshake) enter(work, connection, Stage::Stranger);
  work.state.ready.emplace(node, connection.id);
  work.state.views.emplace(node, PeerView{node, init.features, connection.address, !connection.dialled.has_value(),
                                          work.context.wall, connection.unread});
  work.notify(Severity::Info, "peer_connected",
              {{"node_id", node.hex()},
               {"address", connection.address},
               {"inbound", !connection.dialled},
               {"has_channel", connection.familiar}});
  work.say(PeerReady{node});
  node_ready(work, node);
  return true;
}

void on_pong(Work& work, Connection& connection) {
  if (connection.pings.empty()) return;  // nothing waits for it
  auto answered = connection.pings.front();
  connection.pings.erase(connection.pings.begin());
  if (answered.token) work.say(PongReceived{*connection.noise.remote(), *answered.token});
}

bool handle(Work& work, Connection& connection, const Bytes& bytes) {
  record(work, connection, "received", bytes);
  if (bytes.size() >= 2 && bytes[0] == 0 && bytes[1] == kInitType) connection.init_heard = true;
  auto message = wire::decode(bytes);
  if (!message && connection.ready && wire::is_gossip(bytes)) return true;
  if (!message) return refuse(work, connection, "malformed message: " + describe(message.error()));
  if (const auto* init = std::get_if<wire::Init>(&*message)) return on_init(work, connection, *init);
  if (!connection.ready) return refuse(work, connection, "expected init as the first message");
  if (const auto* asked = std::get_if<wire::Ping>(&*message)) return on_ping(work, connection, *asked);
  if (std::holds_alternative<wire::Pong>(*message)) {
    on_pong(work, connection);
    return true;
  }
  if (std::holds_alternative<wire::UnknownMessage>(*message)) return true;
  connection.useful = work.context.mono;
  work.say(MessageReceived{*connection.noise.remote(), *std::move(message)});
  return true;
}
}  // namespace

void hear(Work& work, const BytesReceived& in) {
  auto it = work.state.connections.find(in.connection);
  if (it == work.state.connections.end()) return;  // bytes that were in transit when we disconnected
  auto& connection = it->second;
  connection.heard = work.context.mono;
  auto fed = connection.noise.feed(in.bytes);
  if (!begin(work, connection)) return;
  flush(work, connection);
  for (const auto& message : connection.noise.take_messages())
    if (!handle(work, connection, message)) return;
  if (!fed)
    return close(work, in.connection, std::string("handshake or frame: ") + transport::name(fed.error().error), true);
  set_wake_up(work, connection);
  count_partial(work, connection);
}

void hear(Work& work, const ChannelUsable& in) {
  auto* connection = ready_connection(work, in.peer);
  if (connection == nullptr || connection->familiar) return;
  connection->familiar = true;
  enter(work, *connection, Stage::Free);
  count_partial(work, *connection);
}

// ---- ping and pong ----

void ping(Work& work, Connection& connection, std::optional<std::uint64_t> token) {
  connection.pings.push_back({token, work.context.mono});
  send(work, connection, wire::Ping{});
  set_wake_up(work, connection);
}

// ---- out ----

void hear(Work& work, const SendMessage& in) {
  if (auto* connection = ready_connection(work, in.node_id)) send(work, *connection, in.message);
}

void hear(Work& work, const PingPeer& in) {
  auto* connection = ready_connection(work, in.node_id);
  if (connection == nullptr) return;
  if (connection->pings.size() >= kMaxUnansweredPings)
    return close(work, connection->id, "the peer does not answer pings", true);
  ping(work, *connection, in.token);
}

void hear(Work& work, const DropPeer& in) {
  if (auto* connection = ready_connection(work, in.node_id)) close(work, connection->id, in.reason, true);
}

void send(Work& work, Connection& connection, const wire::Message& message) {
  auto bytes = wire::encode(message);
  record(work, connection, "sent", bytes);
  connection.noise.send(bytes);
  auto type = wire::type_of(message);
  bool of_channel = type >= kFirstChannelType && type <= kLastChannelType;
  flush(work, connection, of_channel);
}

// ---- the end ----

bool refuse(Work& work, Connection& connection, const std::string& reason) {
  // BOLT 1, "The init Message": nothing but our init leaves before the peer's has come.
  if (connection.init_heard) send(work, connection, wire::Warning{ChannelId(), to_bytes(bytes_of(reason))});
  close(work, connection.id, reason, true);
  return false;
}

void close(Work& work, ConnectionId id, const std::string& reason, bool hangup) {
  auto it = work.state.connections.find(id);
  if (it == work.state.connections.end()) return;
  enter(work, it->second, Stage::Free);
  if (it->second.wake_at) work.state.wake_ups.erase({*it->second.wake_at, id});
  work.state.partial_of_strangers -= it->second.partial;
  work.state.owing.erase(id);
  auto connection = std::move(it->second);
  work.state.connections.erase(it);
  if (hangup) work.say(Hangup{id});
  if (!connection.ready) {
    work.notify(Severity::Debug, "connection_failed", {{"address", connection.address}, {"reason", reason}});
    if (connection.dialled) dial_failed(work, *connection.dialled, reason);
    return;
  }
  auto node = *connection.noise.remote();
  work.state.ready.erase(node);
  work.state.views.erase(node);
  work.notify(Severity::Info, "peer_disconnected", {{"node_id", node.hex()}, {"reason", reason}});
  work.say(PeerGone{node});
  node_gone(work, node, work.context.mono >= after_ms(*connection.ready, kStableMs));
}

}  // namespace doze::peer
