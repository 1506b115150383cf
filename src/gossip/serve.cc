// What peers ask of us, and what we ask of them. BOLT 7, "Query Messages".
#include <algorithm>

#include "gossip/inside.h"
#include "wire/tlv.h"

namespace doze::gossip {
namespace {

bool wants(const PeerState& peer, std::uint32_t timestamp) {
  if (!peer.filter) return false;
  auto first = peer.filter->first_timestamp;
  return timestamp >= first && timestamp - first < peer.filter->timestamp_range;
}

/// The channel, its updates and its nodes.
void send_channel(Work& work, const NodeId& to, const graph::Channel& channel, std::set<NodeId>& nodes_sent) {
  work.send_raw(to, channel.raw);
  for (const auto& direction : channel.directions)
    if (direction) work.send_raw(to, direction->raw);
  for (const auto& id : {channel.node_1, channel.node_2}) {
    if (!nodes_sent.insert(id).second) continue;
    const auto* node = work.state.graph.node(id);
    if (node != nullptr && node->announced) work.send_raw(to, node->announced->raw);
  }
}

}  // namespace

void peer_ready(Work& work, const NodeId& node) {
  auto& peer = work.state.peers[node];
  peer = PeerState{};
  peer.piece_at = work.context.mono;
  auto view = work.context.views.peers.find(node);
  if (view == work.context.views.peers.end() || !view->second.features.supports(wire::kGossipQueries)) return;
  work.send(node, wire::GossipTimestampFilter{work.chain(), 0, UINT32_MAX});
  work.send(node, wire::QueryChannelRange{work.chain(), 0, UINT32_MAX, {}});
}

void received(Work& work, const NodeId& from, const wire::GossipTimestampFilter& m) {
  if (m.chain_hash != work.chain()) return;
  auto& peer = work.state.peers[from];
  peer.filter = m;
  peer.backlog = ShortChannelId(0);
  serve(work, from, peer);
}

void received(Work& work, const NodeId& from, const wire::QueryShortChannelIds& m) {
  auto& peer = work.state.peers[from];
  if (m.chain_hash != work.chain() || peer.answer) return;
  auto ids = wire::read_short_ids(m.encoded_short_ids);
  if (!ids) return work.warn(from, "query_short_channel_ids: the ids cannot be read");
  peer.answer = Answer{*std::move(ids), {}, 0, {}};
  serve(work, from, peer);
}

void received(Work& work, const NodeId& from, const wire::QueryChannelRange& m) {
  if (m.chain_hash != work.chain())
    return work.send(from, wire::ReplyChannelRange{
                               m.chain_hash, m.first_blocknum, m.number_of_blocks, 0, wire::write_short_ids({}), {}});
  auto& peer = work.state.peers[from];
  if (++peer.range_answers > kMaxRangeAnswers) return;
  std::uint64_t end = std::uint64_t{m.first_blocknum} + m.number_of_blocks;
  std::vector<ShortChannelId> all;
  for (const auto& [scid, channel] : work.state.graph.channels())
    if (scid.block() >= m.first_blocknum && scid.block() < end && !channel.spent_at) all.push_back(scid);
  // Pieces cover the range without gaps: each ends with the block of its last id.
  std::uint64_t first = m.first_blocknum;
  std::size_t at = 0;
  do {
    auto count = std::min(kIdsInReply, all.size() - at);
    bool last = at + count == all.size();
    std::vector<ShortChannelId> piece(all.begin() + static_cast<std::ptrdiff_t>(at),
                                      all.begin() + static_cast<std::ptrdiff_t>(at + count));
    std::uint64_t piece_end = last ? end : std::uint64_t{piece.back().block()} + 1;
    work.send(from, wire::ReplyChannelRange{
                        m.chain_hash,
                        static_cast<std::uint32_t>(first),
                        static_cast<std::uint32_t>(std::min<std::uint64_t>(piece_end - first, UINT32_MAX)),
                        static_cast<std::uint8_t>(last ? 1 : 0),
                        wire::write_short_ids(piece),
                        {}});
    // The next piece may name the same block again: its ids do not repeat.
    first = last ? piece_end : piece_end - 1;
    at += count;
  } while (at < all.size());
}

void received(Work& work, const NodeId& from, const wire::ReplyChannelRange& m) {
  if (m.chain_hash != work.chain()) return;
  auto ids = wire::read_short_ids(m.encoded_short_ids);
  if (!ids) return work.warn(from, "reply_channel_range: the ids cannot be read");
  auto& peer = work.state.peers[from];
  for (auto scid : *ids)
    if (peer.wanted.size() < kMaxWanted && work.state.graph.channel(scid) == nullptr) peer.wanted.push_back(scid);
  ask(work, from, peer);
}

void received(Work& work, const NodeId& from, const wire::ReplyShortChannelIdsEnd&) {
  auto& peer = work.state.peers[from];
  peer.asked = false;
  ask(work, from, peer);
}

void ask(Work& work, const NodeId& node, PeerState& peer) {
  if (peer.asked || work.state.waiting.size() >= kMaxWaiting) return;
  std::vector<ShortChannelId> ids;
  while (!peer.wanted.empty() && ids.size() < kQueryBatch) {
    auto scid = peer.wanted.front();
    peer.wanted.pop_front();
    if (work.state.graph.channel(scid) == nullptr && !work.state.waiting.contains(scid)) ids.push_back(scid);
  }
  if (ids.empty()) return;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  peer.asked = true;
  work.send(node, wire::QueryShortChannelIds{work.chain(), wire::write_short_ids(ids), {}});
}

void relay(Work& work, std::uint32_t timestamp, ByteView raw, const std::optional<NodeId>& from) {
  for (const auto& [id, peer] : work.state.peers)
    if (wants(peer, timestamp) && id != from) work.send_raw(id, raw);
}

void relay_update(Work& work, const graph::UpdateApplied& applied, const std::optional<NodeId>& from) {
  const auto* channel = work.state.graph.channel(applied.scid);
  if (channel == nullptr || !channel->directions[applied.direction]) return;
  const auto& update = *channel->directions[applied.direction];
  for (const auto& [id, peer] : work.state.peers) {
    if (!wants(peer, update.timestamp) || id == from) continue;
    if (applied.first) work.send_raw(id, channel->raw);
    work.send_raw(id, update.raw);
  }
}

void serve(Work& work, const NodeId& node, PeerState& peer) {
  if (work.context.mono < peer.piece_at) return;
  std::size_t sent = 0;
  if (peer.answer) {
    auto& answer = *peer.answer;
    while (answer.next < answer.ids.size() && sent < kPieceMessages) {
      if (const auto* channel = work.state.graph.channel(answer.ids[answer.next++])) {
        send_channel(work, node, *channel, answer.nodes_sent);
        sent += 5;
      }
    }
    if (answer.next == answer.ids.size()) {
      work.send(node, wire::ReplyShortChannelIdsEnd{work.chain(), 1});
      peer.answer.reset();
    }
  }
  if (peer.backlog && sent < kPieceMessages) {
    std::set<NodeId> nodes_sent;
    auto it = work.state.graph.channels().lower_bound(*peer.backlog);
    for (; it != work.state.graph.channels().end() && sent < kPieceMessages; ++it) {
      if (it->second.spent_at) continue;
      bool newer = std::any_of(it->second.directions.begin(), it->second.directions.end(),
                               [&](const auto& direction) { return direction && wants(peer, direction->timestamp); });
      if (!newer) continue;
      send_channel(work, node, it->second, nodes_sent);
      sent += 5;
    }
    if (it == work.state.graph.channels().end())
      peer.backlog.reset();
    else
      peer.backlog = it->first;
  }
  if (peer.answer || peer.backlog) peer.piece_at = after_ms(work.context.mono, kPieceWaitMs);
}

}  // namespace doze::gossip
