#include "gossip/gossip.h"

#include <algorithm>

#include "gossip/inside.h"

namespace doze::gossip {

Gossip::Gossip() : inside(std::make_unique<Inside>()) {}
Gossip::~Gossip() = default;
Gossip::Gossip(Gossip&&) noexcept = default;
Gossip& Gossip::operator=(Gossip&&) noexcept = default;

namespace {

void hear(Work& work, const Started&) {
  refresh_own(work);
  work.state.housekeeping_at = after_ms(work.context.mono, kHousekeepingMs);
}
void hear(Work& work, const PeerReady& word) {
  peer_ready(work, word.node_id);
}
void hear(Work& work, const PeerGone& word) {
  work.state.peers.erase(word.node_id);
}
void hear(Work& work, const MessageReceived& word) {
  if (!work.state.peers.contains(word.node_id)) return;
  std::visit(
      [&](const auto& message) {
        if constexpr (requires { received(work, word.node_id, message); }) received(work, word.node_id, message);
      },
      word.message);
}
void hear(Work& work, const ChannelNeedsUpdate& word) {
  send_own_update(work, word.channel_id);
}
void hear(Work& work, const ChannelAnnounced& word) {
  own_channel_announced(work, word);
}
void hear(Work& work, const ChannelUsable& word) {
  send_own_update(work, word.channel_id);
}
void hear(Work&, const ChannelUnusable&) {}
void hear(Work& work, const ChannelClosed& word) {
  own_channel_closed(work, word);
}
void hear(Work& work, const OutputLookedUp& in) {
  looked_up(work, in);
}
void hear(Work& work, const SendOurGossip& word) {
  send_our_gossip(work, word);
}
void hear(Work& work, const BlockConnected& in) {
  find_spends(work, in);
  look_up_due(work);
}
void hear(Work& work, const DeadlineReached&) {
  for (auto& [id, peer] : work.state.peers) serve(work, id, peer);
  if (work.context.mono < work.state.housekeeping_at) return;
  work.state.housekeeping_at = after_ms(work.context.mono, kHousekeepingMs);
  refresh_own(work);
  auto removed = work.state.graph.prune_stale(work.context.wall, work.self());
  if (!removed.empty()) erase_removed(work, removed);
}

}  // namespace

Result<Gossip, LoadError> load(std::span<const Row> rows) {
  Gossip out;
  LN_CHECK(read_rows(rows, *out.inside));
  return out;
}

Transition<Gossip> step(Gossip state, const Input& input, const Context& context) {
  Effects out;
  Work work{*state.inside, context, out};
  std::visit([&](const auto& in) { hear(work, in); }, input);
  return {std::move(state), std::move(out)};
}

std::optional<MonoTime> deadline(const Gossip& state) {
  auto earliest = state.inside->housekeeping_at;
  for (const auto& [id, peer] : state.inside->peers)
    if (peer.answer || peer.backlog) earliest = std::min(earliest, peer.piece_at);
  return earliest;
}

const graph::Graph& graph(const Gossip& state) {
  return state.inside->graph;
}

const std::map<ChannelId, PolicyPair>& policies(const Gossip& state) {
  return state.inside->policies;
}

}  // namespace doze::gossip
