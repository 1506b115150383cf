// What others say: verified, looked up on chain, applied, relayed.
#include <algorithm>

#include "bitcoin/script.h"
#include "crypto/crypto.h"
#include "gossip/inside.h"
#include "graph/verify.h"

namespace doze::gossip {
namespace {

bool in_future(const Work& work, std::uint32_t timestamp) {
  return timestamp > work.context.wall.value() + kMaxFutureS;
}

/// An update of a peer for one of our own channels, named by its real scid or by the alias that we gave out.
bool own_channel_update(Work& work, const NodeId& from, const wire::ChannelUpdate& m) {
  for (const auto& [id, channel] : work.context.views.channels) {
    bool named = channel.scid == m.short_channel_id || channel.local_alias == m.short_channel_id;
    if (channel.peer != from || !named || channel.phase == ChannelPhase::Closed) continue;
    if ((m.channel_flags & 1) != (channel.peer < work.self() ? 0 : 1)) continue;
    if (!graph::verify_channel_update(m, m.raw, channel.peer)) {
      work.warn(from, "channel_update: the signature is wrong");
      return true;
    }
    auto& remote = work.state.own_updates[id].remote;
    if (remote && remote->timestamp >= m.timestamp) return false;
    remote = m;
    save_policy(work, id, Side::Remote, m.raw);
    work.state.policies[id].remote = policy_of(m);
    return false;  // a public one also enters the graph
  }
  return false;
}

/// The state's own update must be applied after a channel entered the graph.
void apply_update(Work& work, const NodeId& from, const wire::ChannelUpdate& m) {
  const auto* channel = work.state.graph.channel(m.short_channel_id);
  if (channel == nullptr) return;
  const auto& signer = (m.channel_flags & 1) == 0 ? channel->node_1 : channel->node_2;
  if (!graph::verify_channel_update(m, m.raw, signer)) return work.warn(from, "channel_update: the signature is wrong");
  auto applied = work.state.graph.apply(m, m.raw);
  if (!applied) return;
  save_update(work, applied->scid, applied->direction, m.raw);
  relay_update(work, *applied, from);
}

void apply_node(Work& work, const NodeId& from, const wire::NodeAnnouncement& m) {
  if (!graph::verify_node_announcement(m, m.raw)) return work.warn(from, "node_announcement: the signature is wrong");
  if (!work.state.graph.apply(m, m.raw)) return;
  save_node(work, m.node_id, m.raw);
  relay(work, m.timestamp, m.raw, from);
}

void forget_waiting(Work& work, ShortChannelId scid) {
  auto it = work.state.waiting.find(scid);
  if (it == work.state.waiting.end()) return;
  for (const auto& node : {it->second.announcement.node_id_1, it->second.announcement.node_id_2}) {
    auto known = work.state.waiting_nodes.find(node);
    if (known == work.state.waiting_nodes.end()) continue;
    known->second.erase(scid);
    if (known->second.empty()) work.state.waiting_nodes.erase(known);
  }
  work.state.waiting.erase(it);
}

}  // namespace

void Work::send_raw(const NodeId& node, ByteView raw) {
  if (auto message = wire::decode(raw)) send(node, *std::move(message));
}

void Work::warn(const NodeId& node, const std::string& what) {
  send(node, wire::Warning{ChannelId{}, to_bytes(bytes_of(what))});
}

void received(Work& work, const NodeId& from, const wire::ChannelAnnouncement& m) {
  if (m.chain_hash != work.chain() || work.state.graph.channel(m.short_channel_id) != nullptr ||
      work.state.waiting.contains(m.short_channel_id))
    return;
  if (work.state.waiting.size() >= kMaxWaiting) return;
  if (m.short_channel_id.block() > work.context.tip.value() + kMaxAhead) return;
  if (!graph::verify_channel_announcement(m, m.raw))
    return work.warn(from, "channel_announcement: a signature is wrong");
  work.state.waiting[m.short_channel_id] = Waiting{m, from, {}, {}, false};
  work.state.waiting_nodes[m.node_id_1].insert(m.short_channel_id);
  work.state.waiting_nodes[m.node_id_2].insert(m.short_channel_id);
  look_up_due(work);
}

void look_up_due(Work& work) {
  for (auto& [scid, waiting] : work.state.waiting) {
    if (waiting.asked || scid.block() > work.context.tip.value()) continue;
    waiting.asked = true;
    work.effects.push_back(LookUpOutput{scid});
  }
}

void received(Work& work, const NodeId& from, const wire::ChannelUpdate& m) {
  if (m.chain_hash != work.chain() || in_future(work, m.timestamp)) return;
  if (own_channel_update(work, from, m)) return;
  if (auto it = work.state.waiting.find(m.short_channel_id); it != work.state.waiting.end()) {
    auto& kept = it->second.updates[m.channel_flags & 1];
    if (!kept || kept->timestamp < m.timestamp) kept = m;
    return;
  }
  apply_update(work, from, m);
}

void received(Work& work, const NodeId& from, const wire::NodeAnnouncement& m) {
  if (in_future(work, m.timestamp)) return;
  if (work.state.graph.node(m.node_id) != nullptr) return apply_node(work, from, m);
  auto it = work.state.waiting_nodes.find(m.node_id);
  if (it == work.state.waiting_nodes.end()) return;
  for (auto scid : it->second) {
    auto& waiting = work.state.waiting.at(scid);
    auto& kept = waiting.nodes[waiting.announcement.node_id_1 == m.node_id ? 0 : 1];
    if (!kept || kept->timestamp < m.timestamp) kept = m;
  }
}

void looked_up(Work& work, const OutputLookedUp& in) {
  auto it = work.state.waiting.find(in.scid);
  if (it == work.state.waiting.end()) return;
  auto waiting = std::move(it->second);
  forget_waiting(work, in.scid);
  const auto& m = waiting.announcement;
  if (!in.output || in.output->script_pubkey != funding_script_pubkey(m)) return;
  auto added = work.state.graph.add_channel(m, m.raw, in.output->amount, work.context.wall);
  if (added) {
    work.state.funding_scripts[funding_script_pubkey(m)].insert(in.scid);
    save_channel(work, *work.state.graph.channel(in.scid));
  } else if (work.state.graph.channel(in.scid) == nullptr) {
    return;
  }
  // Our own channel may have entered the graph while its announcement waited here: what came behind still counts.
  for (const auto& update : waiting.updates)
    if (update) apply_update(work, waiting.from, *update);
  for (const auto& node : waiting.nodes)
    if (node) apply_node(work, waiting.from, *node);
}

void find_spends(Work& work, const BlockConnected& in) {
  for (const auto& transaction : in.block->transactions) {
    for (const auto& input : transaction.inputs) {
      if (input.witness.empty()) continue;
      auto known = work.state.funding_scripts.find(bitcoin::p2wsh_script(input.witness.back()));
      if (known == work.state.funding_scripts.end()) continue;
      for (auto scid : known->second)
        if (work.state.graph.mark_spent(scid, in.height)) save_channel(work, *work.state.graph.channel(scid));
    }
  }
  auto removed = work.state.graph.forget_spent(in.height);
  for (const auto& channel : removed)
    for (auto it = work.state.funding_scripts.begin(); it != work.state.funding_scripts.end();) {
      it->second.erase(channel.scid);
      it = it->second.empty() ? work.state.funding_scripts.erase(it) : std::next(it);
    }
  if (!removed.empty()) erase_removed(work, removed);
}

}  // namespace doze::gossip
