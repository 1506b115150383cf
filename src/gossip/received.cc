// What others say: checked, looked up, inserted, stored, relayed.
#include <algorithm>

#include "crypto/crypto.h"
#include "gossip/inside.h"
#include "graph/verify.h"

namespace doze::gossip {

namespace {

bool too_far_ahead(const Work& work, std::uint32_t timestamp) {
  return std::uint64_t{timestamp} > work.context.wall.value() + kMaxFutureS;
}
/// BOLT 7: a channel without a newer update is about to be pruned anyway.
bool too_old(const Work& work, std::uint32_t timestamp) {
  return work.context.wall.value() > std::uint64_t{timestamp} + graph::kStaleAfterS;
}

bool has_two_dns_names(const wire::NodeAnnouncement& message) {
  return std::count_if(message.addresses.begin(), message.addresses.end(), [](const wire::NetworkAddress& address) {
           return std::holds_alternative<std::string>(address.host);
         }) > 1;
}

/// Our channel with this peer under any of its names: the peer should use our alias or the real scid.
const ChannelView* own_channel(const Work& work, const NodeId& peer, ShortChannelId scid) {
  for (const auto* channel : work.context.views.channels_with(peer))
    if (channel->scid == scid || channel->local_alias == scid || channel->remote_alias == scid) return channel;
  return nullptr;
}

/// The peer's terms for its direction of our channel. They count whether or not the channel is public.
void peer_update(Work& work, const ChannelView& channel, const wire::ChannelUpdate& message) {
  std::uint8_t theirs = channel.peer < work.self() ? 0 : 1;
  if ((message.channel_flags & 1) != theirs) return;
  auto& known = work.state.own_updates[channel.channel_id].remote;
  if (known && message.timestamp <= known->timestamp) return;
  if (!graph::verify_channel_update(message, message.raw, channel.peer)) {
    return blame(work, channel.peer, "channel_update with a wrong signature");
  }
  known = message;
  work.state.policies[channel.channel_id].remote = policy_of(message);
  auto& rate = work.state.own_updates[channel.channel_id].remote_rate;
  if (rate.take(work.context.mono)) save_policy(work, channel.channel_id, Side::Remote, message.raw);
}

/// Whether it has just come from this peer, or waited, and may be of anybody: then nobody is at fault.
enum class Told : std::uint8_t { Now, Before };

/// A channel_update for a channel of the graph, its signature not yet checked.
void update_graph(Work& work, const NodeId& from, const graph::Channel& channel, const wire::ChannelUpdate& message,
                  Told told) {
  std::uint8_t direction = message.channel_flags & 1;
  const auto& held = channel.directions[direction];
  if (channel.node(direction) == work.self()) return;        // only we say that, and we know what we said
  if (held && message.timestamp <= held->timestamp) return;  // cheaper than a signature
  if (!graph::verify_channel_update(message, message.raw, channel.node(direction))) {
    if (told == Told::Now) blame(work, from, "channel_update with a wrong signature");
    return;
  }
  auto applied = work.state.graph.apply(message, message.raw);
  if (!applied || !work.state.update_rates[{applied->scid, direction}].take(work.context.mono)) return;
  save_update(work, applied->scid, direction, message.raw);
  relay_update(work, *applied, from);
}

void update_node(Work& work, const NodeId& from, const graph::Node& node, const wire::NodeAnnouncement& message,
                 Told told) {
  if (node.announced && message.timestamp <= node.announced->timestamp) return;
  if (!graph::verify_node_announcement(message, message.raw)) {
    if (told == Told::Now) blame(work, from, "node_announcement with a wrong signature");
    return;
  }
  if (!apply_node(work.state.graph, message)) return;
  if (!work.state.node_rates[message.node_id].take(work.context.mono)) return;
  save_node(work, message.node_id, message.raw);
  relay(work, message.node_id, from);
}

/// 0 or 1: which end of the waiting channel the node is.
std::size_t end_of(const Waiting& waiting, const NodeId& node) {
  return waiting.ends[0] == node ? 0 : 1;
}

/// Keeps it if it is newer than what is kept and there is room.
void keep(Waiting& waiting, Kept& kept, std::uint32_t timestamp, const Bytes& raw) {
  if (!kept.raw.empty() && kept.timestamp >= timestamp) return;
  if (waiting.bytes() - kept.raw.size() + raw.size() > kMaxWaitingBytes) return;
  kept = Kept{timestamp, raw};
}

/// Larger than real ones: not taken, and its teller is told why. It may only pass on what others signed.
bool is_too_large(Work& work, const NodeId& from, const char* what, std::size_t size, std::size_t most) {
  if (size <= most) return false;
  work.warn(from, std::string(what) + " of " + std::to_string(size) + " bytes: more than " + std::to_string(most) +
                      " are not taken");
  return true;
}

/// Takes an announcement off the list of those that wait.
std::optional<Waiting> take_waiting(Work& work, ShortChannelId scid) {
  auto found = work.state.waiting.extract(scid);
  if (found.empty()) return std::nullopt;
  if (found.mapped().stranger) --work.state.waiting_of_strangers;
  work.state.rivals -= found.mapped().rivals.size();
  for (const auto& node : found.mapped().ends) {
    auto at = work.state.waiting_nodes.find(node);
    at->second.erase(scid);
    if (at->second.empty()) work.state.waiting_nodes.erase(at);
  }
  return std::move(found.mapped());
}

/// The same, and its rivals are not tried either: who has told of them is asked again.
std::optional<Waiting> take_untried(Work& work, ShortChannelId scid) {
  auto out = take_waiting(work, scid);
  if (!out) return out;
  for (const auto& rival : out->rivals)
    if (auto peer = work.state.peers.find(rival.from); peer != work.state.peers.end())
      want_again(work, peer->second, scid);
  return out;
}

/// A place for an announcement of this peer, at the cost of the peer of its kind that has most waiting.
bool make_room(Work& work, const PeerState& newcomer) {
  auto& peers = work.state.peers;
  auto count = [&](const PeerState& peer) { return peer.stranger == newcomer.stranger ? peer.waiting.size() : 0; };
  auto largest = std::max_element(peers.begin(), peers.end(),
                                  [&](const auto& a, const auto& b) { return count(a.second) < count(b.second); });
  if (count(largest->second) <= newcomer.waiting.size() + 1) return false;
  auto last = *std::prev(largest->second.waiting.end());
  (void)take_untried(work, last);
  largest->second.waiting.erase(last);
  want_again(work, largest->second, last);
  return true;
}

/// The same announcement has come before, from whomever.
bool is_repeated(const Waiting& waiting, const wire::ChannelAnnouncement& message) {
  return waiting.announcement == message.raw ||
         std::ranges::any_of(waiting.rivals, [&](const Rival& rival) { return rival.announcement == message.raw; });
}

/// Goes first, in the peer's own turn: a peer with a channel says otherwise than a stranger before it, whose turn may
/// be far.
bool goes_first(const Waiting& waiting, const PeerState& teller) {
  return !teller.stranger && waiting.stranger && !waiting.asked;
}

/// Whether another announcement by this peer finds a place: free, or a stranger's.
bool may_be_rival(const Gossip::Inside& state, const Waiting& waiting, const NodeId& from, bool stranger) {
  auto of_this = [&](const Rival& rival) { return rival.from == from; };
  auto gives_way = [&](const Rival& rival) { return rival.stranger && !stranger; };
  if (waiting.from == from || std::ranges::any_of(waiting.rivals, of_this)) return false;
  bool room = waiting.rivals.size() < kMaxRivals && state.rivals < kMaxRivalsInAll;
  return room || std::ranges::any_of(waiting.rivals, gives_way);
}

void add_rival(Gossip::Inside& state, Waiting& waiting, Rival rival) {
  if (waiting.rivals.size() < kMaxRivals && state.rivals < kMaxRivalsInAll) {
    ++state.rivals;
    waiting.rivals.push_back(std::move(rival));
    return;
  }
  auto place = std::ranges::find_if(waiting.rivals, &Rival::stranger);
  if (place != waiting.rivals.end()) *place = std::move(rival);
}

/// Takes what strangers have said of this scid off the list, to be tried behind what a peer with a channel says.
std::vector<Rival> take_strangers(Work& work, ShortChannelId scid) {
  auto waiting = take_waiting(work, scid);
  if (auto peer = work.state.peers.find(waiting->from); peer != work.state.peers.end())
    peer->second.waiting.erase(scid);
  auto out = std::move(waiting->rivals);
  if (out.size() < kMaxRivals && work.state.rivals + out.size() < kMaxRivalsInAll)
    out.push_back({std::move(waiting->announcement), waiting->from, true});
  return out;
}

bool is_far_ahead(const Work& work, ShortChannelId scid) {
  return scid.block() > std::uint64_t{work.context.tip.value()} + kMaxBlocksAhead;
}

/// Who announces outputs that are not there is no longer listened to. A peer that is ahead of us is not at fault.
void judge(Work& work, const NodeId& from, ShortChannelId scid, bool right) {
  auto peer = work.state.peers.find(from);
  if (peer == work.state.peers.end() || scid.block() > work.context.tip.value()) return;
  auto& bogus = peer->second.bogus;
  if (right) {
    if (bogus > 0 && bogus < kMaxBogus) --bogus;
  } else if (bogus < kMaxBogus && ++bogus == kMaxBogus) {
    forget_waiting(work, from);
    work.warn(from, "too many channel_announcements without their funding output");
    work.effects.push_back(Notify{Severity::Warning, "gossip_ignored", {{"from", from.hex()}}});
  }
}

}  // namespace

std::size_t Waiting::bytes() const {
  auto count = announcement.size();
  for (const auto* kept : {&updates[0], &updates[1], &nodes[0], &nodes[1]}) count += kept->raw.size();
  return count;
}

bool is_heard(const Work& work, const NodeId& peer) {
  auto known = work.state.peers.find(peer);
  return known == work.state.peers.end() || known->second.wrong_signatures < kMaxWrongSignatures;
}

/// BOLT 7 would close the connection at once; a peer that relays what it did not check may have a channel with us.
void blame(Work& work, const NodeId& from, const std::string& what) {
  auto peer = work.state.peers.find(from);
  if (peer == work.state.peers.end()) return;  // it went while its announcement was looked up
  work.warn(from, what);
  if (++peer->second.wrong_signatures < kMaxWrongSignatures) return;
  if (peer->second.stranger)
    work.effects.push_back(DropPeer{from, "too many wrong signatures in gossip"});
  else
    work.effects.push_back(Notify{Severity::Warning, "gossip_ignored", {{"from", from.hex()}}});
}

bool Rate::take(MonoTime now) {
  auto from = std::max(even, now);
  if (from > after_ms(now, (kNewsBurst - 1) * kNewsEveryMs)) return false;
  even = after_ms(from, kNewsEveryMs);
  return true;
}

void received(Work& work, const NodeId& from, const wire::ChannelAnnouncement& message) {
  auto& state = work.state;
  auto scid = message.short_channel_id;
  if (message.chain_hash != work.chain() || message.node_id_1 >= message.node_id_2 || !is_heard(work, from)) return;
  if (is_too_large(work, from, "channel_announcement", message.raw.size(), kMaxAnnouncementBytes)) return;
  if (state.graph.channel(scid) != nullptr || state.missing.contains(scid)) return;
  auto& peer = state.peers.at(from);
  if (is_far_ahead(work, scid)) return want_again(work, peer, scid);
  if (peer.bogus >= kMaxBogus || state.graph.channels().size() >= graph::kMaxChannels) return;
  if (peer.waiting.size() >= kMaxWaitingOfPeer) return want_again(work, peer, scid);
  auto known = state.waiting.find(scid);
  bool waits = known != state.waiting.end(), first = !waits || goes_first(known->second, peer);
  if (waits && is_repeated(known->second, message)) return;
  if (!first && !may_be_rival(state, known->second, from, peer.stranger)) {
    peer.cut = true;  // its list is asked for again, a minute later at the earliest
    return;
  }
  if (!graph::verify_channel_announcement(message, message.raw)) {
    return blame(work, from, "channel_announcement with a wrong signature");
  }
  if (!first) return add_rival(state, known->second, Rival{message.raw, from, peer.stranger});
  auto rivals = waits ? take_strangers(work, scid) : std::vector<Rival>{};
  if (waiting_of_kind(state, peer.stranger) >= kMaxWaitingOfKind && !make_room(work, peer))
    return want_again(work, peer, scid);
  state.rivals += rivals.size();
  state.waiting.emplace(scid, Waiting{.announcement = message.raw,
                                      .ends = {message.node_id_1, message.node_id_2},
                                      .from = from,
                                      .updates = {},
                                      .nodes = {},
                                      .rivals = std::move(rivals),
                                      .stranger = peer.stranger,
                                      .since = work.context.mono});
  if (peer.stranger) ++state.waiting_of_strangers;
  for (const auto& node : {message.node_id_1, message.node_id_2}) state.waiting_nodes[node].insert(scid);
  peer.waiting.insert(scid);
  look_up_next(work);
}

std::size_t waiting_of_kind(const Gossip::Inside& state, bool strangers) {
  return strangers ? state.waiting_of_strangers : state.waiting.size() - state.waiting_of_strangers;
}

namespace {

/// The peer of this kind whose turn it is to have an output looked up; end(): none of them has one that is deep enough.
auto next_to_look_up(Work& work, bool strangers) {
  auto& peers = work.state.peers;
  // The oldest is in front: where it is not deep enough the others are not.
  auto has_some = [&](const auto& entry) {
    const auto& scids = entry.second.waiting;
    return entry.second.stranger == strangers && !scids.empty() &&
           scids.begin()->block() + kDeepEnough <= work.context.tip.value() + 1;
  };
  auto last = peers.upper_bound(work.state.looked_up_last[strangers ? 1 : 0]);
  auto next = std::find_if(last, peers.end(), has_some);
  if (next != peers.end()) return next;
  next = std::find_if(peers.begin(), last, has_some);
  return next == last ? peers.end() : next;
}

}  // namespace

void look_up_next(Work& work) {
  auto& state = work.state;
  while (state.look_ups < kMaxLookUps) {
    auto next = next_to_look_up(work, state.strangers_turn);
    if (next == state.peers.end()) next = next_to_look_up(work, !state.strangers_turn);
    if (next == state.peers.end()) return;
    bool stranger = next->second.stranger;
    state.strangers_turn = !stranger;
    state.looked_up_last[stranger ? 1 : 0] = next->first;
    auto scid = *next->second.waiting.begin();
    next->second.waiting.erase(next->second.waiting.begin());
    state.waiting.at(scid).asked = true;
    ++state.look_ups;
    work.effects.push_back(LookUpOutput{scid});
  }
}

void forget_waiting(Work& work, const NodeId& peer) {
  auto found = work.state.peers.find(peer);
  if (found == work.state.peers.end()) return;
  for (auto scid : std::exchange(found->second.waiting, {})) (void)take_untried(work, scid);
}

void forget_old_waiting(Work& work) {
  std::vector<ShortChannelId> old;
  for (const auto& [scid, waiting] : work.state.waiting)
    if (!waiting.asked && work.context.mono >= after_ms(waiting.since, kMaxWaitingMs)) old.push_back(scid);
  for (auto scid : old) {
    auto& peer = work.state.peers.at(take_untried(work, scid)->from);
    peer.waiting.erase(scid);
    want_again(work, peer, scid);
  }
}

void now_familiar(Work& work, const NodeId& node) {
  auto peer = work.state.peers.find(node);
  if (peer == work.state.peers.end() || !std::exchange(peer->second.stranger, false)) return;
  for (auto scid : peer->second.waiting) {
    work.state.waiting.at(scid).stranger = false;
    --work.state.waiting_of_strangers;
  }
}

namespace {

/// False: it is not the announcement of this output.
bool add_if_right(Work& work, const OutputLookedUp& in, ByteView raw) {
  auto announcement = decode_kept<wire::ChannelAnnouncement>(raw);
  auto script = funding_script_pubkey(announcement);
  if (!in.output || in.output->script_pubkey != script) return false;
  auto& graph = work.state.graph;
  if (graph.add_channel(announcement, announcement.raw, in.output->amount, work.context.wall)) {
    watch_funding(work, announcement);
    save_channel(work, *graph.channel(in.scid));
  }
  return true;
}

/// Nothing is known of what they have told, and nobody is at fault.
void ask_for_lists_again(Work& work, const std::vector<Rival>& told) {
  for (const auto& one : told)
    if (auto peer = work.state.peers.find(one.from); peer != work.state.peers.end()) peer->second.cut = true;
}

}  // namespace

void looked_up(Work& work, const OutputLookedUp& in) {
  auto known = work.state.waiting.find(in.scid);
  if (known == work.state.waiting.end() || !known->second.asked) return;
  auto waiting = take_waiting(work, in.scid);
  --work.state.look_ups;
  auto told = std::move(waiting->rivals);
  told.insert(told.begin(), {std::move(waiting->announcement), waiting->from, waiting->stranger});
  if (in.unanswered) {
    ask_for_lists_again(work, told);
  } else {
    auto& missing = work.state.missing;
    bool ahead = in.scid.block() > work.context.tip.value();
    if (!in.output && !ahead && missing.size() < kMaxMissing) missing.insert(in.scid);
    for (const auto& one : told) judge(work, one.from, in.scid, add_if_right(work, in, one.announcement));
  }
  // Our own channel may have become known while its echo waited.
  if (const auto* channel = work.state.graph.channel(in.scid))
    for (const auto& update : waiting->updates)
      if (!update.raw.empty())
        update_graph(work, waiting->from, *channel, decode_kept<wire::ChannelUpdate>(update.raw), Told::Before);
  // A node may also have become known through another channel.
  for (const auto& kept : waiting->nodes) {
    if (kept.raw.empty()) continue;
    auto message = decode_kept<wire::NodeAnnouncement>(kept.raw);
    if (const auto* node = work.state.graph.node(message.node_id))
      update_node(work, waiting->from, *node, message, Told::Before);
  }
  announce_self(work);
  look_up_next(work);
  for (auto& [id, peer] : work.state.peers) ask(work, id, peer);
}

void received(Work& work, const NodeId& from, const wire::ChannelUpdate& message) {
  auto scid = message.short_channel_id;
  if (message.chain_hash != work.chain() || !is_heard(work, from)) return;
  if (is_too_large(work, from, "channel_update", message.raw.size(), kMaxUpdateBytes)) return;
  if (too_far_ahead(work, message.timestamp)) return;
  if (const auto* own = own_channel(work, from, scid)) peer_update(work, *own, message);
  if (too_old(work, message.timestamp)) return;
  if (const auto* channel = work.state.graph.channel(scid))
    return update_graph(work, from, *channel, message, Told::Now);
  auto waiting = work.state.waiting.find(scid);
  if (waiting == work.state.waiting.end()) return;
  keep(waiting->second, waiting->second.updates[message.channel_flags & 1], message.timestamp, message.raw);
}

void received(Work& work, const NodeId& from, const wire::NodeAnnouncement& message) {
  if (message.node_id == work.self() || too_far_ahead(work, message.timestamp) || !is_heard(work, from)) return;
  if (is_too_large(work, from, "node_announcement", message.raw.size(), kMaxNodeBytes)) return;
  if (has_two_dns_names(message)) return;  // BOLT 7: not to be forwarded
  if (const auto* node = work.state.graph.node(message.node_id))
    return update_node(work, from, *node, message, Told::Now);
  auto found = work.state.waiting_nodes.find(message.node_id);
  if (found == work.state.waiting_nodes.end()) return;
  // Kept with the channel that was announced last by this peer, or with the first one.
  auto at = work.state.waiting.find(*found->second.begin());
  for (auto scid : found->second)
    if (auto candidate = work.state.waiting.find(scid); candidate->second.from == from) at = candidate;
  keep(at->second, at->second.nodes[end_of(at->second, message.node_id)], message.timestamp, message.raw);
}

namespace {

std::vector<ShortChannelId> channels_with(const Gossip::Inside& state, const Hash32& funding) {
  std::vector<ShortChannelId> out;
  auto begins = beginning_of(funding);
  for (const auto& [same, scid] :
       state.fundings.between({begins, ShortChannelId(0)}, {begins, ShortChannelId(UINT64_MAX)}))
    if (const auto* channel = state.graph.channel(scid);
        channel != nullptr && funding_hash(decode_kept<wire::ChannelAnnouncement>(channel->raw)) == funding)
      out.push_back(scid);
  return out;
}

Watched watched(const Hash32& funding) {
  return {.outputs = {}, .scripts = {}, .fundings = {funding}};
}

}  // namespace

void watch_funding(Work& work, const wire::ChannelAnnouncement& announcement) {
  auto funding = funding_hash(announcement);
  work.state.fundings.insert({beginning_of(funding), announcement.short_channel_id});
  work.effects.push_back(Watch{WatchOwner::Gossip, watched(funding)});
}

void unwatch_funding(Work& work, const wire::ChannelAnnouncement& announcement) {
  auto funding = funding_hash(announcement);
  if (!work.state.fundings.erase_one({beginning_of(funding), announcement.short_channel_id})) return;
  work.effects.push_back(Unwatch{WatchOwner::Gossip, watched(funding)});
}

void find_spends(Work& work, const std::vector<BlockTransaction>& transactions, BlockHeight height) {
  auto& state = work.state;
  for (const auto& found : transactions)
    for (const auto& input : found.transaction.inputs) {
      if (input.witness.empty() || input.witness.back().size() != kFundingScriptBytes) continue;
      for (auto scid : channels_with(state, crypto::sha256(input.witness.back())))
        if (const auto* channel = state.graph.channel(scid); !channel->spent_at && state.graph.mark_spent(scid, height))
          save_channel(work, *channel);
    }
}

void take_spends_back(Work& work, const BlockDisconnected& in) {
  for (auto scid : work.state.graph.spent_since(in.height))
    if (work.state.graph.mark_unspent(scid)) save_channel(work, *work.state.graph.channel(scid));
}

}  // namespace doze::gossip
