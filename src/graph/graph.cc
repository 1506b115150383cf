#include "graph/graph.h"

#include <algorithm>
#include <utility>

#include "graph/known_features.h"

namespace doze::graph {
namespace {

// channel_flags of channel_update, BOLT 7.
constexpr std::uint8_t kDirectionBit = 1, kDisableBit = 2;

void insert_sorted(std::vector<ShortChannelId>& list, ShortChannelId scid) {
  list.insert(std::lower_bound(list.begin(), list.end(), scid), scid);
}

void erase_sorted(std::vector<ShortChannelId>& list, ShortChannelId scid) {
  auto at = std::lower_bound(list.begin(), list.end(), scid);
  if (at != list.end() && *at == scid) list.erase(at);
}

// Equal but for the signature: the bytes behind the two type bytes and the 64 signature bytes.
bool same_contents(ByteView a, ByteView b) {
  constexpr std::size_t kBehindSignature = 2 + 64;
  if (a.size() < kBehindSignature || b.size() < kBehindSignature) return equal(a, b);
  return equal(a.subspan(kBehindSignature), b.subspan(kBehindSignature));
}

// Refuses what is not newer than what is held.
Status<Refusal> check_newer(std::uint32_t held, ByteView held_raw, std::uint32_t offered, ByteView offered_raw) {
  if (offered < held) return fail(Refusal{RefusalCode::Stale, held, offered});
  if (offered == held) {
    auto code = same_contents(held_raw, offered_raw) ? RefusalCode::SameTimestamp : RefusalCode::SameTimestampDiffers;
    return fail(Refusal{code, held, offered});
  }
  return Done{};
}

// The largest HTLC that the direction can carry; nullopt if payments must not use it.
std::optional<Msat> routable_maximum(const Channel& channel, const Direction& direction) {
  if (!direction.enabled) return std::nullopt;
  if (direction.htlc_maximum < direction.htlc_minimum || !direction.htlc_maximum.is_money()) return std::nullopt;
  if (channel.capacity && direction.htlc_maximum > to_msat(*channel.capacity)) return std::nullopt;
  if (has_unknown_even_channel_feature(channel.features)) return std::nullopt;
  return direction.htlc_maximum;
}

}  // namespace

const char* name(RefusalCode code) {
  switch (code) {
    case RefusalCode::ChannelKnown:
      return "channel known";
    case RefusalCode::ConflictingNodes:
      return "the channel is already known with other nodes";
    case RefusalCode::NodesNotAscending:
      return "node ids not in ascending order";
    case RefusalCode::GraphFull:
      return "graph full";
    case RefusalCode::UnknownChannel:
      return "unknown channel";
    case RefusalCode::UnknownNode:
      return "unknown node";
    case RefusalCode::Stale:
      return "stale";
    case RefusalCode::SameTimestampDiffers:
      return "same timestamp, different contents";
    case RefusalCode::SameTimestamp:
      return "same timestamp";
  }
  return "?";
}

std::optional<std::uint8_t> Channel::direction_from(const NodeId& from) const {
  if (from == node_1) return std::uint8_t{0};
  if (from == node_2) return std::uint8_t{1};
  return std::nullopt;
}

NodeIndex Graph::intern(const NodeId& id, std::vector<NodeId>& new_nodes) {
  if (auto known = index_.find(id); known != index_.end()) return known->second;
  NodeIndex index = 0;
  if (free_.empty()) {
    index = static_cast<NodeIndex>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
    slots_[index] = Slot{};
  }
  slots_[index].node.node_id = id;
  index_.emplace(id, index);
  new_nodes.push_back(id);
  return index;
}

Result<ChannelAdded, Refusal> Graph::add_channel(const wire::ChannelAnnouncement& announcement, Bytes raw,
                                                 std::optional<Sat> capacity, UnixTime now) {
  auto scid = announcement.short_channel_id;
  if (announcement.node_id_1 >= announcement.node_id_2) return fail(Refusal{RefusalCode::NodesNotAscending});
  if (auto known = channels_.find(scid); known != channels_.end()) {
    bool same = known->second.node_1 == announcement.node_id_1 && known->second.node_2 == announcement.node_id_2;
    return fail(Refusal{same ? RefusalCode::ChannelKnown : RefusalCode::ConflictingNodes});
  }
  if (channels_.size() >= kMaxChannels) return fail(Refusal{RefusalCode::GraphFull, channels_.size(), kMaxChannels});

  ChannelAdded added{.scid = scid};
  for (const auto& id : {announcement.node_id_1, announcement.node_id_2}) {
    insert_sorted(slots_[intern(id, added.new_nodes)].node.channels, scid);
  }
  Channel channel;
  channel.scid = scid;
  channel.node_1 = announcement.node_id_1;
  channel.node_2 = announcement.node_id_2;
  channel.capacity = capacity && capacity->is_money() ? capacity : std::nullopt;
  channel.features = announcement.features;
  channel.announced_at = now;
  channel.raw = std::move(raw);
  ++version_;
  list(channels_.emplace(scid, std::move(channel)).first->second);
  return added;
}

Result<UpdateApplied, Refusal> Graph::apply(const wire::ChannelUpdate& update, Bytes raw) {
  auto found = channels_.find(update.short_channel_id);
  if (found == channels_.end()) return fail(Refusal{RefusalCode::UnknownChannel});
  auto& channel = found->second;
  std::uint8_t direction = update.channel_flags & kDirectionBit;
  bool disable = (update.channel_flags & kDisableBit) != 0;
  auto& slot = channel.directions[direction];
  if (slot) LN_CHECK(check_newer(slot->timestamp, slot->raw, update.timestamp, raw));

  UpdateApplied applied{.scid = channel.scid, .direction = direction, .first = !slot.has_value()};
  unlist(channel);
  slot = Direction{.enabled = !disable,
                   .fee_base = Msat(update.fee_base_msat),
                   .fee_proportional_millionths = update.fee_proportional_millionths,
                   .cltv_expiry_delta = CltvDelta(update.cltv_expiry_delta),
                   .htlc_minimum = update.htlc_minimum_msat,
                   .htlc_maximum = update.htlc_maximum_msat,
                   .timestamp = update.timestamp,
                   .raw = std::move(raw)};
  list(channel);
  refresh_edges(channel);
  return applied;
}

Result<NodeApplied, Refusal> Graph::apply(const wire::NodeAnnouncement& announcement, Bytes raw) {
  auto found = index_.find(announcement.node_id);
  if (found == index_.end()) return fail(Refusal{RefusalCode::UnknownNode});
  auto& slot = slots_[found->second];
  auto& held = slot.node.announced;
  if (held) LN_CHECK(check_newer(held->timestamp, held->raw, announcement.timestamp, raw));

  NodeApplied applied{.node_id = announcement.node_id, .first = !held.has_value()};
  if (held) node_times_.erase({held->timestamp, found->second});
  node_times_.insert({announcement.timestamp, found->second});
  held = Announced{.features = announcement.features,
                   .timestamp = announcement.timestamp,
                   .rgb_color = announcement.rgb_color,
                   .alias = announcement.alias,
                   .addresses = announcement.addresses,
                   .raw = std::move(raw)};
  slot.forwards = !has_unknown_even_node_feature(held->features);
  bool relays = supports_onion_messages(held->features);
  if (relays != std::exchange(slot.relays_messages, relays)) ++version_;
  return applied;
}

void Graph::drop_edges(const Channel& channel) {
  for (const auto& id : {channel.node_1, channel.node_2}) {
    auto& slot = slots_[index_.at(id)];
    std::erase_if(slot.in, [&](const InEdge& edge) { return edge.scid == channel.scid; });
    std::erase_if(slot.links, [&](const Link& link) { return link.scid == channel.scid; });
  }
}

void Graph::list(const Channel& channel) {
  bool half = false;
  for (std::uint8_t direction : {0, 1}) {
    const auto& known = channel.directions[direction];
    if (known) update_times_.insert({known->timestamp, channel.scid, direction});
    half = half || !known;
  }
  if (half) half_known_.insert({channel.announced_at.value(), channel.scid});
  if (channel.spent_at) spent_.insert({channel.spent_at->value(), channel.scid});
}

void Graph::unlist(const Channel& channel) {
  for (std::uint8_t direction : {0, 1})
    if (const auto& known = channel.directions[direction])
      update_times_.erase({known->timestamp, channel.scid, direction});
  half_known_.erase({channel.announced_at.value(), channel.scid});
  if (channel.spent_at) spent_.erase({channel.spent_at->value(), channel.scid});
}

void Graph::refresh_edges(const Channel& channel) {
  ++version_;
  drop_edges(channel);
  auto enabled = [](const std::optional<Direction>& direction) { return direction && direction->enabled; };
  if (enabled(channel.directions[0]) || enabled(channel.directions[1])) {
    auto one = index_.at(channel.node_1), two = index_.at(channel.node_2);
    slots_[one].links.push_back({channel.scid, two});
    slots_[two].links.push_back({channel.scid, one});
  }
  for (std::uint8_t direction : {0, 1}) {
    const auto& policy = channel.directions[direction];
    if (!policy) continue;
    auto maximum = routable_maximum(channel, *policy);
    if (!maximum) continue;
    InEdge edge{.scid = channel.scid,
                .htlc_minimum_msat = policy->htlc_minimum.value(),
                .htlc_maximum_msat = maximum->value(),
                .fee_base_msat = static_cast<std::uint32_t>(policy->fee_base.value()),
                .fee_proportional_millionths = policy->fee_proportional_millionths,
                .source = index_.at(channel.node(direction)),
                .cltv_expiry_delta = static_cast<std::uint16_t>(policy->cltv_expiry_delta.value()),
                .direction = direction};
    slots_[index_.at(channel.node(direction ^ 1))].in.push_back(edge);
  }
}

ChannelRemoved Graph::erase(std::map<ShortChannelId, Channel>::iterator at) {
  auto& channel = at->second;
  ChannelRemoved removed{.scid = channel.scid, .raw = std::move(channel.raw)};
  ++version_;
  unlist(channel);
  drop_edges(channel);
  for (const auto& id : {channel.node_1, channel.node_2}) {
    auto found = index_.find(id);
    auto& slot = slots_[found->second];
    erase_sorted(slot.node.channels, channel.scid);
    if (!slot.node.channels.empty()) continue;
    if (slot.node.announced) node_times_.erase({slot.node.announced->timestamp, found->second});
    free_.push_back(found->second);
    slot = Slot{};
    index_.erase(found);
    removed.gone_nodes.push_back(id);
  }
  channels_.erase(at);
  return removed;
}

Result<ChannelRemoved, Refusal> Graph::remove_channel(ShortChannelId scid) {
  auto found = channels_.find(scid);
  if (found == channels_.end()) return fail(Refusal{RefusalCode::UnknownChannel});
  return erase(found);
}

Status<Refusal> Graph::mark_spent(ShortChannelId scid, BlockHeight height) {
  auto found = channels_.find(scid);
  if (found == channels_.end()) return fail(Refusal{RefusalCode::UnknownChannel});
  unlist(found->second);
  found->second.spent_at = height;
  list(found->second);
  return Done{};
}

Status<Refusal> Graph::mark_unspent(ShortChannelId scid) {
  auto found = channels_.find(scid);
  if (found == channels_.end()) return fail(Refusal{RefusalCode::UnknownChannel});
  unlist(found->second);
  found->second.spent_at = std::nullopt;
  list(found->second);
  return Done{};
}

std::vector<ShortChannelId> Graph::spent_since(BlockHeight height) const {
  std::vector<ShortChannelId> out;
  for (auto at = spent_.lower_bound({height.value(), ShortChannelId(0)}); at != spent_.end(); ++at)
    out.push_back(at->second);
  return out;
}

std::vector<ChannelRemoved> Graph::forget_spent(BlockHeight tip) {
  std::vector<ChannelRemoved> removed;
  while (!spent_.empty()) {
    auto [height, scid] = *spent_.begin();
    if (tip.value() < height || tip.value() - height < kForgetSpentAfterBlocks) break;
    removed.push_back(erase(channels_.find(scid)));
  }
  return removed;
}

std::vector<ChannelRemoved> Graph::prune_stale(UnixTime now, const std::optional<NodeId>& keep, std::size_t most) {
  std::set<ShortChannelId> stale;
  auto is_old = [&](std::uint64_t last) { return now.value() > last && now.value() - last > kStaleAfterS; };
  auto collect = [&](ShortChannelId scid) {
    if (!keep || !channels_.at(scid).direction_from(*keep)) stale.insert(scid);
  };
  for (const auto& update : update_times_) {
    if (stale.size() == most || !is_old(update.timestamp)) break;
    collect(update.scid);
  }
  for (const auto& [announced_at, scid] : half_known_) {
    if (stale.size() == most || !is_old(announced_at)) break;
    collect(scid);
  }
  std::vector<ChannelRemoved> removed;
  for (auto scid : stale) removed.push_back(erase(channels_.find(scid)));
  return removed;
}

const Channel* Graph::channel(ShortChannelId scid) const {
  auto found = channels_.find(scid);
  return found == channels_.end() ? nullptr : &found->second;
}

const Node* Graph::node(const NodeId& id) const {
  auto index = index_of(id);
  return index ? &slots_[*index].node : nullptr;
}

std::optional<NodeIndex> Graph::index_of(const NodeId& id) const {
  auto found = index_.find(id);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

std::optional<NodeId> Graph::resolve(const wire::ScidDir& scid_dir) const {
  const auto* found = channel(scid_dir.scid);
  if (found == nullptr || scid_dir.direction > 1) return std::nullopt;
  return found->node(scid_dir.direction);
}

std::optional<NodeId> Graph::resolve(const wire::IntroductionNode& introduction) const {
  if (const auto* id = std::get_if<NodeId>(&introduction)) return *id;
  return resolve(std::get<wire::ScidDir>(introduction));
}

}  // namespace doze::graph
