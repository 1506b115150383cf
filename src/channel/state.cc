// States and their numbers; the indexes of openings and channels.
#include "channel/state.h"

namespace doze::channel {

// ---- states ----

ChannelPhase phase_of(const State& state) {
  return std::visit(Overloaded{
                        [](const AwaitingReady&) { return ChannelPhase::Opening; },
                        [](const Normal&) { return ChannelPhase::Normal; },
                        [](const ShuttingDown&) { return ChannelPhase::Closing; },
                        [](const Negotiating&) { return ChannelPhase::Closing; },
                        [](const Unilateral&) { return ChannelPhase::ForceClosing; },
                        [](const OnChain&) { return ChannelPhase::OnChain; },
                        [](const Closed&) { return ChannelPhase::Closed; },
                    },
                    state);
}

State state_of(ChannelPhase phase) {
  switch (phase) {
    case ChannelPhase::Opening:
      return AwaitingReady{};
    case ChannelPhase::Normal:
      return Normal{};
    case ChannelPhase::Closing:
      return ShuttingDown{};
    case ChannelPhase::ForceClosing:
      return Unilateral{};
    case ChannelPhase::OnChain:
      return OnChain{};
    case ChannelPhase::Closed:
      return Closed{};
  }
  return Closed{};
}

// ---- openings ----

void Openings::put(OpeningKey key, Opening opening) {
  auto [it, fresh] = all_.emplace(std::move(key), std::move(opening));
  if (!fresh) return;
  const auto& put = it->second;
  by_start_.emplace(put.started, it->first);
  if (put.request != 0) own_.emplace(it->first.second, it->first);
  if (put.channel.asked) by_key_.emplace(put.channel.asked->key, it->first);
  given_back_.erase(put.channel.key_index);
  top_ = std::max(top_, put.channel.key_index + 1);
}

Opening Openings::take(const OpeningKey& key) {
  auto node = all_.extract(key);
  LN_ASSERT(!node.empty());
  auto opening = std::move(node.mapped());
  by_start_.erase({opening.started, node.key()});
  if (opening.request != 0) own_.erase(node.key().second);
  if (opening.channel.asked) by_key_.erase(opening.channel.asked->key);
  given_back_.insert(opening.channel.key_index);
  if (all_.empty()) {
    given_back_.clear();
    top_ = 0;
  }
  return opening;
}

Opening* Openings::find(const OpeningKey& key) {
  auto it = all_.find(key);
  return it == all_.end() ? nullptr : &it->second;
}

std::optional<OpeningKey> Openings::find_own(const ChannelId& temporary_channel_id) const {
  auto it = own_.find(temporary_channel_id);
  return it == own_.end() ? std::nullopt : std::optional(it->second);
}

Opening* Openings::asked_with(const Hash32& idempotency_key) {
  auto it = by_key_.find(idempotency_key);
  return it == by_key_.end() ? nullptr : &all_.at(it->second);
}

std::vector<OpeningKey> Openings::with(const NodeId& peer) const {
  std::vector<OpeningKey> out;
  for (auto it = all_.lower_bound({peer, ChannelId{}}); it != all_.end() && it->first.first == peer; ++it)
    out.push_back(it->first);
  return out;
}

std::optional<std::pair<MonoTime, OpeningKey>> Openings::oldest() const {
  if (by_start_.empty()) return std::nullopt;
  return *by_start_.begin();
}

std::uint64_t Openings::free_index(std::uint64_t from) {
  given_back_.erase(given_back_.begin(), given_back_.lower_bound(from));
  return given_back_.empty() ? std::max(from, top_) : *given_back_.begin();
}

// ---- channels ----

void Lookup::note(const ChannelId& id, const Channel* channel, std::optional<MonoTime> end) {
  Marks now;
  if (channel != nullptr) {
    if (channel->asked) now.key = channel->asked->key;
    now.unfunded = channel->never_funded() && !channel->is<Closed>();
    now.end = end;
  }
  auto& known = marks_[id];
  if (known != now) {
    if (known.key) by_key_.erase(*known.key);
    if (known.unfunded) unfunded_.erase(id);
    if (known.end) patience_.erase({*known.end, id});
    if (now.key) by_key_.emplace(*now.key, id);
    if (now.unfunded) unfunded_.insert(id);
    if (now.end) patience_.emplace(*now.end, id);
    known = now;
  }
  if (now == Marks{}) marks_.erase(id);
}

const ChannelId* Lookup::asked_with(const Hash32& idempotency_key) const {
  auto it = by_key_.find(idempotency_key);
  return it == by_key_.end() ? nullptr : &it->second;
}

}  // namespace doze::channel
