#include "forwarding/offering.h"

#include <algorithm>

#include "forwarding/describe.h"
#include "forwarding/failures.h"
#include "forwarding/records.h"
#include "forwarding/state.h"
#include "forwarding/waits.h"

namespace doze::forwarding {

namespace {

/// No HTLC is offered onward whose own channel is on chain, where it would have to be claimed.
constexpr const char* kOwnChannelGone = "the incoming channel is closed";

/// How long an ordinary forward waits for its next peer. It waits for a client that got mail, because HTLCs follow
/// mail, and for one that is connected and about to be usable. It waits for a client that has just left as long as a
/// change of networks takes, and for no other node. After our own start, any client may be about to reconnect.
std::uint64_t waits_for_ms(const Work& work, const ChannelView& next) {
  if (!work.context.views.is_client(next.peer)) return 0;
  if (work.context.views.connected(next.peer)) return kClientForwardWaitMs;
  if (work.state.started && after_ms(*work.state.started, kClientForwardWaitMs) > work.context.mono)
    return kClientForwardWaitMs;
  auto within = [&](const std::map<NodeId, MonoTime>& times, std::uint64_t ms) {
    auto it = times.find(next.peer);
    return it != times.end() && after_ms(it->second, ms) > work.context.mono;
  };
  if (within(work.state.awake, kClientAwakeWindowMs)) return kClientForwardWaitMs;
  return within(work.state.left, kClientBlinkMs) ? kClientBlinkMs : 0;
}

/// An ordinary forward to a client that got mail: another LSP may have held it, and many arrive at once when it wakes.
bool comes_for_woken_client(const Work& work, const Forward& forward) {
  const auto* next = work.context.views.channel(forward.next_channel);
  if (next == nullptr || !work.context.views.is_client(next->peer)) return false;
  auto it = work.state.awake.find(next->peer);
  return it != work.state.awake.end() && after_ms(it->second, kClientAwakeWindowMs) > work.context.mono;
}

/// Why this forward, which the counts include, may not wait. nullptr: it may.
const char* crowded(Work& work, const Forward& forward) {
  const auto& index = work.state.forwards.index();
  if (ForwardIndex::count(index.waiting_for, forward.next_channel) > kMaxWaitingForChannel)
    return "too many HTLCs wait for the next channel";
  if (ForwardIndex::count(index.waiting_of, forward.peer) > kMaxWaitingOfPeer)
    return "too many HTLCs of this peer wait for their next channels";
  return index.waiting.size() > kMaxWaitingForwards ? "too many HTLCs wait for their next channels" : nullptr;
}

/// An ordinary forward waits, or fails at once if too many wait already.
void wait_for_next(Work& work, Forward& forward, std::uint64_t ms) {
  if (const auto* why = crowded(work, forward))
    return end_failed(work, forward, forward.state, why, onion::kTemporaryChannelFailure);
  if (!forward.wait_until) forward.wait_until = after_ms(work.context.mono, ms);
}
}  // namespace

Forward* find(Work& work, const ForwardOrigin& origin) {
  return work.state.forwards.edit(HtlcKey{origin.channel_id, origin.htlc_id});
}

bool move(Work& work, Forward& forward, ForwardState from, ForwardState to) {
  if (forward.state != from) return false;
  forward.state = to;
  if (to == ForwardState::Released && forward.turn == 0) forward.turn = work.state.next_turn++;
  if (is_terminal(to)) {
    forward.ended_at = work.context.wall;
    forward.next_onion.clear();
    forward.wait_until.reset();
    if (has_gone(work.context, forward.incoming)) return leave(work, forward.incoming), true;
  }
  save(work, forward);
  return true;
}

void end_failed(Work& work, Forward& forward, ForwardState from, std::string why, std::uint16_t code) {
  if (!move(work, forward, from, ForwardState::Failed)) return;
  forward.failure = std::move(why);
  save(work, forward);
  fail_upstream(work, forward, code);
  auto told = facts(forward);
  told.emplace_back("reason", forward.failure);
  work.notify(Severity::Info, forward.hold ? Event("hold_failed") : Event("forward_failed"), std::move(told));
}

void try_forward(Work& work, Forward& forward) {
  const auto* next = work.context.views.channel(forward.next_channel);
  if (work.context.tip >= forward.fail_back)  // [B2-rem-01]
    return end_failed(work, forward, forward.state, "the deadline has passed", onion::kTemporaryChannelFailure);
  if (work.context.views.is_on_chain(forward.incoming.channel_id))
    return end_failed(work, forward, forward.state, kOwnChannelGone, onion::kTemporaryChannelFailure);
  if (next == nullptr || next->phase != ChannelPhase::Normal)
    return end_failed(work, forward, forward.state, "the outgoing channel no longer exists", onion::kUnknownNextPeer);
  // While the chain is behind, the deadline may have passed long ago. Without its funding, the incoming HTLC is
  // worthless.
  if (!work.context.views.chain_synced || work.context.views.funding_gone(forward.incoming.channel_id)) {
    if (forward.state == ForwardState::Waiting) wait_for_next(work, forward, kClientForwardWaitMs);
    return;
  }
  if (!next->usable) {
    if (forward.state == ForwardState::Released) return;  // waits until the channel is usable, or until fail_back
    if (auto wait = waits_for_ms(work, *next); wait != 0) return wait_for_next(work, forward, wait);
    return end_failed(work, forward, forward.state, "the next peer is offline", onion::kTemporaryChannelFailure);
  }
  AddHtlc add{forward.next_channel,  ForwardOrigin{forward.incoming.channel_id, forward.incoming.htlc_id},
              forward.amount_out,    forward.payment_hash,
              forward.expiry_out,    forward.next_onion,
              forward.next_path_key, std::nullopt};
  // This record and the channel's are in one batch, so the forward is durable before it is offered.
  if (move(work, forward, forward.state, ForwardState::Forwarded)) work.say(std::move(add));
}

void forward_added(Work& work, const ForwardOrigin& origin, const HtlcAdded& word) {
  auto* forward = find(work, origin);
  if (forward == nullptr || forward->state != ForwardState::Forwarded) return;
  forward->outgoing_htlc = word.htlc_id;
  save(work, *forward);
  if (forward->turn != 0) offer_next(work, word.channel_id, forward->turn);
}

void forward_refused(Work& work, const ForwardOrigin& origin, const HtlcRefused& word) {
  auto* forward = find(work, origin);
  if (forward == nullptr || forward->state != ForwardState::Forwarded) return;
  forward->outgoing_htlc.reset();  // the HTLC may have been added, and dropped before it was signed
  if (word.reason == AddRefusal::NotUsable) {
    auto back = forward->hold ? ForwardState::Released : ForwardState::Waiting;
    if (!move(work, *forward, ForwardState::Forwarded, back)) return;
    if (forward->hold) return;
    const auto* next = work.context.views.channel(forward->next_channel);
    auto wait = next == nullptr ? 0 : waits_for_ms(work, *next);
    return wait_for_next(work, *forward, std::max(wait, kClientBlinkMs));
  }
  if (waits_for_room(word.reason) && (forward->hold || comes_for_woken_client(work, *forward))) {
    if (forward->turn == 0) forward->turn = work.state.next_turn++;
    auto back = forward->hold ? ForwardState::Released : ForwardState::Waiting;
    if (!move(work, *forward, ForwardState::Forwarded, back)) return;
    if (!forward->hold) wait_for_next(work, *forward, kClientForwardWaitMs);
    return wait_for_room(work, *forward, word.reason);
  }
  end_failed(work, *forward, ForwardState::Forwarded,
             std::string("the outgoing channel refused the HTLC: ") + name(word.reason),
             onion::kTemporaryChannelFailure);
}

void not_collected(Work& work, Forward& forward) {
  forward.failure = "the incoming channel is closed, and its HTLC could not be claimed";
  save(work, forward);
  auto told = facts(forward);
  told.emplace_back("reason", forward.failure);
  work.notify(Severity::Error, "forward_not_collected", std::move(told));
}

void forward_fulfilled(Work& work, const ForwardOrigin& origin, const HtlcFulfilled& word) {
  auto* forward = find(work, origin);
  if (forward == nullptr || !move(work, *forward, ForwardState::Forwarded, ForwardState::Settled)) {
    // The channel emits one outcome per HTLC that we offered, so this is our own bug. It must not go unnoticed.
    work.notify(Severity::Error, "unexpected_settlement",
                {{"channel_id", word.channel_id.hex()}, {"htlc_id", word.htlc_id}});
    return;
  }
  work.say(FulfillHtlc{origin.channel_id, origin.htlc_id, word.preimage});  // [B2-fwd-06]
  if (has_gone(work.context, {origin.channel_id, origin.htlc_id})) return not_collected(work, *forward);
  work.notify(Severity::Info, forward->hold ? Event("hold_settled") : Event("forward_settled"), facts(*forward));
}

void forward_failed(Work& work, const ForwardOrigin& origin, const HtlcFailed& word) {
  auto* forward = find(work, origin);
  if (forward == nullptr || !move(work, *forward, ForwardState::Forwarded, ForwardState::Failed)) return;
  forward->failure = "failed downstream";
  save(work, *forward);
  fail_upstream(work, *forward, word.reason);
  auto told = facts(*forward);
  told.emplace_back("reason", forward->failure);
  work.notify(Severity::Info, forward->hold ? Event("hold_failed") : Event("forward_failed"), std::move(told));
}

}  // namespace doze::forwarding
