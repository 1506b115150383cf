// One connection: handshake, init, ping and pong, what goes out and comes in.
#include <algorithm>

#include "effects/features.h"
#include "effects/own_paths.h"
#include "peer/inside.h"

namespace doze::peer {

bool Budget::take(std::uint64_t amount, MonoTime now) {
  auto gained = (now.value() - at.value()) * kPongBytesPerS / 1000;
  at = now;
  left = std::min(kPongBurstBytes, left + std::min(gained, kPongBurstBytes));
  if (amount > left) return false;
  left -= amount;
  return true;
}

Connection* Work::ready_connection(const NodeId& node) {
  auto it = self_.ready.find(node);
  return it == self_.ready.end() ? nullptr : &self_.connections.at(it->second);
}

bool Work::has_channel(const NodeId& node) const {
  return std::any_of(context_.views.channels.begin(), context_.views.channels.end(), [&](const auto& entry) {
    return entry.second.peer == node && entry.second.phase != ChannelPhase::Closed;
  });
}

// ---- connecting ----

void Work::on(const PeerConnected& in) {
  if (!in.dialled) drop_oldest_handshake();
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
  flush(it->second);
}

void Work::drop_oldest_handshake() {
  std::size_t handshakes = 0;
  std::optional<ConnectionId> oldest;
  for (const auto& [id, connection] : self_.connections) {
    if (connection.ready || connection.dialled) continue;
    ++handshakes;
    if (!oldest || connection.since < self_.connections.at(*oldest).since) oldest = id;
  }
  if (handshakes >= kMaxHandshakes) close(*oldest, "too many handshakes at a time", true);
}

void Work::on(const PeerDisconnected& in) {
  close(in.connection, "the peer closed the connection", false);
}

void Work::on(const OutputWaits& in) {
  if (auto it = self_.connections.find(in.connection); it != self_.connections.end()) it->second.unread = in.waits;
}

void Work::on(const BytesReceived& in) {
  auto it = self_.connections.find(in.connection);
  if (it == self_.connections.end()) return;  // bytes that were under way when we hung up
  auto& connection = it->second;
  connection.heard = context_.mono;
  auto fed = connection.noise.feed(in.bytes);
  if (fed && connection.noise.ready() && !connection.init_sent) {
    if (*connection.noise.remote() == context_.signer.node_id()) return close(in.connection, "that is ourselves", true);
    connection.init_sent = true;
    wire::Init init{own_features(context_.config), {{wire::chain_hash(context_.config.network)}}, std::nullopt};
    send(connection, init);
  }
  flush(connection);
  for (const auto& message : connection.noise.take_messages())
    if (!handle(connection, message)) return;
  if (!fed) close(in.connection, std::string("handshake or frame: ") + transport::name(fed.error().error), true);
}

void Work::record(const Connection& connection, const char* direction, ByteView message) {
  if (self_.recording)
    notify(Severity::Debug, kPeerMessage,
           {{"node_id", connection.noise.remote()->hex()}, {"direction", direction}, {"message", to_hex(message)}});
}

bool Work::handle(Connection& connection, const Bytes& bytes) {
  record(connection, "received", bytes);
  auto message = wire::decode(bytes);
  if (!message && connection.ready && wire::is_gossip(bytes)) return true;
  if (!message) return refuse(connection, "malformed message: " + describe(message.error()));
  if (const auto* init = std::get_if<wire::Init>(&*message)) return on_init(connection, *init);
  if (!connection.ready) return refuse(connection, "the first message must be init");
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

bool Work::make_room_for_stranger() {
  std::set<NodeId> familiar = context_.views.invited;
  for (const auto& [id, channel] : context_.views.channels)
    if (channel.phase != ChannelPhase::Closed) familiar.insert(channel.peer);
  std::size_t strangers = 0;
  const Connection* idlest = nullptr;
  for (const auto& [node, id] : self_.ready) {
    if (familiar.contains(node)) continue;
    ++strangers;
    const auto& connection = self_.connections.at(id);
    if (!connection.dialled && (idlest == nullptr || connection.useful < idlest->useful)) idlest = &connection;
  }
  if (strangers < kMaxPeersWithoutChannel) return true;
  if (idlest == nullptr || context_.mono < after_ms(idlest->useful, kIdleStrangerMs)) return false;
  close(idlest->id, "idle, and another one needs the place", true);
  return true;
}

bool Work::on_init(Connection& connection, const wire::Init& init) {
  if (connection.ready) return refuse(connection, "a second init");
  if (auto bit = wire::unknown_even(init.features))
    return refuse(connection, "unknown compulsory feature " + std::to_string(*bit));
  if (auto bit = wire::missing_dependency(init.features))
    return refuse(connection, "a feature lacks what it depends on: " + std::to_string(*bit));
  auto ours = wire::chain_hash(context_.config.network);
  if (init.networks && std::find(init.networks->begin(), init.networks->end(), ours) == init.networks->end())
    return refuse(connection, "no common chain");
  auto node = *connection.noise.remote();
  if (!connection.dialled && !has_channel(node) && !context_.views.invited.contains(node) && !make_room_for_stranger())
    return refuse(connection, "too many peers without a channel");
  if (!take_over(connection, node)) return false;
  connection.ready = context_.mono;
  self_.ready.emplace(node, connection.id);
  self_.views.emplace(
      node, PeerView{node, init.features, connection.address, !connection.dialled.has_value(), context_.wall});
  notify(Severity::Info, "peer_connected",
         {{"node_id", node.hex()}, {"address", connection.address}, {"inbound", !connection.dialled}});
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
    close(connection.id, "both sides dialled", true);
    return false;
  }
  close(older->id, "replaced by a newer connection", true);
  return true;
}

// ---- ping and pong ----

bool Work::on_ping(Connection& connection, const wire::Ping& ping) {
  if (ping.num_pong_bytes >= kFirstUnansweredPong) return true;
  if (!connection.pongs.take(kPongOverheadBytes + ping.num_pong_bytes, context_.mono))
    return refuse(connection, "too many pings");
  self_.pongs.emplace_back(connection.id, wire::Pong{ping.num_pong_bytes});
  return true;
}

void Work::on(const EndOfStep&) {
  for (const auto& [id, pong] : std::exchange(self_.pongs, {}))
    if (auto it = self_.connections.find(id); it != self_.connections.end()) send(it->second, pong);
}

void Work::on_pong(Connection& connection) {
  if (connection.pings.empty()) return;  // nobody asked
  auto answered = connection.pings.front();
  connection.pings.pop_front();
  if (answered.token) say(PongReceived{*connection.noise.remote(), *answered.token});
}

void Work::ping(Connection& connection, std::optional<std::uint64_t> token) {
  connection.pings.push_back({token, context_.mono});
  send(connection, wire::Ping{});
}

// ---- out ----

void Work::on(const SendMessage& in) {
  if (auto* connection = ready_connection(in.node_id)) send(*connection, in.message);
}

void Work::on(const PingPeer& in) {
  auto* connection = ready_connection(in.node_id);
  if (connection == nullptr) return;
  if (connection->pings.size() >= kMaxUnansweredPings) return close(connection->id, "it answers no pings", true);
  ping(*connection, in.token);
}

void Work::on(const DropPeer& in) {
  if (auto* connection = ready_connection(in.node_id)) close(connection->id, in.reason, true);
}

void Work::send(Connection& connection, const wire::Message& message) {
  auto bytes = wire::encode(message);
  record(connection, "sent", bytes);
  connection.noise.send(bytes);
  flush(connection);
}

void Work::flush(Connection& connection) {
  if (auto bytes = connection.noise.take_output(); !bytes.empty()) say(WriteBytes{connection.id, std::move(bytes)});
}

// ---- the end ----

bool Work::refuse(Connection& connection, const std::string& reason) {
  send(connection, wire::Warning{ChannelId(), to_bytes(bytes_of(reason))});
  close(connection.id, reason, true);
  return false;
}

void Work::close(ConnectionId id, const std::string& reason, bool hangup) {
  auto it = self_.connections.find(id);
  if (it == self_.connections.end()) return;
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
