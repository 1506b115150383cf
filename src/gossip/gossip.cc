#include "gossip/gossip.h"

#include <algorithm>

#include "gossip/inside.h"

namespace doze::gossip {

DOZE_COMPILED_HERE(Input)

Gossip::Gossip() : inside(std::make_unique<Inside>()) {}
Gossip::~Gossip() = default;
Gossip::Gossip(Gossip&&) noexcept = default;
Gossip& Gossip::operator=(Gossip&&) noexcept = default;

Result<Gossip, LoadError> load(std::span<const Row> rows) {
  Gossip out;
  LN_CHECK(read_rows(rows, *out.inside));
  return out;
}

namespace {

void keep_house(Work& work) {
  auto pruned = work.state.graph.prune_stale(work.context.wall, work.self(), kPrunedAtATime);
  bool all = pruned.size() < kPrunedAtATime;
  work.state.housekeeping_at = after_ms(work.context.mono, all ? kHousekeepingMs : kStepWaitMs);
  erase_removed(work, pruned);
  auto slow_again = [&](const auto& entry) { return entry.second.even <= work.context.mono; };
  std::erase_if(work.state.update_rates, slow_again);
  std::erase_if(work.state.node_rates, slow_again);
  work.state.missing.clear();
  forget_old_waiting(work);
  for (auto& [id, peer] : work.state.peers) ask(work, id, peer);
  refresh_own(work);
}

void on(Work& work, const Started&) {
  erase_refused(work);
  work.effects.push_back(Watch{
      WatchOwner::Gossip, {.outputs = {}, .scripts = {}, .fundings = std::exchange(work.state.not_watched_yet, {})}});
  keep_house(work);
}
void on(Work& work, const PeerReady& in) {
  peer_ready(work, in.node_id);
}
void on(Work& work, const PeerGone& in) {
  forget_waiting(work, in.node_id);
  work.state.peers.erase(in.node_id);
}
void on(Work& work, const MessageReceived& in) {
  if (!work.state.peers.contains(in.node_id)) return;
  std::visit(
      [&]<class M>(const M& message) {
        if constexpr (GossipMessage<M>) received(work, in.node_id, message);
      },
      in.message);
}
void on(Work& work, const ChannelNeedsUpdate& in) {
  send_own_update(work, in.channel_id);
}
void on(Work& work, const ChannelAnnounced& in) {
  own_channel_announced(work, in);
}
void on(Work& work, const ChannelUsable& in) {
  now_familiar(work, in.peer);
  send_own_update(work, in.channel_id);
}
void on(Work&, const ChannelUnusable&) {}  // the peer may be back at once: a disabled update would outlive the reason
void on(Work& work, const ChannelClosed& in) {
  own_channel_closed(work, in);
}
void on(Work& work, const OutputLookedUp& in) {
  looked_up(work, in);
}
void on(Work& work, const SendOurGossip& in) {
  send_our_gossip(work, in);
}
void on(Work& work, const BlockConnected& in) {
  find_spends(work, in.transactions, in.height);
  erase_removed(work, work.state.graph.forget_spent(in.height));
  look_up_next(work);                                             // some are deep enough now
  for (auto& [id, peer] : work.state.peers) ask(work, id, peer);  // some are no longer ahead of us
}
void on(Work& work, const BlockHasMore& in) {
  find_spends(work, in.transactions, in.height);
}
void on(Work& work, const BlockDisconnected& in) {
  take_spends_back(work, in);
}
void on(Work& work, const DeadlineReached&) {
  serve(work);
  if (work.context.mono >= work.state.housekeeping_at) keep_house(work);
}

}  // namespace

Transition<Gossip> step(Gossip state, const Input& input, const Context& context) {
  Transition<Gossip> out{std::move(state), {}};
  Work work{*out.next.inside, context, out.effects};
  std::visit([&](const auto& in) { on(work, in); }, input);
  return out;
}

std::optional<MonoTime> deadline(const Gossip& state) {
  const auto& inside = *state.inside;
  MonoTime room_at = inside.sent_then < kStepMessages ? MonoTime() : after_ms(inside.sent_since, kStepWaitMs);
  auto earliest = inside.housekeeping_at;
  auto strangers_at = strangers_next(inside);
  for (const auto& [id, peer] : inside.peers)
    if (has_more(inside, peer))
      earliest = std::min(earliest, std::max({peer.piece_at, room_at, peer.stranger ? strangers_at : MonoTime()}));
  return earliest;
}

const graph::Graph& graph(const Gossip& state) {
  return state.inside->graph;
}
const std::map<ChannelId, PolicyPair>& policies(const Gossip& state) {
  return state.inside->policies;
}

}  // namespace doze::gossip
