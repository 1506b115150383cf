#include "forwarding/holds.h"

#include <algorithm>

#include "forwarding/describe.h"
#include "forwarding/history.h"
#include "forwarding/offering.h"
#include "forwarding/records.h"
#include "forwarding/state.h"
#include "forwarding/waits.h"
#include "onion/release_path.h"

namespace doze::forwarding {

std::optional<CannotForward> check_hold(Work& work, const Forward& forward) {
  const auto& config = work.context.config;
  bool offered = *forward.hold == Profile::Ldk ? config.offers_ldk_hold : config.offers_draft_hold;
  if (!offered || config.role != Role::Server)
    return CannotForward{"this node does not hold HTLCs", onion::kTemporaryNodeFailure};
  if (work.context.tip >= forward.fail_back) return CannotForward{"no time left to hold it", onion::kExpiryTooSoon};
  const auto* from = work.context.views.channel(forward.incoming.channel_id);
  auto per_channel = from != nullptr ? std::min(kMaxHeldPerChannel, from->max_held_received) : kMaxHeldPerChannel;
  const auto& index = work.state.forwards.index();
  if (ForwardIndex::count(index.held_in, forward.incoming.channel_id) >= per_channel)
    return CannotForward{"too many held HTLCs in this channel", onion::kTemporaryNodeFailure};
  if (ForwardIndex::count(index.held_of, forward.peer) >= kMaxHeldPerPeer)
    return CannotForward{"too many held HTLCs of this peer", onion::kTemporaryNodeFailure};
  if (index.held >= kMaxHeldPerNode) return CannotForward{"too many held HTLCs", onion::kTemporaryNodeFailure};
  auto minimum = index.held < kMaxHeldPerNode / 2 ? kMinHeld : kMinHeldWhenBusy;
  if (forward.amount_in < minimum) return CannotForward{"too small to be held", onion::kAmountBelowMinimum};
  return std::nullopt;
}

namespace {
/// Stores a release that arrived before its HTLC was committed.
void release_early(Work& work, const HtlcKey& key) {
  if (has_gone(work.context, key)) return;  // its row, which has ended, is no longer in memory
  const auto& index = work.state.forwards.index();
  if (index.early.size() >= kMaxEarly || ForwardIndex::count(index.early_in, key.channel_id) >= kMaxEarlyPerChannel)
    return;
  Forward early;
  early.incoming = key;
  early.state = ForwardState::Early;
  early.received_at = work.context.wall;
  work.say(record(early));
  work.state.forwards.add(std::move(early));
  if (!work.state.early_check) work.state.early_check = after_ms(work.context.mono, kEarlyCheckMs);
}
}  // namespace

void on_release_held_htlc(Work& work, const OnionMessageReceived& word) {
  if (!word.path_id) return;
  auto held = onion::read_release_context(work.context.signer.secret(SecretUse::ReleasePath), *word.path_id);
  if (!held) return;
  HtlcKey key{held->channel_id, held->htlc_id};
  auto* found = work.state.forwards.edit(key);
  if (found == nullptr) return release_early(work, key);
  auto& forward = *found;
  if (!forward.hold || !move(work, forward, ForwardState::Held, ForwardState::Released)) return;  // [AP-hold-04]
  work.notify(Severity::Info, "hold_released", facts(forward));
  forward_released(work, forward);
}

void forget_early(Work& work, const HtlcKey& key) {
  const auto* row = work.state.forwards.live(key);
  if (row == nullptr || row->state != ForwardState::Early) return;
  work.say(Erase{Table::Forward, key_of(key)});
  work.state.forwards.erase(key);
}

void early_deadlines(Work& work) {
  if (!work.state.early_check || *work.state.early_check > work.context.mono) return;
  work.state.early_check.reset();
  std::vector<HtlcKey> old;
  const auto& early = work.state.forwards.index().early;
  for (auto it = early.begin(); it != early.end() && after_s(it->first, kEarlyLifeS) <= work.context.wall; ++it)
    old.push_back(it->second);
  for (const auto& key : old) {
    work.say(Erase{Table::Forward, key_of(key)});
    work.state.forwards.erase(key);
  }
  if (!work.state.forwards.index().early.empty()) work.state.early_check = after_ms(work.context.mono, kEarlyCheckMs);
}

void early_started(Work& work) {
  std::vector<HtlcKey> early;
  for (const auto& [time, key] : work.state.forwards.index().early) early.push_back(key);
  for (const auto& key : early) {
    const auto* channel = work.context.views.channel(key.channel_id);
    if (channel != nullptr && channel->received_htlcs.contains(key.htlc_id)) continue;
    work.say(Erase{Table::Forward, key_of(key)});
    work.state.forwards.erase(key);
  }
  if (!work.state.forwards.index().early.empty()) work.state.early_check = work.context.mono;
}

void fail_hold(Work& work, RequestId request, const command::FailHold& command) {
  auto* found = work.state.forwards.edit(HtlcKey{command.channel_id, command.htlc_id});
  if (found == nullptr || !found->hold || found->state == ForwardState::Early)
    return work.say(Reply{
        request, CommandError{CommandErrorCode::NotFound, "channel_id, htlc_id: no such hold: see listholds", {}}});
  auto& forward = *found;
  if (forward.state != ForwardState::Held && forward.state != ForwardState::Released)
    return work.say(Reply{request, CommandError{CommandErrorCode::Refused,
                                                std::string("the hold is ") + name(forward.state) +
                                                    ": only held or released ones can be failed",
                                                {}}});
  end_failed(work, forward, forward.state, "failed by the operator", onion::kTemporaryNodeFailure);
  work.say(Reply{request, Value().set("failed", true)});
}

}  // namespace doze::forwarding
