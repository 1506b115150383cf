#include "effects/views.h"

namespace doze {

const char* name(ChannelPhase phase) {
  switch (phase) {
    case ChannelPhase::Opening:
      return "opening";
    case ChannelPhase::Normal:
      return "normal";
    case ChannelPhase::Closing:
      return "closing";
    case ChannelPhase::ForceClosing:
      return "force_closing";
    case ChannelPhase::OnChain:
      return "on_chain";
    case ChannelPhase::Closed:
      return "closed";
  }
  return "unknown";
}

bool PeerView::onion_messages() const {
  return features.supports(wire::kOnionMessages);
}

bool PeerView::holds(Profile profile) const {
  return features.supports(profile == Profile::Ldk ? wire::kHtlcHoldLdk : wire::kHtlcHoldDraft);
}

const ChannelView* Views::channel(const ChannelId& id) const {
  auto it = channels.find(id);
  return it == channels.end() ? nullptr : &it->second;
}

const ChannelView* Views::channel_by_scid(ShortChannelId scid) const {  // [B2-ready-05]
  for (const auto& id : channel_index.named(scid)) {
    const auto& channel = channels.at(id);
    // [B2-ready-06]
    if (channel.phase == ChannelPhase::Normal && (channel.local_alias == scid || !channel.alias_only)) return &channel;
  }
  return nullptr;
}

const ChannelView* Views::channel_to(const NodeId& node) const {
  const ChannelView* found = nullptr;
  for (const auto* channel : channels_with(node))
    if (channel->phase == ChannelPhase::Normal && (found == nullptr || (channel->usable && !found->usable)))
      found = channel;
  return found;
}

bool Views::is_on_chain(const ChannelId& id) const {
  const auto* found = channel(id);
  return found == nullptr || found->phase == ChannelPhase::ForceClosing || found->phase == ChannelPhase::OnChain ||
         found->phase == ChannelPhase::Closed;
}

bool Views::funding_gone(const ChannelId& id) const {
  const auto* found = channel(id);
  return found != nullptr && found->reorganised;
}

std::vector<const ChannelView*> Views::channels_with(const NodeId& peer) const {
  std::vector<const ChannelView*> out;
  for (const auto& id : channel_index.with(peer)) out.push_back(&channels.at(id));
  return out;
}

bool Views::is_client(const NodeId& node) const {
  return invited.contains(node) || any_channel_with(node, [](const ChannelView& channel) { return channel.funded(); });
}

// ---- the index of channels ----

ChannelIndex::ChannelIndex(const std::map<ChannelId, ChannelView>& channels) {
  for (const auto& [id, view] : channels) set(id, &view);
}

void ChannelIndex::set(const ChannelId& id, const ChannelView* view) {
  std::optional<Marks> now;
  if (view != nullptr && view->phase != ChannelPhase::Closed) {
    bool normal = view->phase == ChannelPhase::Normal;
    now = Marks{view->peer, view->scid, view->local_alias, normal, normal && view->usable};
  }
  auto known = marks_.find(id);
  if (known == marks_.end() ? !now.has_value() : now == known->second) return;
  auto leave = [&](auto& index, const auto& key) {
    auto it = index.find(key);
    if (it == index.end()) return;
    it->second.erase(id);
    if (it->second.empty()) index.erase(it);
  };
  if (known != marks_.end()) {
    leave(by_peer_, known->second.peer);
    for (const auto& name : {known->second.scid, known->second.alias})
      if (name) leave(by_name_, *name);
    normal_ -= known->second.normal ? 1 : 0;
    usable_ -= known->second.usable ? 1 : 0;
    marks_.erase(known);
  }
  if (!now) return;
  by_peer_[now->peer].insert(id);
  for (const auto& name : {now->scid, now->alias})
    if (name) by_name_[*name].insert(id);
  normal_ += now->normal ? 1 : 0;
  usable_ += now->usable ? 1 : 0;
  marks_.emplace(id, *std::move(now));
}

namespace {
const std::set<ChannelId>& found(const auto& index, const auto& key) {
  static const std::set<ChannelId> kNone;
  auto it = index.find(key);
  return it == index.end() ? kNone : it->second;
}
}  // namespace

const std::set<ChannelId>& ChannelIndex::with(const NodeId& peer) const {
  return found(by_peer_, peer);
}
const std::set<ChannelId>& ChannelIndex::named(ShortChannelId scid) const {
  return found(by_name_, scid);
}

void ChannelViews::put(ChannelView view) {
  auto id = view.channel_id;
  auto& kept = views_.insert_or_assign(id, std::move(view)).first->second;
  index_.set(id, &kept);
}
void ChannelViews::erase(const ChannelId& id) {
  index_.set(id, nullptr);
  views_.erase(id);
}

}  // namespace doze
