// What peers ask of us and what we ask of them. BOLT 7, "Query Messages".
#include <algorithm>

#include "gossip/inside.h"
#include "wire/tlv.h"

namespace doze::gossip {

namespace {

constexpr std::uint64_t kQueryFlagsTlv = 1;
constexpr std::uint32_t kAllBlocks = 0xffffffff;
// query_flags: what is wanted of one channel.
constexpr std::uint8_t kWantsChannel = 1, kWantsUpdate1 = 2, kWantsUpdate2 = 4, kWantsNode1 = 8, kWantsNode2 = 16,
                       kWantsAll = 31;

bool in_range(const wire::GossipTimestampFilter& filter, std::uint32_t timestamp) {
  return timestamp >= filter.first_timestamp &&
         std::uint64_t{timestamp} < std::uint64_t{filter.first_timestamp} + filter.timestamp_range;
}

bool has_update_for(const graph::Channel& channel, const wire::GossipTimestampFilter& filter) {
  if (channel.spent_at) return false;
  for (const auto& direction : channel.directions)
    if (direction && in_range(filter, direction->timestamp)) return true;
  return false;
}

/// Whether this is the first channel of the backlog that makes the node known: its announcement follows here.
bool introduces(const graph::Graph& graph, const graph::Node& node, ShortChannelId scid,
                const wire::GossipTimestampFilter& filter) {
  for (auto other : node.channels) {
    if (other == scid) return true;
    if (has_update_for(*graph.channel(other), filter)) return false;
  }
  return false;
}

/// One channel of the backlog; gives how many messages that were.
std::size_t send_from_backlog(Work& work, const NodeId& to, const graph::Channel& channel,
                              const wire::GossipTimestampFilter& filter) {
  const auto& graph = work.state.graph;
  if (!has_update_for(channel, filter)) return 0;
  std::size_t count = 1;
  work.send_raw(to, channel.raw);
  for (const auto& direction : channel.directions)
    if (direction && in_range(filter, direction->timestamp)) {
      work.send_raw(to, direction->raw);
      ++count;
    }
  for (const auto& id : {channel.node_1, channel.node_2}) {
    const auto* node = graph.node(id);
    if (!node->announced || !in_range(filter, node->announced->timestamp)) continue;
    if (!introduces(graph, *node, channel.scid, filter)) continue;
    work.send_raw(to, node->announced->raw);
    ++count;
  }
  return count;
}

std::size_t send_backlog(Work& work, const NodeId& to, PeerState& peer, std::size_t most) {
  const auto& channels = work.state.graph.channels();
  std::size_t count = 0;
  auto at = channels.lower_bound(*peer.backlog);
  for (; at != channels.end() && count < most; ++at) count += send_from_backlog(work, to, at->second, *peer.filter);
  if (at == channels.end())
    peer.backlog.reset();
  else
    peer.backlog = at->first;
  return count;
}

std::size_t answer_for(Work& work, const NodeId& to, ShortChannelId scid, std::uint8_t flags, std::set<NodeId>& sent) {
  const auto* channel = work.state.graph.channel(scid);
  if (channel == nullptr || channel->spent_at) return 0;
  std::size_t count = 0;
  auto say = [&](ByteView raw) {
    work.send_raw(to, raw);
    ++count;
  };
  if (flags & kWantsChannel) say(channel->raw);
  if (flags & kWantsUpdate1 && channel->directions[0]) say(channel->directions[0]->raw);
  if (flags & kWantsUpdate2 && channel->directions[1]) say(channel->directions[1]->raw);
  for (std::uint8_t end : {0, 1}) {
    const auto* node = work.state.graph.node(channel->node(end));
    if (!(flags & (end == 0 ? kWantsNode1 : kWantsNode2)) || !node->announced) continue;
    if (sent.insert(node->node_id).second) say(node->announced->raw);
  }
  return count;
}

std::size_t send_answer(Work& work, const NodeId& to, PeerState& peer, std::size_t most) {
  auto& answer = *peer.answer;
  std::size_t count = 0;
  for (; answer.next < answer.ids.size() && count < most; ++answer.next)
    count += answer_for(work, to, answer.ids[answer.next], answer.flags[answer.next], answer.nodes_sent);
  if (answer.next < answer.ids.size()) return count;
  peer.answer.reset();
  work.send(to, wire::ReplyShortChannelIdsEnd{work.chain(), 1});
  return count + 1;
}

/// The message as the graph has it now, if the filter lets it through.
const Bytes* wanted_news(const graph::Graph& graph, const NewsOf& what, const wire::GossipTimestampFilter& filter) {
  if (const auto* id = std::get_if<NodeId>(&what)) {
    const auto* node = graph.node(*id);
    bool wanted = node != nullptr && node->announced && in_range(filter, node->announced->timestamp);
    return wanted ? &node->announced->raw : nullptr;
  }
  auto [scid, part] = std::get<0>(what);
  const auto* channel = graph.channel(scid);
  if (channel == nullptr) return nullptr;
  if (part == ChannelPart::Announcement) return has_update_for(*channel, filter) ? &channel->raw : nullptr;
  const auto& update = channel->directions[part == ChannelPart::Update1 ? 0 : 1];
  return update && in_range(filter, update->timestamp) ? &update->raw : nullptr;
}

bool is_behind(const Gossip::Inside& state, const PeerState& peer) {
  return peer.filter && peer.news_from < state.next_news;
}

std::size_t send_news(Work& work, const NodeId& to, PeerState& peer, std::size_t most) {
  if (!is_behind(work.state, peer)) return 0;
  std::size_t count = 0;
  for (auto at = work.state.news.lower_bound(peer.news_from); at != work.state.news.end(); ++at) {
    const auto& [number, news] = *at;
    const auto* raw = news.from == to ? nullptr : wanted_news(work.state.graph, news.of, *peer.filter);
    if (raw == nullptr) continue;
    peer.news_from = number;
    if (count == most) return count;
    work.send_raw(to, *raw);
    ++count;
  }
  peer.news_from = work.state.next_news;
  return count;
}

/// Drops what every peer had.
void drop_old_news(Gossip::Inside& state) {
  auto least = state.next_news;
  for (const auto& [id, peer] : state.peers)
    if (peer.filter) least = std::min(least, peer.news_from);
  while (!state.news.empty() && state.news.begin()->first < least) {
    state.news_numbers.erase(state.news.begin()->second.of);
    state.news.erase(state.news.begin());
  }
}

/// News first: they are few, and what nobody waits for any more is dropped. Then answers: the peer waits for them.
void send_piece(Work& work, const NodeId& node, PeerState& peer) {
  peer.piece_at = after_ms(work.context.mono, kPieceWaitMs);
  auto count = send_news(work, node, peer, kPieceMessages);
  if (peer.answer)
    count += send_answer(work, node, peer, kPieceMessages - count);
  else if (peer.backlog)
    count += send_backlog(work, node, peer, kPieceMessages - count);
  work.state.sent_then += count;
}

/// The query's flags, one an id; nullopt if they are malformed.
std::optional<std::vector<std::uint8_t>> read_flags(const wire::QueryShortChannelIds& query, std::size_t ids) {
  auto records = wire::parse_tlv_stream(query.extra_tlvs);
  if (!records) return std::nullopt;
  const auto* record = wire::find(*records, kQueryFlagsTlv);
  if (record == nullptr) return std::vector<std::uint8_t>(ids, kWantsAll);
  Reader in(record->value);
  if (in.u8() != 0) return std::nullopt;  // encoding: plain
  std::vector<std::uint8_t> out;
  while (in.ok() && in.remaining() > 0) out.push_back(static_cast<std::uint8_t>(wire::read_bigsize(in) & kWantsAll));
  if (!in.done() || out.size() != ids) return std::nullopt;
  return out;
}

std::size_t wanted_in_all(const Work& work) {
  std::size_t count = 0;
  for (const auto& [id, peer] : work.state.peers) count += peer.wanted.size();
  return count;
}

/// One place in the list of this peer, at the cost of the one with the longest. False: that is this one.
bool want_less(Work& work, const PeerState& newcomer) {
  auto& peers = work.state.peers;
  auto largest = std::max_element(peers.begin(), peers.end(), [](const auto& a, const auto& b) {
    return a.second.wanted.size() < b.second.wanted.size();
  });
  if (largest->second.wanted.size() <= newcomer.wanted.size() + 1) return false;
  largest->second.wanted.erase(std::prev(largest->second.wanted.end()));
  return true;
}

}  // namespace

void Work::send_raw(const NodeId& node, ByteView raw) {
  auto message = wire::decode(raw);
  LN_ASSERT(message.has_value());  // it was decoded before it was kept
  send(node, *std::move(message));
}
void Work::warn(const NodeId& node, const std::string& what) {
  send(node, wire::Warning{{}, to_bytes(bytes_of(what))});
}

bool Work::may_send() {
  if (context.mono >= after_ms(state.sent_since, kStepWaitMs)) {
    state.sent_since = context.mono;
    state.sent_then = 0;
  }
  return state.sent_then < kStepMessages;
}

void peer_ready(Work& work, const NodeId& node) {
  forget_waiting(work, node);
  auto& peer = work.state.peers[node] = PeerState{};
  peer.piece_at = work.context.mono;
  auto view = work.context.views.peers.find(node);
  if (view != work.context.views.peers.end() && !view->second.features.supports(wire::kGossipQueries)) return;
  work.send(node, wire::GossipTimestampFilter{work.chain(), 0, 0xffffffff});
  work.send(node, wire::QueryChannelRange{work.chain(), 0, kAllBlocks, {}});
  peer.range_asked = true;
}

void relay(Work& work, const NewsOf& what, const std::optional<NodeId>& from) {
  auto& state = work.state;
  drop_old_news(state);
  bool nobody_waits = state.news.empty();
  auto number = state.next_news++;
  auto [known, added] = state.news_numbers.try_emplace(what, number);
  if (!added) {
    state.news.erase(known->second);
    known->second = number;
  }
  state.news.emplace(number, News{what, from});
  if (!nobody_waits) return;
  for (auto& [id, peer] : state.peers) state.sent_then += send_news(work, id, peer, work.may_send() ? 1 : 0);
}

void relay_update(Work& work, const graph::UpdateApplied& applied, const std::optional<NodeId>& from) {
  const auto& channel = *work.state.graph.channel(applied.scid);
  NewsOf update = std::pair(applied.scid, applied.direction == 0 ? ChannelPart::Update1 : ChannelPart::Update2);
  if (applied.first && !channel.directions[applied.direction ^ 1]) {
    relay(work, std::pair(applied.scid, ChannelPart::Announcement), from);
    relay(work, update, from);
    for (const auto& id : {channel.node_1, channel.node_2})
      if (const auto* node = work.state.graph.node(id); node->announced && node->channels.size() == 1)
        relay(work, id, from);
    return;
  }
  relay(work, update, from);
}

bool has_more(const Gossip::Inside& state, const PeerState& peer) {
  return peer.answer || peer.backlog || is_behind(state, peer);
}

void serve(Work& work) {
  auto& peers = work.state.peers;
  auto at = peers.upper_bound(work.state.served_last);
  for (auto left = peers.size(); left > 0 && work.may_send(); --left, ++at) {
    if (at == peers.end()) at = peers.begin();
    auto& [id, peer] = *at;
    if (!has_more(work.state, peer) || work.context.mono < peer.piece_at) continue;
    work.state.served_last = id;
    send_piece(work, id, peer);
  }
  drop_old_news(work.state);
}

void received(Work& work, const NodeId& from, const wire::GossipTimestampFilter& message) {
  auto& peer = work.state.peers[from];
  if (message.chain_hash != work.chain()) return;
  peer.filter = message;
  peer.news_from = work.state.next_news;  // the backlog has them
  peer.backlog = ShortChannelId(0);
  serve(work);
}

void received(Work& work, const NodeId& from, const wire::QueryShortChannelIds& message) {
  auto& peer = work.state.peers[from];
  if (message.chain_hash != work.chain()) return work.send(from, wire::ReplyShortChannelIdsEnd{message.chain_hash, 0});
  if (peer.answer) return work.warn(from, "query_short_channel_ids before the end of the last answer");
  auto ids = wire::read_short_ids(message.encoded_short_ids);
  auto flags = ids ? read_flags(message, ids->size()) : std::nullopt;
  if (!ids || !flags) return work.warn(from, "malformed query_short_channel_ids");
  peer.answer = Answer{.ids = *std::move(ids), .flags = *std::move(flags)};
  serve(work);
}

void received(Work& work, const NodeId& from, const wire::QueryChannelRange& message) {
  auto& peer = work.state.peers[from];
  auto reply = [&](std::uint32_t first, std::uint64_t end, bool last, const std::vector<ShortChannelId>& ids) {
    work.send(from, wire::ReplyChannelRange{message.chain_hash,
                                            first,
                                            static_cast<std::uint32_t>(end - first),
                                            std::uint8_t{last},
                                            wire::write_short_ids(ids),
                                            {}});
  };
  std::uint64_t end = std::uint64_t{message.first_blocknum} + message.number_of_blocks;
  if (end > 0xffffffff) end = 0xffffffff;
  if (peer.range_answers >= kMaxRangeAnswers) return;
  if (message.chain_hash != work.chain()) return reply(message.first_blocknum, end, true, {});
  std::vector<ShortChannelId> ids;
  auto first = message.first_blocknum;
  for (const auto& [scid, channel] : work.state.graph.channels()) {
    if (scid.block() < first || scid.block() >= end || channel.spent_at) continue;
    // A full reply ends before this channel's block, or within it where one block fills more than a reply.
    if (ids.size() == kIdsInReply) {
      reply(first, std::max<std::uint64_t>(scid.block(), std::uint64_t{first} + 1), false, ids);
      ++peer.range_answers;
      first = scid.block();
      ids.clear();
    }
    ids.push_back(scid);
  }
  ++peer.range_answers;
  reply(first, end, true, ids);
}

void received(Work& work, const NodeId& from, const wire::ReplyChannelRange& message) {
  auto& peer = work.state.peers[from];
  auto ids = wire::read_short_ids(message.encoded_short_ids);
  if (message.chain_hash != work.chain() || !ids) return;
  if (!peer.range_asked) return;  // nobody asked, or that was the end
  peer.range_asked = std::uint64_t{message.first_blocknum} + message.number_of_blocks < kAllBlocks;
  auto in_all = wanted_in_all(work);
  for (auto scid : *ids) {
    if (++peer.ids_named > kMaxWanted) break;
    if (work.state.graph.channel(scid) != nullptr || work.state.missing.contains(scid)) continue;
    if (in_all >= kMaxWantedInAll && !want_less(work, peer)) break;
    in_all += peer.wanted.insert(scid).second ? 1 : 0;
  }
  ask(work, from, peer);
}

void received(Work& work, const NodeId& from, const wire::ReplyShortChannelIdsEnd&) {
  auto& peer = work.state.peers[from];
  peer.asked = false;
  ask(work, from, peer);
}

void ask(Work& work, const NodeId& node, PeerState& peer) {
  if (peer.asked || peer.wanted.empty() || peer.waiting.size() + kQueryBatch > kMaxWaitingOfPeer) return;
  std::vector<ShortChannelId> ids;
  while (ids.size() < kQueryBatch && !peer.wanted.empty()) {
    auto scid = *peer.wanted.begin();
    peer.wanted.erase(peer.wanted.begin());
    // It may have come meanwhile, from this peer's backlog or from another peer.
    const auto& state = work.state;
    if (state.graph.channel(scid) == nullptr && !state.waiting.contains(scid) && !state.missing.contains(scid))
      ids.push_back(scid);
  }
  if (ids.empty()) return;
  peer.asked = true;
  work.send(node, wire::QueryShortChannelIds{work.chain(), wire::write_short_ids(ids), {}});
}

}  // namespace doze::gossip
