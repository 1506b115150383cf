// What we say of ourselves: channel_updates, the announcement of our own channels and of this node.
#include <algorithm>

#include "effects/features.h"
#include "gossip/inside.h"
#include "graph/verify.h"

namespace doze::gossip {

namespace {

constexpr std::uint8_t kDisable = 2;                       // channel_flags
constexpr std::uint8_t kHasMaximum = 1, kDontForward = 2;  // message_flags

/// Newer than the last one, or peers ignore it; else the time of day.
std::uint32_t next_timestamp(const Work& work, std::uint32_t last) {
  return std::max(static_cast<std::uint32_t>(work.context.wall.value()), last + 1);
}
bool is_old(const Work& work, std::uint32_t timestamp) {
  return work.context.wall.value() > std::uint64_t{timestamp} + kRefreshAfterS;
}

bool is_public(const Work& work, const ChannelView& channel) {
  return channel.announced && channel.scid && work.state.graph.channel(*channel.scid) != nullptr;
}

/// Until it is announced, the update names the channel as the peer does: by the peer's own alias.
std::optional<ShortChannelId> name_for_peer(const Work& work, const ChannelView& channel) {
  if (is_public(work, channel)) return channel.scid;
  return channel.remote_alias ? channel.remote_alias : channel.scid;
}

wire::ChannelUpdate wanted_update(const Work& work, const ChannelView& channel, ShortChannelId scid) {
  const auto& fees = work.context.config.fees;
  wire::ChannelUpdate out;
  out.chain_hash = work.chain();
  out.short_channel_id = scid;
  out.message_flags = is_public(work, channel) ? kHasMaximum : (kHasMaximum | kDontForward);
  out.channel_flags = work.self() < channel.peer ? 0 : 1;
  if (channel.phase != ChannelPhase::Normal && channel.phase != ChannelPhase::Opening) out.channel_flags |= kDisable;
  out.cltv_expiry_delta = static_cast<std::uint16_t>(fees.cltv_expiry_delta.value());
  out.fee_base_msat = static_cast<std::uint32_t>(fees.fee_base.value());
  out.fee_proportional_millionths = fees.fee_proportional_millionths;
  out.htlc_maximum_msat = to_msat(channel.capacity);
  out.htlc_minimum_msat = std::min(std::max(fees.htlc_minimum, channel.htlc_minimum_remote), out.htlc_maximum_msat);
  return out;
}

/// Equal but for signature and timestamp.
bool says_the_same(const wire::ChannelUpdate& a, const wire::ChannelUpdate& b) {
  auto terms = [](const wire::ChannelUpdate& u) {
    return std::tie(u.chain_hash, u.short_channel_id, u.message_flags, u.channel_flags, u.cltv_expiry_delta,
                    u.htlc_minimum_msat, u.fee_base_msat, u.fee_proportional_millionths, u.htlc_maximum_msat);
  };
  return terms(a) == terms(b);
}

template <class Message>
void sign(const Work& work, Message& message) {
  message.raw.clear();
  message.signature = work.context.signer.sign_with_node_key(wire::signature_hash(message));
  message.raw = wire::encode(message);
}

void apply_own(Work& work, const wire::ChannelUpdate& update) {
  auto applied = work.state.graph.apply(update, update.raw);
  if (!applied) return;
  save_update(work, applied->scid, applied->direction, update.raw);
  relay_update(work, *applied, std::nullopt);
}

}  // namespace

const wire::ChannelUpdate* refresh_update(Work& work, const ChannelView& channel, bool anew) {
  auto scid = name_for_peer(work, channel);
  if (!scid) return nullptr;
  auto wanted = wanted_update(work, channel, *scid);
  auto& local = work.state.own_updates[channel.channel_id].local;
  if (local && !anew && says_the_same(*local, wanted)) return &*local;
  wanted.timestamp = next_timestamp(work, local ? local->timestamp : 0);
  sign(work, wanted);
  local = std::move(wanted);
  save_policy(work, channel.channel_id, Side::Local, local->raw);
  work.state.policies[channel.channel_id].local = policy_of(*local);
  if (is_public(work, channel)) apply_own(work, *local);
  return &*local;
}

void send_own_update(Work& work, const ChannelId& id) {
  const auto* channel = work.context.views.channel(id);
  if (channel == nullptr || channel->phase == ChannelPhase::Closed) return;
  if (const auto* update = refresh_update(work, *channel)) work.send(channel->peer, *update);
}

void own_channel_announced(Work& work, const ChannelAnnounced& in) {
  const auto* channel = work.context.views.channel(in.channel_id);
  auto announcement = in.announcement;
  if (announcement.raw.empty()) announcement.raw = wire::encode(announcement);
  // The peer made two of the four signatures: nobody else should find them wrong before us.
  if (channel == nullptr || !graph::verify_channel_announcement(announcement, announcement.raw)) {
    work.effects.push_back(
        Notify{Severity::Warning, "channel_announcement_invalid", {{"channel_id", in.channel_id.hex()}}});
    return;
  }
  auto scid = announcement.short_channel_id;
  auto added = work.state.graph.add_channel(announcement, announcement.raw, channel->capacity, work.context.wall);
  if (added) {
    watch_funding(work, announcement);
    save_channel(work, *work.state.graph.channel(scid));
  }
  send_own_update(work, in.channel_id);
  announce_self(work);
}

void own_channel_closed(Work& work, const ChannelClosed& in) {
  const auto* channel = work.context.views.channel(in.channel_id);
  if (channel != nullptr && is_public(work, *channel)) {
    auto closed = *channel;
    closed.phase = ChannelPhase::Closed;
    (void)refresh_update(work, closed);  // disabled: nobody should route through it any more
  }
  if (work.state.own_updates.erase(in.channel_id) == 0) return;
  work.state.policies.erase(in.channel_id);
  erase_policies(work, in.channel_id);
}

void announce_self(Work& work) {
  const auto& config = work.context.config;
  const auto* node = work.state.graph.node(work.self());
  if (config.role != Role::Server || node == nullptr) return;
  wire::NodeAnnouncement out;
  out.features = own_features(config);
  out.node_id = work.self();
  std::copy_n(out.node_id.bytes.begin() + 1, out.rgb_color.size(), out.rgb_color.begin());
  std::copy_n(config.alias.begin(), std::min(config.alias.size(), out.alias.size()), out.alias.begin());
  out.addresses = config.announced_addresses;
  std::uint32_t last = 0;
  if (const auto& said = node->announced) {
    last = said->timestamp;
    bool same = said->features == out.features && said->alias == out.alias && said->addresses == out.addresses;
    if (same && !is_old(work, last)) return;
  }
  out.timestamp = next_timestamp(work, last);
  sign(work, out);
  if (!work.state.graph.apply(out, out.raw)) return;
  save_node(work, out.node_id, out.raw);
  relay(work, out.node_id, std::nullopt);
}

void refresh_own(Work& work) {
  for (const auto& [id, channel] : work.context.views.channels) {
    auto known = work.state.own_updates.find(id);
    if (known == work.state.own_updates.end() || !known->second.local) continue;
    bool anew = is_public(work, channel) && is_old(work, known->second.local->timestamp);
    (void)refresh_update(work, channel, anew);
  }
  announce_self(work);
}

/// Ourselves first: that is how the client is reached, and the bytes are bounded.
void send_our_gossip(Work& work, const SendOurGossip& in) {
  std::vector<NodeId> nodes{work.self()};
  std::set<NodeId> listed{work.self()};
  for (const auto& [id, channel] : work.context.views.channels)
    if (listed.insert(channel.peer).second) nodes.push_back(channel.peer);
  std::set<ShortChannelId> sent;
  for (const auto& id : nodes) {
    if (work.bytes >= kOurGossipBytes) return;
    const auto* node = work.state.graph.node(id);
    if (node == nullptr) continue;
    std::size_t count = 0;
    for (auto scid : node->channels) {
      if (count == (id == work.self() ? kOwnChannelsToAClient : kAnnouncedChannelsOfAPeer)) break;
      const auto& channel = *work.state.graph.channel(scid);
      if (channel.spent_at) continue;
      ++count;
      if (!sent.insert(scid).second) continue;
      work.send_raw(in.node_id, channel.raw);
      for (const auto& direction : channel.directions)
        if (direction) work.send_raw(in.node_id, direction->raw);
    }
    if (node->announced && count > 0) work.send_raw(in.node_id, node->announced->raw);
  }
}

}  // namespace doze::gossip
