#include "peer/places.h"

#include <algorithm>

#include "peer/connection.h"

namespace doze::peer {

namespace {
Crowd* crowd_of(Work& work, Stage stage) {
  switch (stage) {
    case Stage::Silent:
      return &work.state.silent;
    case Stage::Handshake:
      return &work.state.handshakes;
    case Stage::Stranger:
      return &work.state.strangers;
    case Stage::Free:
      return nullptr;
  }
  return nullptr;
}
}  // namespace

void enter(Work& work, Connection& connection, Stage stage) {
  if (connection.stage == stage) return;
  if (auto* left = crowd_of(work, connection.stage)) left->remove(connection.id);
  connection.stage = stage;
  if (auto* crowd = crowd_of(work, stage)) crowd->add(connection.id, wire::network_of(connection.address));
}

void make_room(Work& work, Stage stage) {
  auto& crowd = *crowd_of(work, stage);
  if (crowd.size() < (stage == Stage::Silent ? kMaxSilent : kMaxHandshakes)) return;
  close(work, crowd.victim(work.context.rng), "too many handshakes at once", true);
}

/// Of the prefix that has most: one that is idle, else one that has been there for some time, else any.
bool make_room_for_stranger(Work& work) {
  if (work.state.strangers.size() < kMaxPeersWithoutChannel) return true;
  std::array<std::vector<ConnectionId>, 3> candidates;
  for (auto id : work.state.strangers.largest(work.context.rng)) {
    const auto& connection = work.state.connections.at(id);
    bool idle = work.context.mono >= after_ms(connection.useful, kIdleStrangerMs);
    bool settled = work.context.mono >= after_ms(*connection.ready, kStrangerTurnMs);
    candidates[idle ? 0 : settled ? 1 : 2].push_back(id);
  }
  for (const auto& some : candidates)
    if (!some.empty()) {
      close(work, some[work.context.rng.u64() % some.size()], "a newer connection needs the place", true);
      return true;
    }
  return false;
}

void count_partial(Work& work, Connection& connection) {
  work.state.partial_of_strangers -= connection.partial;
  connection.partial = connection.familiar ? 0 : connection.noise.buffered();
  work.state.partial_of_strangers += connection.partial;
  if (work.state.partial_of_strangers <= kMaxPartialOfStrangers) return;
  auto largest = std::max_element(work.state.connections.begin(), work.state.connections.end(),
                                  [](const auto& a, const auto& b) { return a.second.partial < b.second.partial; });
  close(work, largest->first, "too much data of unfinished messages", true);
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

void set_wake_up(Work& work, Connection& connection) {
  auto at = wake_up_of(connection);
  if (connection.wake_at == at) return;
  if (connection.wake_at) work.state.wake_ups.erase({*connection.wake_at, connection.id});
  connection.wake_at = at;
  work.state.wake_ups.insert({at, connection.id});
}

void connection_deadlines(Work& work) {
  while (!work.state.wake_ups.empty() && work.state.wake_ups.begin()->first <= work.context.mono) {
    auto id = work.state.wake_ups.begin()->second;
    auto& connection = work.state.connections.at(id);
    if (!connection.ready)
      close(work, id, "the handshake took too long", true);
    else if (connection.pings.empty())
      ping(work, connection, std::nullopt);
    else
      close(work, id, "no answer to a ping", true);
  }
}

}  // namespace doze::peer
