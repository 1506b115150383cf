// Pongs: paid for from a budget per peer and one of all strangers, kept back from a peer that does not read.
#include <algorithm>

#include "peer/inside.h"

namespace doze::peer {

bool Budget::take(std::uint64_t amount, MonoTime now) {
  auto gained = (now.value() - at.value()) * per_s / 1000;
  if (gained != 0 || left == most) at = now;
  left = std::min(most, left + std::min(gained, most));
  if (amount > left) return false;
  left -= amount;
  return true;
}

bool Work::on_ping(Connection& connection, const wire::Ping& ping) {
  if (ping.num_pong_bytes >= kFirstUnansweredPong) return true;
  if (!connection.pongs.take(kPongOverheadBytes + ping.num_pong_bytes, context_.mono) ||
      connection.owed.size() >= kMaxPongsDue)
    return refuse(connection, "ping: too many that still wait for their pong");
  connection.owed.push_back(ping.num_pong_bytes);
  self_.pinged.insert(connection.id);
  return true;
}

bool Work::pay_for_pong(const Connection& connection, std::uint64_t cost) {
  return connection.familiar || self_.strangers_pongs.take(cost, context_.mono);
}

/// As many as may leave in this step. What stays is looked at again, or when the peer reads again.
void Work::send_owed(Connection& connection) {
  std::size_t sent = 0;
  for (std::uint64_t bytes = 0; sent < connection.owed.size() && !connection.unread; ++sent) {
    auto cost = kPongOverheadBytes + connection.owed[sent];
    if (bytes + cost > kPongBytesInStep || !pay_for_pong(connection, cost)) break;
    bytes += cost;
    send(connection, wire::Pong{connection.owed[sent]});
  }
  connection.owed.erase(connection.owed.begin(), connection.owed.begin() + static_cast<std::ptrdiff_t>(sent));
  if (connection.owed.empty() || connection.unread) {
    if (connection.owed.empty()) connection.owed.shrink_to_fit();
    self_.owing.erase(connection.id);
    return;
  }
  if (self_.owing.empty()) self_.pongs_at = after_ms(context_.mono, kPongPauseMs);
  self_.owing.insert(connection.id);
}

/// The smallest first: small requests do not wait for large ones.
void Work::look_at_owing() {
  std::vector<std::pair<std::uint16_t, ConnectionId>> order;
  for (auto id : std::exchange(self_.owing, {}))
    if (auto it = self_.connections.find(id); it != self_.connections.end() && !it->second.owed.empty())
      order.emplace_back(it->second.owed.front(), id);
  std::sort(order.begin(), order.end());
  for (const auto& [length, id] : order) send_owed(self_.connections.at(id));
}

void Work::on(const EndOfStep&) {
  if (!self_.owing.empty() && context_.mono >= self_.pongs_at) look_at_owing();
  bool others_wait = !self_.owing.empty();
  for (auto id : std::exchange(self_.pinged, {})) {
    auto it = self_.connections.find(id);
    if (it == self_.connections.end()) continue;
    // A stranger's pong does not overtake those that wait for the strangers' budget.
    if (others_wait && !it->second.familiar && !it->second.unread)
      self_.owing.insert(id);
    else if (!self_.owing.contains(id))
      send_owed(it->second);
  }
}

}  // namespace doze::peer
