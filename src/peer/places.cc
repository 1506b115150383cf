// Places for inbound connections: silent ones, handshakes and strangers. Each kind is bounded, and no peer is kept out
// by a crowd. Times at which a connection is to be looked at.
#include <algorithm>

#include "peer/inside.h"

namespace doze::peer {

Crowd* Work::crowd_of(Stage stage) {
  switch (stage) {
    case Stage::Silent:
      return &self_.silent;
    case Stage::Handshake:
      return &self_.handshakes;
    case Stage::Stranger:
      return &self_.strangers;
    case Stage::Free:
      return nullptr;
  }
  return nullptr;
}

void Work::enter(Connection& connection, Stage stage) {
  if (connection.stage == stage) return;
  if (auto* left = crowd_of(connection.stage)) left->remove(connection.id);
  connection.stage = stage;
  if (auto* crowd = crowd_of(stage)) crowd->add(connection.id, wire::network_of(connection.address));
}

void Work::make_room(Stage stage) {
  auto& crowd = *crowd_of(stage);
  if (crowd.size() < (stage == Stage::Silent ? kMaxSilent : kMaxHandshakes)) return;
  close(crowd.victim(context_.rng), "too many handshakes at once", true);
}

/// Of the prefix that has most: one that is idle, else one that has been there for some time, else any.
bool Work::make_room_for_stranger() {
  if (self_.strangers.size() < kMaxPeersWithoutChannel) return true;
  std::array<std::vector<ConnectionId>, 3> candidates;
  for (auto id : self_.strangers.largest(context_.rng)) {
    const auto& connection = self_.connections.at(id);
    bool idle = context_.mono >= after_ms(connection.useful, kIdleStrangerMs);
    bool settled = context_.mono >= after_ms(*connection.ready, kStrangerTurnMs);
    candidates[idle ? 0 : settled ? 1 : 2].push_back(id);
  }
  for (const auto& some : candidates)
    if (!some.empty()) {
      close(some[context_.rng.u64() % some.size()], "a newer connection needs the place", true);
      return true;
    }
  return false;
}

void Work::count_partial(Connection& connection) {
  self_.partial_of_strangers -= connection.partial;
  connection.partial = connection.familiar ? 0 : connection.noise.buffered();
  self_.partial_of_strangers += connection.partial;
  if (self_.partial_of_strangers <= kMaxPartialOfStrangers) return;
  auto largest = std::max_element(self_.connections.begin(), self_.connections.end(),
                                  [](const auto& a, const auto& b) { return a.second.partial < b.second.partial; });
  close(largest->first, "too much data of unfinished messages", true);
}

namespace {
MonoTime wake_up_of(const Connection& connection) {
  if (!connection.ready)
    return after_ms(connection.since, connection.stage == Stage::Silent ? kFirstActMs : kHandshakeMs);
  if (connection.pings.empty()) return after_ms(connection.heard, kIdlePingMs);
  auto oldest = connection.pings.front().at;
  return std::min(after_ms(std::max(connection.heard, oldest), kSilenceMs), after_ms(oldest, kPongPatienceMs));
}
}  // namespace

void Work::set_wake_up(Connection& connection) {
  auto at = wake_up_of(connection);
  if (connection.wake_at == at) return;
  if (connection.wake_at) self_.wake_ups.erase({*connection.wake_at, connection.id});
  connection.wake_at = at;
  self_.wake_ups.insert({at, connection.id});
}

void Work::connection_deadlines() {
  while (!self_.wake_ups.empty() && self_.wake_ups.begin()->first <= context_.mono) {
    auto id = self_.wake_ups.begin()->second;
    auto& connection = self_.connections.at(id);
    if (!connection.ready)
      close(id, "the handshake took too long", true);
    else if (connection.pings.empty())
      ping(connection, std::nullopt);
    else
      close(id, "no answer to a ping", true);
  }
}

}  // namespace doze::peer
