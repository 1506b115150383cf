// What peers ask of us and what we ask of them. BOLT 7, "Query Messages".
#include <algorithm>

#include "gossip/inside.h"
#include "wire/tlv.h"

namespace doze::gossip {

namespace {

constexpr std::uint64_t kQueryFlagsTlv = 1;
constexpr std::uint32_t kAllBlocks = 0xffffffff, kMaxBlock = 0xffffff;  // a short_channel_id has 24 bits for it
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

/// Whether the filter lets no earlier update of this channel through: its announcement goes in front of this one.
bool is_first(const graph::Channel& channel, std::uint8_t direction, const wire::GossipTimestampFilter& filter) {
  const auto &here = channel.directions[direction], &other = channel.directions[direction ^ 1];
  if (!other || !in_range(filter, other->timestamp)) return true;
  return std::pair(here->timestamp, direction) < std::pair(other->timestamp, std::uint8_t(direction ^ 1));
}

/// What a piece may still send, and look at.
struct Piece {
  explicit Piece(const Work& of, std::size_t most = kPieceMessages) : work(of), messages(most) {}
  const Work& work;
  std::size_t messages;
  std::size_t looks = kPieceLooks;
  std::uint64_t until = work.bytes + kPieceBytes;
  [[nodiscard]] bool sent_all() const { return messages == 0 || work.bytes >= until; }
  [[nodiscard]] bool full() const { return sent_all() || looks == 0; }
  void sent(std::size_t count = 1) { messages -= std::min(messages, count); }
  void looked(std::size_t count = 1) { looks -= std::min(looks, count); }
};

/// False: the piece is full.
bool send_updates(Work& work, const NodeId& to, PeerState& peer, Piece& piece) {
  const auto& graph = work.state.graph;
  const auto& filter = *peer.filter;
  auto at = graph.update_times().lower_bound(peer.backlog->update);
  for (; at != graph.update_times().end() && in_range(filter, at->timestamp); ++at) {
    peer.backlog->update = *at;
    if (piece.full()) return false;
    piece.looked();
    const auto& channel = *graph.channel(at->scid);
    if (channel.spent_at) continue;
    if (is_first(channel, at->direction, filter)) {
      work.send_raw(to, channel.raw);
      piece.sent();
    }
    work.send_raw(to, channel.directions[at->direction]->raw);
    piece.sent();
  }
  return true;
}

/// Behind the channels that make the nodes known.
bool send_nodes(Work& work, const NodeId& to, PeerState& peer, Piece& piece) {
  const auto& graph = work.state.graph;
  auto at = graph.node_times().lower_bound(*peer.backlog->node);
  for (; at != graph.node_times().end() && in_range(*peer.filter, at->timestamp); ++at) {
    peer.backlog->node = *at;
    if (piece.full()) return false;
    const auto& node = graph.node_at(at->node);
    bool known = std::any_of(node.channels.begin(), node.channels.end(), [&](ShortChannelId scid) {
      piece.looked();
      const auto& channel = *graph.channel(scid);
      return !channel.spent_at && (channel.directions[0] || channel.directions[1]);
    });
    if (!known) continue;
    work.send_raw(to, node.announced->raw);
    piece.sent();
  }
  return true;
}

void send_backlog(Work& work, const NodeId& to, PeerState& peer, Piece& piece) {
  if (!peer.backlog->node) {
    if (!send_updates(work, to, peer, piece)) return;
    peer.backlog->node = graph::NodeTime{peer.filter->first_timestamp, 0};
  }
  if (send_nodes(work, to, peer, piece)) peer.backlog.reset();
}

/// One reply_channel_range; the answer is over when all its blocks are answered.
void send_range(Work& work, const NodeId& to, PeerState& peer, Piece& piece) {
  auto& range = peer.ranges.front();
  std::vector<ShortChannelId> ids;
  bool last = true;
  if (range.chain_hash == work.chain()) {
    const auto& channels = work.state.graph.channels();
    for (auto at = channels.lower_bound(range.next); at != channels.end() && at->first.block() < range.end; ++at) {
      range.next = at->first;
      last = ids.size() < kIdsInReply;
      if (!last) break;
      if (!at->second.spent_at) ids.push_back(at->first);
    }
  }
  // A full reply ends before the next channel's block, or within it where one block fills more than a reply.
  auto end = last ? range.end : std::max<std::uint64_t>(range.next.block(), range.first + 1);
  auto encoded = wire::write_short_ids(ids);
  auto size = encoded.size() + 64;
  work.send_sized(to,
                  wire::ReplyChannelRange{range.chain_hash,
                                          static_cast<std::uint32_t>(range.first),
                                          static_cast<std::uint32_t>(end - range.first),
                                          std::uint8_t{last},
                                          std::move(encoded),
                                          {}},
                  size);
  piece.sent(1 + ids.size() / kIdsLikeAMessage);
  if (last)
    peer.ranges.erase(peer.ranges.begin());
  else
    range.first = range.next.block();
  if (peer.ranges.empty()) peer.ranges.shrink_to_fit();
}

std::size_t answer_for(Work& work, const NodeId& to, ShortChannelId scid, std::uint8_t flags, std::vector<bool>& sent) {
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
    auto index = *work.state.graph.index_of(node->node_id);
    if (index >= sent.size()) sent.resize(work.state.graph.slot_count());
    if (sent[index]) continue;
    sent[index] = true;
    say(node->announced->raw);
  }
  return count;
}

void end_answer(Work& work, const NodeId& to, PeerState& peer, bool complete) {
  peer.answer.reset();
  work.send(to, wire::ReplyShortChannelIdsEnd{work.chain(), std::uint8_t{complete}});
}

void send_answer(Work& work, const NodeId& to, PeerState& peer, Piece& piece) {
  auto& answer = *peer.answer;
  for (; answer.left() > 0; ++answer.next) {
    if (piece.full()) return;
    piece.looked();
    piece.sent(answer_for(work, to, answer.ids[answer.next], answer.flags[answer.next], answer.nodes_sent));
  }
  end_answer(work, to, peer, true);
  piece.sent();
}

/// The message as the graph has it now, if it is for this peer.
const Bytes* wanted_news(const graph::Graph& graph, const News& news, const NodeId& to, const PeerState& peer) {
  if (news.from == to || (news.from && !peer.filter)) return nullptr;
  auto wanted = [&](std::uint32_t timestamp) { return !news.from || in_range(*peer.filter, timestamp); };
  if (const auto* id = std::get_if<NodeId>(&news.of)) {
    const auto* node = graph.node(*id);
    return node != nullptr && node->announced && wanted(node->announced->timestamp) ? &node->announced->raw : nullptr;
  }
  auto [scid, part] = std::get<0>(news.of);
  const auto* channel = graph.channel(scid);
  if (channel == nullptr) return nullptr;
  if (part == ChannelPart::Announcement)
    return !news.from || has_update_for(*channel, *peer.filter) ? &channel->raw : nullptr;
  const auto& update = channel->directions[part == ChannelPart::Update1 ? 0 : 1];
  return update && wanted(update->timestamp) ? &update->raw : nullptr;
}

bool is_behind(const Gossip::Inside& state, const PeerState& peer) {
  return peer.news_from < state.next_news;
}

void send_news(Work& work, const NodeId& to, PeerState& peer, Piece& piece) {
  if (!is_behind(work.state, peer)) return;
  for (auto at = work.state.news.lower_bound(peer.news_from); at != work.state.news.end(); ++at) {
    const auto& [number, news] = *at;
    peer.news_from = number;
    const auto* raw = wanted_news(work.state.graph, news, to, peer);
    if (piece.looks == 0 || (raw != nullptr && piece.sent_all())) return;
    piece.looked();
    if (raw == nullptr) continue;
    work.send_raw(to, *raw);
    piece.sent();
  }
  peer.news_from = work.state.next_news;
}

/// Drops what every peer had.
void drop_old_news(Gossip::Inside& state) {
  auto least = state.next_news;
  for (const auto& [id, peer] : state.peers) least = std::min(least, peer.news_from);
  while (!state.news.empty() && state.news.begin()->first < least) {
    state.news_numbers.erase(state.news.begin()->second.of);
    state.news.erase(state.news.begin());
  }
}

/// News first: they are few, and what nobody waits for any more is dropped. Then answers: the peer waits for them.
void send_piece(Work& work, const NodeId& node, PeerState& peer) {
  auto before = work.bytes;
  Piece piece(work);
  peer.piece_at = after_ms(work.context.mono, kPieceWaitMs);
  send_news(work, node, peer, piece);
  while (!peer.ranges.empty() && !piece.full()) send_range(work, node, peer, piece);
  if (peer.answer)
    send_answer(work, node, peer, piece);
  else if (peer.backlog)
    send_backlog(work, node, peer, piece);
  work.state.sent_then += kPieceMessages - piece.messages;
  work.book(peer, before);
}

/// An unknown even record: the message is malformed. BOLT 1, "Type-Length-Value Format".
bool has_strange_tlvs(ByteView extra) {
  auto records = wire::parse_tlv_stream(extra);
  return !records ||
         std::any_of(records->begin(), records->end(), [&](const auto& record) { return record.type % 2 == 0; });
}

/// The query's flags, one per id; nullopt if they are malformed.
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

/// What a query asks for, ascending and each id once, whatever the peer wrote; nullopt if it is malformed.
std::optional<Answer> read_query(const wire::QueryShortChannelIds& query) {
  auto ids = wire::read_short_ids(query.encoded_short_ids);
  auto flags = ids && !has_strange_tlvs(query.extra_tlvs) ? read_flags(query, ids->size()) : std::nullopt;
  if (!flags) return std::nullopt;
  std::vector<std::pair<ShortChannelId, std::uint8_t>> wanted;
  for (std::size_t i = 0; i < ids->size(); ++i) wanted.emplace_back((*ids)[i], (*flags)[i]);
  std::sort(wanted.begin(), wanted.end());
  Answer answer;
  for (const auto& [id, flag] : wanted) {
    if (!answer.ids.empty() && answer.ids.back() == id) {
      answer.flags.back() |= flag;
      continue;
    }
    answer.ids.push_back(id);
    answer.flags.push_back(flag);
  }
  return answer;
}

/// Strangers that ask for too much together: who has most left gets no more.
void limit_answers(Work& work) {
  auto& peers = work.state.peers;
  auto left = [](const PeerState& peer) { return peer.stranger && peer.answer ? peer.answer->left() : 0; };
  for (;;) {
    std::size_t in_all = 0;
    auto largest = peers.begin();
    for (auto at = peers.begin(); at != peers.end(); ++at) {
      in_all += left(at->second);
      if (left(at->second) > left(largest->second)) largest = at;
    }
    if (in_all <= kMaxIdsOfStrangers) return;
    end_answer(work, largest->first, largest->second, false);
  }
}

/// The room for what is wanted of one kind of peers, while one list is taken in. Where it is full the peer that had the
/// longest list of them when it came makes room.
class WantedRoom {
 public:
  WantedRoom(Work& work, PeerState& newcomer) : newcomer_(newcomer) {
    for (auto& [id, peer] : work.state.peers) {
      if (peer.stranger != newcomer.stranger) continue;
      in_kind_ += peer.wanted.size();
      if (&peer != &newcomer && (largest_ == nullptr || peer.wanted.size() > largest_->wanted.size())) largest_ = &peer;
    }
  }
  /// False: no room.
  bool add(ShortChannelId scid) {
    if (newcomer_.wanted.contains(scid)) return true;
    if (in_kind_ >= kMaxWantedOfKind && !take_one()) return false;
    newcomer_.wanted.insert(scid);
    ++in_kind_;
    return true;
  }

 private:
  bool take_one() {
    if (largest_ == nullptr || largest_->wanted.size() <= newcomer_.wanted.size() + 1) return false;
    largest_->wanted.erase(std::prev(largest_->wanted.end()));
    largest_->cut = true;
    --in_kind_;
    return true;
  }
  PeerState& newcomer_;
  PeerState* largest_ = nullptr;
  std::size_t in_kind_ = 0;
};

void ask_for_list(Work& work, const NodeId& node, PeerState& peer) {
  work.send(node, wire::QueryChannelRange{work.chain(), 0, kAllBlocks, {}});
  peer.range_asked = true;
  peer.list_asked_at = work.context.mono;
  peer.ids_named = 0;
  peer.cut = false;
}

}  // namespace

void Work::send_sized(const NodeId& node, wire::Message message, std::size_t size) {
  bytes += size;
  send(node, std::move(message));
}
void Work::send_raw(const NodeId& node, ByteView raw) {
  auto message = wire::decode(raw);
  LN_ASSERT(message.has_value());  // it was decoded before it was kept
  send_sized(node, *std::move(message), raw.size());
}
void Work::warn(const NodeId& node, const std::string& what) {
  send(node, wire::Warning{{}, to_bytes(bytes_of(what))});
}

bool Work::reads(const NodeId& node) const {
  auto view = context.views.peers.find(node);
  return view == context.views.peers.end() || !view->second.unread;
}

bool Work::may_send(const PeerState& peer) {
  if (context.mono >= after_ms(state.sent_since, kStepWaitMs)) {
    state.sent_since = context.mono;
    state.sent_then = 0;
  }
  return state.sent_then < kStepMessages && (!peer.stranger || context.mono >= strangers_next(state));
}

void Work::book(const PeerState& peer, std::uint64_t before) {
  if (!peer.stranger) return;
  auto from = std::max(state.strangers_full_at, context.mono);
  state.strangers_full_at = after_ms(from, (bytes - before) * 1000 / kStrangersBytesPerS);
}

MonoTime strangers_next(const Gossip::Inside& state) {
  constexpr auto kBurstMs = kStrangersBurstBytes * 1000 / kStrangersBytesPerS;
  auto full = state.strangers_full_at.value();
  return full < kBurstMs ? MonoTime() : MonoTime(full - kBurstMs);
}

void peer_ready(Work& work, const NodeId& node) {
  forget_waiting(work, node);
  auto& peer = work.state.peers[node] = PeerState{};
  peer.piece_at = work.context.mono;
  peer.stranger = !work.context.views.is_client(node);
  peer.news_from = work.state.next_news;
  auto view = work.context.views.peers.find(node);
  if (view != work.context.views.peers.end() && !view->second.features.supports(wire::kGossipQueries)) return;
  work.send(node, wire::GossipTimestampFilter{work.chain(), 0, 0xffffffff});
  ask_for_list(work, node, peer);
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
  for (auto& [id, peer] : state.peers) {
    auto before = work.bytes;
    Piece piece(work, work.may_send(peer) && work.reads(id) ? 1 : 0);
    send_news(work, id, peer, piece);
    if (work.bytes != before) ++state.sent_then;
    work.book(peer, before);
  }
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
  return peer.answer || peer.backlog || !peer.ranges.empty() || is_behind(state, peer);
}

void serve(Work& work) {
  auto& peers = work.state.peers;
  auto at = peers.upper_bound(work.state.served_last);
  for (auto left = peers.size(); left > 0; --left, ++at) {
    if (at == peers.end()) at = peers.begin();
    auto& [id, peer] = *at;
    if (!has_more(work.state, peer) || work.context.mono < peer.piece_at || !work.may_send(peer)) continue;
    // A link slower than a piece in kPieceWaitMs takes the next one when it has read the last.
    if (!work.reads(id)) {
      peer.piece_at = after_ms(work.context.mono, kPieceWaitMs);
      continue;
    }
    work.state.served_last = id;
    send_piece(work, id, peer);
  }
  drop_old_news(work.state);
}

void received(Work& work, const NodeId& from, const wire::GossipTimestampFilter& message) {
  auto& peer = work.state.peers[from];
  if (has_strange_tlvs(message.extra_tlvs)) return work.warn(from, "malformed gossip_timestamp_filter");
  if (message.chain_hash != work.chain()) return;
  peer.filter = message;
  peer.backlog = Backlog{.update = {message.first_timestamp, ShortChannelId(0), 0}, .node = std::nullopt};
  serve(work);
}

void received(Work& work, const NodeId& from, const wire::QueryShortChannelIds& message) {
  auto& peer = work.state.peers[from];
  if (message.chain_hash != work.chain()) return work.send(from, wire::ReplyShortChannelIdsEnd{message.chain_hash, 0});
  if (peer.answer) return work.warn(from, "query_short_channel_ids before the end of the last answer");
  auto answer = read_query(message);
  if (!answer) return work.warn(from, "malformed query_short_channel_ids");
  peer.answer = std::move(answer);
  limit_answers(work);
  serve(work);
}

void received(Work& work, const NodeId& from, const wire::QueryChannelRange& message) {
  auto& peer = work.state.peers[from];
  if (has_strange_tlvs(message.extra_tlvs)) return work.warn(from, "malformed query_channel_range");
  if (peer.ranges.size() >= kMaxRangesWaiting)
    return work.warn(from, "query_channel_range: " + std::to_string(kMaxRangesWaiting) + " wait for their answers");
  std::uint64_t first = message.first_blocknum;
  // Others reckon with 32 bits.
  auto end = std::min(first + message.number_of_blocks, std::max<std::uint64_t>(kAllBlocks, first + 1));
  auto next = first <= kMaxBlock ? ShortChannelId::of(message.first_blocknum, 0, 0) : ShortChannelId(UINT64_MAX);
  peer.ranges.push_back(RangeAnswer{message.chain_hash, first, end, next});
  serve(work);
}

void received(Work& work, const NodeId& from, const wire::ReplyChannelRange& message) {
  auto& peer = work.state.peers[from];
  auto ids = wire::read_short_ids(message.encoded_short_ids);
  if (!ids || has_strange_tlvs(message.extra_tlvs)) return work.warn(from, "malformed reply_channel_range");
  if (message.chain_hash != work.chain()) return;
  if (!peer.range_asked) return;  // nobody asked, or that was the end
  peer.range_asked = std::uint64_t{message.first_blocknum} + message.number_of_blocks < kAllBlocks;
  WantedRoom room(work, peer);
  for (auto scid : *ids) {
    if (++peer.ids_named > kMaxWanted) break;
    if (work.state.graph.channel(scid) != nullptr || work.state.missing.contains(scid)) continue;
    if (!room.add(scid)) {
      peer.cut = true;
      break;
    }
  }
  ask(work, from, peer);
}

void received(Work& work, const NodeId& from, const wire::ReplyShortChannelIdsEnd& message) {
  auto& peer = work.state.peers[from];
  if (has_strange_tlvs(message.extra_tlvs)) return work.warn(from, "malformed reply_short_channel_ids_end");
  peer.asked = false;
  ask(work, from, peer);
}

void want_again(Work& work, PeerState& peer, ShortChannelId scid) {
  if (peer.stranger) return;
  if (peer.wanted.size() >= kMaxWanted || !WantedRoom(work, peer).add(scid)) peer.cut = true;
}

void ask(Work& work, const NodeId& node, PeerState& peer) {
  const auto& state = work.state;
  if (peer.asked) return;
  auto last_block = work.context.tip.value() + kMaxBlocksAhead;
  if (peer.wanted.empty() || peer.wanted.begin()->block() > last_block) {
    bool again = peer.cut && !peer.stranger && !peer.range_asked;
    if (again && work.context.mono >= after_ms(peer.list_asked_at, kListAgainMs)) ask_for_list(work, node, peer);
    return;
  }
  // Where the room of its kind is full, a peer with nothing in it is asked for as much as it gets in: who has most
  // there makes room.
  bool full = waiting_of_kind(state, peer.stranger) + kQueryBatch > kMaxWaitingOfKind;
  if (full && !peer.waiting.empty()) return;
  auto share = kMaxWaitingOfKind / state.peers.size();
  auto batch = full ? std::clamp<std::size_t>(share, 2, kQueryBatch) - 1 : kQueryBatch;
  std::vector<ShortChannelId> ids;
  while (ids.size() < batch && !peer.wanted.empty()) {
    auto scid = *peer.wanted.begin();
    if (scid.block() > last_block) break;  // they are in order
    peer.wanted.erase(peer.wanted.begin());
    // It may have come meanwhile, from this peer's backlog or from another peer. What strangers say may be invented.
    auto waiting = state.waiting.find(scid);
    bool came = waiting != state.waiting.end() && (peer.stranger || !waiting->second.stranger);
    if (state.graph.channel(scid) == nullptr && !came && !state.missing.contains(scid)) ids.push_back(scid);
  }
  if (ids.empty()) return;
  peer.asked = true;
  work.send(node, wire::QueryShortChannelIds{work.chain(), wire::write_short_ids(ids), {}});
}

}  // namespace doze::gossip
