// Connections between nodes: each message is a delivery of its own, and may be lost, repeated, late, or the last one.
#include <algorithm>

#include "sim/world.h"

namespace doze::sim {
namespace {

/// How much later a repeated, an overtaken and a replayed onion message arrive, at most.
constexpr std::uint64_t kRepeatMs = 3'000, kDelayMs = 5'000, kReplayMs = 120'000;

std::uint16_t type_of(ByteView message) {
  return message.size() < 2 ? std::uint16_t{0} : static_cast<std::uint16_t>(message[0] << 8 | message[1]);
}

}  // namespace

void World::dial(std::size_t index, const Dial& dial) {
  auto life = nodes_[index]->life;
  std::optional<std::size_t> target;
  for (std::size_t other = 0; other < nodes_.size(); ++other)
    if (other != index && nodes_[other]->running() &&
        std::find(dial.addresses.begin(), dial.addresses.end(), address(other)) != dial.addresses.end())
      target = other;
  at(after_ms(now_, latency()), [this, index, life, target, node_id = dial.node_id] {
    if (nodes_[index]->life != life || !nodes_[index]->running()) return;
    if (!target || !nodes_[*target]->running()) return step(index, DialFailed{node_id, "connection refused"});
    auto id = next_link_++;
    auto target_life = nodes_[*target]->life;
    WireTap tap(*nodes_[index]->signer, *nodes_[*target]->signer, chance_);
    links_.emplace(id, Link{{{index, life}, {*target, target_life}}, std::move(tap), true, {now_, now_}});
    step(*target, PeerConnected{2 * id + 1, std::nullopt, wire::to_text(address(index))});
    step(index, PeerConnected{2 * id, node_id, wire::to_text(address(*target))});
    for (std::size_t side = 0; side < 2; ++side)
      if (auto* link = open_link(id, side)) send_bytes(id, side, link->tap.take_output(side));
  });
}

World::Link* World::open_link(std::uint64_t link, std::size_t side) {
  auto it = links_.find(link);
  if (it == links_.end() || !it->second.open) return nullptr;
  const auto& to = it->second.ends[side];
  return nodes_[to.node]->life == to.life ? &it->second : nullptr;
}

MonoTime World::due(Link& link, std::size_t side) {
  return link.last[side] = std::max(after_ms(now_, latency()), link.last[side]);
}

void World::written(ConnectionId connection, ByteView bytes) {
  auto id = connection / 2;
  std::size_t from = connection % 2, to = 1 - from;
  auto it = links_.find(id);
  if (it == links_.end() || !it->second.open) return;
  auto& link = it->second;
  auto messages = link.tap.feed(from, bytes);
  for (std::size_t side = 0; side < 2; ++side)
    if (auto output = link.tap.take_output(side); !output.empty()) send_bytes(id, side, std::move(output));
  for (auto& message : messages) {
    WireMessage seen{link.ends[from].node, link.ends[to].node, type_of(message), message, 0};
    for (auto* watcher : watchers) watcher->sent(seen);
    link.held[to].push_back(std::move(message));
  }
  for (std::size_t side = 0; side < 2; ++side) {
    if (!link.tap.ready(side)) continue;
    for (auto& message : std::exchange(link.held[side], {})) send_message(id, side, std::move(message));
  }
}

void World::send_bytes(std::uint64_t id, std::size_t side, Bytes bytes) {
  auto* link = open_link(id, side);
  if (link == nullptr || bytes.empty()) return;
  at(due(*link, side), [this, id, side, bytes = std::move(bytes)] {
    auto* open = open_link(id, side);
    if (open == nullptr) return;
    note("bytes", open->ends[side].node, bytes);
    step(open->ends[side].node, BytesReceived{2 * id + side, bytes});
  });
}

void World::send_message(std::uint64_t id, std::size_t side, Bytes message) {
  auto* link = open_link(id, side);
  if (link == nullptr) return;
  at(due(*link, side), [this, id, side, message = std::move(message)] { arrive(id, side, message, true); });
}

Fate World::fate_of(const WireMessage& message) {
  Fate fate = on_message ? on_message(message) : Fate{};
  if (message.type != kOnionMessage) return fate;
  auto count = [&](std::uint32_t chance, std::uint64_t& counter) {
    if (!happens(chance)) return false;
    ++counter;
    return true;
  };
  if (count(faults.onion_lost, lost)) fate.drop = true;
  if (count(faults.onion_repeated, repeated)) fate.again_after_ms.push_back(chance_.below(kRepeatMs));
  if (count(faults.onion_replayed, replayed)) fate.again_after_ms.push_back(chance_.below(kReplayMs));
  if (count(faults.onion_delayed, delayed)) fate.delay_ms = chance_.below(kDelayMs);
  return fate;
}

void World::arrive(std::uint64_t id, std::size_t side, const Bytes& message, bool may_go_wrong) {
  auto* link = open_link(id, side);
  if (link == nullptr) return;
  if (!may_go_wrong) return deliver(id, side, message, false);
  auto from = link->ends[1 - side].node, to = link->ends[side].node;
  WireMessage seen{from, to, type_of(message), message, messages + 1};
  auto tell = [&](const std::string& how) {
    for (auto* watcher : watchers) watcher->went_wrong(seen, how);
  };
  if (happens(faults.cut)) {
    ++cuts;
    tell("does not arrive: the connection breaks");
    return cut(id);
  }
  auto fate = fate_of(seen);
  for (auto later : fate.again_after_ms) {
    tell("will come again after " + std::to_string(later) + " ms");
    inject(from, to, message, later);
  }
  if (fate.drop) {
    tell("is lost");
    if (fate.cut_after) cut(id);
    return;
  }
  if (fate.delay_ms) tell("is late by " + std::to_string(*fate.delay_ms) + " ms");
  if (fate.delay_ms)
    at(after_ms(now_, *fate.delay_ms), [this, id, side, message] { arrive(id, side, message, false); });
  else
    deliver(id, side, message, fate.cut_after);
  if (happens(faults.block)) mine_scattered(1, 3'000);
}

void World::deliver(std::uint64_t id, std::size_t side, const Bytes& message, bool cut_after) {
  auto* link = open_link(id, side);
  if (link == nullptr) return;
  WireMessage seen{link->ends[1 - side].node, link->ends[side].node, type_of(message), message, ++messages};
  for (auto* watcher : watchers) watcher->delivered(seen);
  note("message", seen.to, message);
  step(seen.to, BytesReceived{2 * id + side, link->tap.send(side, message)});
  if (cut_after) {
    ++cuts;
    cut(id);
  }
}

void World::inject(std::size_t from, std::size_t to, Bytes message, std::uint64_t delay_ms) {
  at(after_ms(now_, delay_ms), [this, from, to, message = std::move(message)] {
    for (auto& [id, link] : links_)
      for (std::size_t side = 0; side < 2; ++side)
        if (link.open && link.ends[side].node == to && link.ends[1 - side].node == from && link.tap.ready(side))
          return arrive(id, side, message, false);
  });
}

void World::cut(std::uint64_t id) {
  auto it = links_.find(id);
  if (it == links_.end() || !it->second.open) return;
  it->second.open = false;
  for (std::uint64_t side = 0; side < 2; ++side) {
    auto end = it->second.ends[side];
    at(after_ms(now_, latency()), [this, end, connection = 2 * id + side] {
      if (nodes_[end.node]->life == end.life) step(end.node, PeerDisconnected{connection});
    });
  }
}

void World::hang_up(ConnectionId connection) {
  auto it = links_.find(connection / 2);
  if (it == links_.end()) return;
  // After what was written: the cut comes when the last bytes have arrived.
  auto last = std::max(now_, it->second.last[1 - connection % 2]);
  at(after_ms(last, 1), [this, id = connection / 2] { cut(id); });
}

void World::disconnect(std::size_t a, std::size_t b) {
  for (auto& [id, link] : links_) {
    auto first = link.ends[0].node, second = link.ends[1].node;
    if (link.open && ((first == a && second == b) || (first == b && second == a))) cut(id);
  }
}

bool World::connected(std::size_t a, std::size_t b) const {
  return std::any_of(links_.begin(), links_.end(), [&](const auto& entry) {
    const auto& link = entry.second;
    auto first = link.ends[0].node, second = link.ends[1].node;
    return link.open && ((first == a && second == b) || (first == b && second == a));
  });
}

}  // namespace doze::sim
