#include "peer/pongs.h"

#include <algorithm>

#include "peer/connection.h"

namespace doze::peer {

bool Budget::take(std::uint64_t amount, MonoTime now) {
  auto gained = (now.value() - at.value()) * per_s / 1000;
  if (gained != 0 || left == most) at = now;
  left = std::min(most, left + std::min(gained, most));
  if (amount > left) return false;
  left -= amount;
  return true;
}

bool on_ping(Work& work, Connection& connection, const wire::Ping& ping) {
  if (ping.num_pong_bytes >= kFirstUnansweredPong) return true;
  if (!connection.pongs.take(kPongOverheadBytes + ping.num_pong_bytes, work.context.mono) ||
      connection.owed.size() >= kMaxPongsDue)
    return refuse(work, connection, "ping: too many that still wait for their pong");
  connection.owed.push_back(ping.num_pong_bytes);
  work.state.pinged.insert(connection.id);
  return true;
}

namespace {
bool pay_for_pong(Work& work, const Connection& connection, std::uint64_t cost) {
  return connection.familiar || work.state.strangers_pongs.take(cost, work.context.mono);
}

/// As many as may leave in this step. What stays is looked at again, or when the peer reads again.
void send_owed(Work& work, Connection& connection) {
  std::size_t sent = 0;
  for (std::uint64_t bytes = 0; sent < connection.owed.size() && !connection.unread; ++sent) {
    auto cost = kPongOverheadBytes + connection.owed[sent];
    if (bytes + cost > kPongBytesInStep || !pay_for_pong(work, connection, cost)) break;
    bytes += cost;
    send(work, connection, wire::Pong{connection.owed[sent]});
  }
  connection.owed.erase(connection.owed.begin(), connection.owed.begin() + static_cast<std::ptrdiff_t>(sent));
  if (connection.owed.empty() || connection.unread) {
    if (connection.owed.empty()) connection.owed.shrink_to_fit();
    work.state.owing.erase(connection.id);
    return;
  }
  if (work.state.owing.empty()) work.state.pongs_at = after_ms(work.context.mono, kPongPauseMs);
  work.state.owing.insert(connection.id);
}

/// The smallest first: small requests do not wait for large ones.
void look_at_owing(Work& work) {
  std::vector<std::pair<std::uint16_t, ConnectionId>> order;
  for (auto id : std::exchange(work.state.owing, {}))
    if (auto it = work.state.connections.find(id); it != work.state.connections.end() && !it->second.owed.empty())
      order.emplace_back(it->second.owed.front(), id);
  std::sort(order.begin(), order.end());
  for (const auto& [length, id] : order) send_owed(work, work.state.connections.at(id));
}
}  // namespace

void hear(Work& work, const EndOfStep&) {
  if (!work.state.owing.empty() && work.context.mono >= work.state.pongs_at) look_at_owing(work);
  bool others_wait = !work.state.owing.empty();
  for (auto id : std::exchange(work.state.pinged, {})) {
    auto it = work.state.connections.find(id);
    if (it == work.state.connections.end()) continue;
    // A stranger's pong does not overtake those that wait for the strangers' budget.
    if (others_wait && !it->second.familiar && !it->second.unread)
      work.state.owing.insert(id);
    else if (!work.state.owing.contains(id))
      send_owed(work, it->second);
  }
}

}  // namespace doze::peer
