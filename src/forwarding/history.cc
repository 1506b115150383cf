#include "forwarding/history.h"

#include "forwarding/records.h"
#include "forwarding/state.h"

namespace doze::forwarding {

namespace {
/// Rows read and erased at a time. A step ends a few forwards; after a large batch, room is made in several steps.
constexpr std::uint32_t kForgottenAtATime = 64;

EndedList& list_of(Work& work, std::uint8_t list) {
  return list == kSettledList ? work.state.settled : work.state.failed;
}
}  // namespace

void save(Work& work, const Forward& forward) {
  if (!forward.gone) return work.say(record(forward));
  const auto& list = forward.state == ForwardState::Settled ? work.state.settled : work.state.failed;
  auto key = key_of(forward.incoming);
  work.say(Put{Table::EndedForward, list.key(forward.received_at, key), record(forward).value});
  work.say(Erase{Table::Forward, std::move(key)});
}

bool has_gone(const Context& context, const HtlcKey& key) {
  const auto* channel = context.views.channel(key.channel_id);
  return channel == nullptr || channel->phase == ChannelPhase::Closed || !channel->received_htlcs.contains(key.htlc_id);
}

void leave(Work& work, const HtlcKey& key) {
  auto* forward = work.state.forwards.edit(key);
  if (forward == nullptr || forward->gone || !is_terminal(forward->state)) return;
  forward->gone = true;
  work.say((forward->state == ForwardState::Settled ? work.state.settled : work.state.failed).add());
  save(work, *forward);
}

void leave_channel(Work& work, const ChannelId& channel) {
  std::vector<HtlcKey> keys;
  const auto& forwards = work.state.forwards;
  for (const auto* row = forwards.live_from({channel, 0}); row != nullptr && row->incoming.channel_id == channel;) {
    keys.push_back(row->incoming);
    row = keys.back().htlc_id == UINT64_MAX ? nullptr : forwards.live_from({channel, keys.back().htlc_id + 1});
  }
  for (const auto& key : keys)
    if (!work.state.to_leave.contains(key)) leave(work, key);
}

void leave_started(Work& work) {
  const auto& index = work.state.forwards.index();
  for (const auto* list : {&index.settled, &index.failed})
    for (const auto& [time, key] : *list)
      if (has_gone(work.context, key)) work.state.to_leave.insert(key);
}

void leave_some(Work& work) {
  auto& keys = work.state.to_leave;
  for (std::size_t i = 0; i < kMovedPerStep && !keys.empty(); ++i) leave(work, keys.extract(keys.begin()).value());
  work.state.leave_next = keys.empty() ? std::nullopt : std::optional(after_ms(work.context.mono, kMoveEveryMs));
}

void forget_history(Work& work) {
  auto& state = work.state;
  if (state.forgetting || !state.to_leave.empty()) return;  // older rows may still move to the lists
  if (!state.settled.too_many() && !state.failed.too_many()) return;
  state.forgetting = true;
  auto list = state.settled.too_many() ? kSettledList : kFailedList;
  work.ask({list_of(work, list).oldest(kForgottenAtATime)}, OldestAsked{list});
}

void forget_oldest(Work& work, const OldestAsked& asked, const std::vector<Row>& rows) {
  work.state.forgetting = false;
  auto& list = list_of(work, asked.list);
  std::uint64_t gone = 0;
  for (const auto& row : rows) {
    if (list.size() - gone <= list.most()) break;
    work.say(Erase{row.table, row.key});
    ++gone;
  }
  // No rows although some were counted: the number was wrong, and is corrected.
  work.say(list.remove(rows.empty() ? list.size() : gone));
}

}  // namespace doze::forwarding
