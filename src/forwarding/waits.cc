#include "forwarding/waits.h"

#include "forwarding/offering.h"
#include "forwarding/state.h"

namespace doze::forwarding {

namespace {

/// No HTLC is offered onward whose own channel is on chain, where it would have to be claimed.
constexpr const char* kGone = "the incoming channel is closed";

void not_full(Work& work, const ChannelId& channel) {
  auto it = work.state.full.find(channel);
  if (it == work.state.full.end()) return;
  work.state.full_due.erase({it->second.next, channel});
  work.state.full.erase(it);
}

void look_at(Work& work, const ChannelId& channel, Full& full, MonoTime when) {
  work.state.full_due.erase({full.next, channel});
  full.next = when;
  work.state.full_due.emplace(when, channel);
}

/// Called in later steps as well: a view is updated only at the end of a step.
void note_load(Full& full, const ChannelView& view) {
  full.most_offered = std::max(full.most_offered, view.offered_htlcs.size());
  full.least = std::min(full.least, view.spendable);
}

void rooms_due(Work& work) {
  auto& due = work.state.full_due;
  std::vector<ChannelId> channels;
  for (auto it = due.begin(); it != due.end() && it->first <= work.context.mono; ++it) channels.push_back(it->second);
  for (const auto& id : channels) {
    auto& full = work.state.full.at(id);
    const auto& queues = work.state.forwards.index().queues;
    auto queued = queues.lower_bound({id, 0, {}});
    if (queued == queues.end() || std::get<0>(*queued) != id) {
      not_full(work, id);
      continue;
    }
    const auto* view = work.context.views.channel(id);
    bool freed = view == nullptr || view->offered_htlcs.size() < full.most_offered || view->spendable > full.least;
    if (!freed && work.context.mono < full.ask_at) {
      note_load(full, *view);
      look_at(work, id, full, after_ms(work.context.mono, kRoomCheckMs));
      continue;
    }
    not_full(work, id);
    offer_next(work, id, 0);
  }
}

void clients_due(Work& work) {
  std::vector<HtlcKey> keys;
  const auto& due = work.state.forwards.index().due;
  for (auto it = due.begin(); it != due.end() && it->first <= work.context.mono; ++it) keys.push_back(it->second);
  for (const auto& key : keys) {
    auto& forward = *work.state.forwards.edit(key);
    bool behind = !work.context.views.chain_synced;
    const char* why = behind              ? "our block chain is behind"
                      : forward.turn != 0 ? "the outgoing channel stayed full"
                                          : "the client did not wake in time";
    end_failed(work, forward, ForwardState::Waiting, why,
               behind ? onion::kTemporaryNodeFailure : onion::kTemporaryChannelFailure);
  }
}

}  // namespace

void forwards_started(Work& work) {
  std::vector<HtlcKey> open;
  for (const auto& [time, key] : work.state.forwards.index().open) open.push_back(key);
  for (const auto& key : open) {
    auto& forward = *work.state.forwards.edit(key);
    if (const auto* channel = work.context.views.channel(key.channel_id)) forward.peer = channel->peer;
    if (forward.state == ForwardState::Waiting) forward.wait_until = after_ms(work.context.mono, kClientForwardWaitMs);
    if (forward.state == ForwardState::Released) forward.turn = work.state.next_turn++;
  }
}

void end_parked_forwards(Work& work) {
  std::vector<HtlcKey> due;
  const auto& heights = work.state.forwards.index().by_fail_back;
  for (auto it = heights.begin(); it != heights.end() && it->first <= work.context.tip; ++it) due.push_back(it->second);
  for (const auto& key : due) {
    auto& forward = *work.state.forwards.edit(key);
    end_failed(work, forward, forward.state, "the deadline has passed", onion::kTemporaryNodeFailure);
  }
  std::vector<ChannelId> channels;
  for (const auto* row = work.state.forwards.live_from({}); row != nullptr;) {
    channels.push_back(row->incoming.channel_id);
    row = work.state.forwards.live_from({channels.back(), UINT64_MAX});
    if (row != nullptr && row->incoming.channel_id == channels.back()) break;  // no channel counts up to this id
  }
  for (const auto& channel : channels) end_forwards_from(work, channel);
}

void end_forwards_from(Work& work, const ChannelId& channel) {
  if (!work.context.views.is_on_chain(channel)) return;
  std::vector<HtlcKey> keys;
  const auto& forwards = work.state.forwards;
  for (const auto* row = forwards.live_from({channel, 0}); row != nullptr && row->incoming.channel_id == channel;) {
    auto key = row->incoming;
    if (is_parked(*row)) keys.push_back(key);
    row = key.htlc_id == UINT64_MAX ? nullptr : forwards.live_from({channel, key.htlc_id + 1});
  }
  for (const auto& key : keys) {
    auto& forward = *work.state.forwards.edit(key);
    end_failed(work, forward, forward.state, kGone, onion::kTemporaryNodeFailure);
  }
}

void retry_forwards_from(Work& work, const ChannelId& channel) {
  std::vector<HtlcKey> keys;
  const auto& forwards = work.state.forwards;
  for (const auto* row = forwards.live_from({channel, 0}); row != nullptr && row->incoming.channel_id == channel;) {
    auto key = row->incoming;
    if (row->state == ForwardState::Released || row->state == ForwardState::Waiting) keys.push_back(key);
    row = key.htlc_id == UINT64_MAX ? nullptr : forwards.live_from({channel, key.htlc_id + 1});
  }
  for (const auto& key : keys) {
    auto& forward = *work.state.forwards.edit(key);
    forward.state == ForwardState::Released ? forward_released(work, forward) : try_forward(work, forward);
  }
}

void forward_deadlines(Work& work) {
  clients_due(work);
  rooms_due(work);
}

void retry_forwards(Work& work, const ChannelId& next_channel) {
  std::vector<HtlcKey> keys;
  const auto& waiting = work.state.forwards.index().waiting;
  for (auto it = waiting.lower_bound({next_channel, {}}); it != waiting.end() && it->first == next_channel; ++it)
    keys.push_back(it->second);
  for (const auto& key : keys) try_forward(work, *work.state.forwards.edit(key));
  not_full(work, next_channel);
  offer_next(work, next_channel, 0);
}

void retry_all_forwards(Work& work) {
  std::set<ChannelId> channels;
  for (const auto& [channel, key] : work.state.forwards.index().waiting) channels.insert(channel);
  for (const auto& [channel, turn, key] : work.state.forwards.index().queues) channels.insert(channel);
  for (const auto& channel : channels) retry_forwards(work, channel);
}

void forward_released(Work& work, Forward& forward) {
  if (!work.state.full.contains(forward.next_channel)) try_forward(work, forward);
}

bool waits_for_room(AddRefusal refusal) {
  return refusal == AddRefusal::TooManyHtlcs || refusal == AddRefusal::TooMuchInFlight ||
         refusal == AddRefusal::InsufficientFunds || refusal == AddRefusal::DustExposure ||
         refusal == AddRefusal::HoldLimit;
}

void wait_for_room(Work& work, const Forward& forward, AddRefusal refusal) {
  const auto& channel = forward.next_channel;
  auto& full = work.state.full[channel];
  if (const auto* view = work.context.views.channel(channel)) note_load(full, *view);
  full.ask_at = after_ms(work.context.mono, kRoomAskMs);
  look_at(work, channel, full, after_ms(work.context.mono, kRoomCheckMs));
  if (refusal == AddRefusal::TooManyHtlcs || ++full.misfits >= kMisfitsPerRound) return;
  offer_next(work, channel, forward.turn);
}

void offer_next(Work& work, const ChannelId& channel, std::uint64_t turn) {
  for (;;) {
    const auto& queues = work.state.forwards.index().queues;
    auto it = queues.lower_bound({channel, turn + 1, {}});
    if (it == queues.end() || std::get<0>(*it) != channel) return;
    turn = std::get<1>(*it);
    auto& forward = *work.state.forwards.edit(std::get<2>(*it));
    if (work.context.views.funding_gone(forward.incoming.channel_id)) continue;  // does not stop those behind it
    try_forward(work, forward);
    if (!is_terminal(forward.state)) return;  // the channel's answer continues the queue, or the channel is away
  }
}

}  // namespace doze::forwarding
