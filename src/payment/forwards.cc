// HTLCs for others: ordinary forwards and the hold ledger. Every change of state is a compare-and-swap in `move`.
#include <algorithm>

#include "payment/inside.h"
#include "payment/onions.h"

namespace doze::payment {

const char* name(ForwardState state) {
  switch (state) {
    case ForwardState::Early:
      return "early";
    case ForwardState::Held:
      return "held";
    case ForwardState::Released:
      return "released";
    case ForwardState::Waiting:
      return "waiting";
    case ForwardState::Forwarded:
      return "forwarded";
    case ForwardState::Settled:
      return "settled";
    case ForwardState::Failed:
      return "failed";
  }
  return "unknown";
}

bool funding_gone(const Context& context, const ChannelId& id) {
  const auto* channel = context.views.channel(id);
  return channel != nullptr && channel->reorganised;
}

bool is_on_chain(const Context& context, const ChannelId& id) {
  const auto* channel = context.views.channel(id);
  return channel == nullptr || channel->phase == ChannelPhase::ForceClosing || channel->phase == ChannelPhase::Closed;
}

namespace {

/// Nobody would pay us back: claiming on chain is not there yet.
constexpr const char* kOwnChannelGone = "the channel that it came over is closed";

Fields facts(const Forward& forward) {
  return {{"channel_id", forward.incoming.channel_id.hex()},
          {"htlc_id", forward.incoming.htlc_id},
          {"amount_msat", forward.amount_in.value()}};
}

/// The only way for a row to change its state: from exactly this one, or not at all.
[[nodiscard]] bool move(Work& work, Forward& forward, ForwardState from, ForwardState to) {
  if (forward.state != from) return false;
  forward.state = to;
  if (to == ForwardState::Released && forward.turn == 0) forward.turn = work.state.next_turn++;
  if (is_terminal(to)) {
    forward.ended_at = work.context.wall;
    forward.next_onion.clear();
    forward.wait_until.reset();
  }
  work.say(record(forward));
  return true;
}

/// What BOLT 4, "Failure Messages", wants beside the code; the channel_update, which comes last, is left out.
Bytes failure_data(const Forward& forward, std::uint16_t code) {
  switch (code) {
    case onion::kAmountBelowMinimum:
      return Writer().u64(forward.amount_out.value()).take();
    case onion::kFeeInsufficient:
      return Writer().u64(forward.amount_in.value()).take();
    case onion::kIncorrectCltvExpiry:
      return Writer().u32(forward.expiry_out.value()).take();
    default:
      return {};
  }
}

/// Fail the incoming HTLC with a code of ours, in the way that its place in a blinded path allows.
void fail_upstream(Work& work, const Forward& forward, std::uint16_t code) {
  const auto& [channel_id, htlc_id] = forward.incoming;
  if (forward.role == onion::BlindedRole::Inside)
    return work.say(FailMalformedHtlc{channel_id, htlc_id, forward.sha256_of_onion, onion::kInvalidOnionBlinding});
  if (forward.role == onion::BlindedRole::Introduction)
    return work.say(
        FailHtlc{channel_id, htlc_id, onion::blinded_failure(forward.shared_secret, forward.sha256_of_onion)});
  work.say(FailHtlc{channel_id, htlc_id, onion::own_failure(forward.shared_secret, code, failure_data(forward, code))});
}

/// How long an ordinary forward waits for its next peer: for a client that was sent mail, or is connected and about to
/// be usable, since HTLCs will come for it; for one that has just left, as long as a change of networks takes; for
/// nobody else. After our own start every client may be on its way back: it had no chance to reconnect yet.
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

/// An ordinary forward to a client that was sent mail: it may have been held for it, and many come at once when it
/// wakes.
bool comes_for_woken_client(const Work& work, const Forward& forward) {
  const auto* next = work.context.views.channel(forward.next_channel);
  if (next == nullptr || !work.context.views.is_client(next->peer)) return false;
  auto it = work.state.awake.find(next->peer);
  return it != work.state.awake.end() && after_ms(it->second, kClientAwakeWindowMs) > work.context.mono;
}

}  // namespace

void end_failed(Work& work, Forward& forward, ForwardState from, std::string why, std::uint16_t code) {
  if (!move(work, forward, from, ForwardState::Failed)) return;
  forward.failure = std::move(why);
  work.say(record(forward));
  fail_upstream(work, forward, code);
  auto told = facts(forward);
  told.emplace_back("reason", forward.failure);
  work.notify(Severity::Info, forward.hold ? Event("hold_failed") : Event("forward_failed"), std::move(told));
}

bool is_parked(const Forward& forward) {
  return forward.state == ForwardState::Held || forward.state == ForwardState::Released ||
         forward.state == ForwardState::Waiting;
}

namespace {
/// Why one more, which is counted already, may not wait. nullptr: it may.
const char* crowded(Work& work, const Forward& forward) {
  const auto& index = work.state.forwards.index();
  if (ForwardIndex::count(index.waiting_for, forward.next_channel) > kMaxWaitingForChannel)
    return "too many HTLCs wait for the next channel";
  if (ForwardIndex::count(index.waiting_of, forward.peer) > kMaxWaitingOfPeer)
    return "too many HTLCs of this peer wait for their next channels";
  return index.waiting.size() > kMaxWaitingForwards ? "too many HTLCs wait for their next channels" : nullptr;
}

/// An ordinary one waits, or fails at once where too many wait already.
void wait_for_next(Work& work, Forward& forward, std::uint64_t ms) {
  if (const auto* why = crowded(work, forward))
    return end_failed(work, forward, forward.state, why, onion::kTemporaryChannelFailure);
  if (!forward.wait_until) forward.wait_until = after_ms(work.context.mono, ms);
}
}  // namespace

void try_forward(Work& work, Forward& forward) {
  const auto* next = work.context.views.channel(forward.next_channel);
  if (work.context.tip >= forward.fail_back)
    return end_failed(work, forward, forward.state, "its deadline came", onion::kTemporaryChannelFailure);
  if (is_on_chain(work.context, forward.incoming.channel_id))
    return end_failed(work, forward, forward.state, kOwnChannelGone, onion::kTemporaryChannelFailure);
  if (next == nullptr || next->phase != ChannelPhase::Normal)
    return end_failed(work, forward, forward.state, "the next channel is gone", onion::kUnknownNextPeer);
  // Behind: the height of its deadline may have passed long ago. Or the incoming channel is no money for the moment.
  if (!work.context.views.chain_synced || funding_gone(work.context, forward.incoming.channel_id)) {
    if (forward.state == ForwardState::Waiting) wait_for_next(work, forward, kClientForwardWaitMs);
    return;
  }
  if (!next->usable) {
    if (forward.state == ForwardState::Released) return;  // durable; waits until usable or the fail-back height
    if (auto wait = waits_for_ms(work, *next); wait != 0) return wait_for_next(work, forward, wait);
    return end_failed(work, forward, forward.state, "the next peer is offline", onion::kTemporaryChannelFailure);
  }
  AddHtlc add{forward.next_channel,  ForwardOrigin{forward.incoming.channel_id, forward.incoming.htlc_id},
              forward.amount_out,    forward.payment_hash,
              forward.expiry_out,    forward.next_onion,
              forward.next_path_key, std::nullopt};
  // Durable before it is offered: this record and the channel's are one batch.
  if (move(work, forward, forward.state, ForwardState::Forwarded)) work.say(std::move(add));
}

namespace {

BlockHeight fail_back_height(const Forward& forward) {
  if (!forward.hold) return blocks_before(forward.expiry_out, CltvDelta(kMinOutgoingLeft.value() - 1));
  return std::min(blocks_before(forward.expiry_out, kFailBackOutgoing),
                  blocks_before(forward.expiry_in, kFailBackIncoming));
}

struct CannotForward {
  std::string why;
  std::uint16_t code = 0;
};

/// Everything that must be right before an HTLC is taken for forwarding or holding.
std::optional<CannotForward> check_forward(const Work& work, const Forward& forward, const ChannelView* next) {
  const auto& context = work.context;
  if (!context.views.chain_synced && work.state.behind_since &&
      after_ms(*work.state.behind_since, kChainPatienceMs) <= context.mono)
    return CannotForward{"our block chain is behind", onion::kTemporaryNodeFailure};
  if (next == nullptr) return CannotForward{"no such next channel", onion::kUnknownNextPeer};
  if (next->channel_id == forward.incoming.channel_id)
    return CannotForward{"back where it came from", onion::kUnknownNextPeer};
  const auto& policy = context.config.fees;
  auto fee = sub(forward.amount_in, forward.amount_out);
  auto wanted = policy.fee_base.value() + forward.amount_out.value() / 1'000'000 * policy.fee_proportional_millionths +
                forward.amount_out.value() % 1'000'000 * policy.fee_proportional_millionths / 1'000'000;
  if (!fee || fee->value() < wanted) return CannotForward{"fee too low", onion::kFeeInsufficient};
  if (forward.amount_out < policy.htlc_minimum)
    return CannotForward{"amount below our minimum", onion::kAmountBelowMinimum};
  // The sender chooses both: their sum may not fit into 32 bits.
  if (forward.expiry_in.value() < std::uint64_t{forward.expiry_out.value()} + policy.cltv_expiry_delta.value())
    return CannotForward{"expiry delta too small", onion::kIncorrectCltvExpiry};
  if (blocks_until(forward.expiry_in, context.tip) > kMaxIncomingExpiry)
    return CannotForward{"expiry too far away", onion::kExpiryTooFar};
  if (blocks_until(forward.expiry_out, context.tip) < kMinOutgoingLeft)
    return CannotForward{"expiry too soon", onion::kExpiryTooSoon};
  return std::nullopt;
}

std::optional<CannotForward> check_hold(Work& work, const Forward& forward) {
  const auto& config = work.context.config;
  bool offered = *forward.hold == Profile::Ldk ? config.offers_ldk_hold : config.offers_draft_hold;
  if (!offered || config.role != Role::Server) return CannotForward{"we do not hold", onion::kTemporaryNodeFailure};
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

void receive_forward(Work& work, const HtlcReceived& word, const onion::PeeledForward& onion) {
  HtlcKey key{word.channel_id, word.htlc.id};
  auto& rows = work.state.forwards;
  const auto* existing = rows.live(key);
  bool released_early = existing != nullptr && existing->state == ForwardState::Early;
  Forward forward;
  forward.incoming = key;
  forward.peer = word.peer;
  forward.hold = word.htlc.hold_htlc;
  forward.payment_hash = word.htlc.payment_hash;
  forward.amount_in = word.htlc.amount_msat;
  forward.expiry_in = word.htlc.cltv_expiry;
  forward.amount_out = onion.amt_to_forward;
  forward.expiry_out = onion.outgoing_cltv_value;
  forward.next_onion = onion.next_onion;
  forward.next_path_key = onion.next_path_key;
  forward.role = onion.role;
  forward.shared_secret = onion.shared_secret;
  forward.sha256_of_onion = onion.sha256_of_onion;
  forward.received_at = work.context.wall;
  const auto* next =
      std::visit(Overloaded{[&](ShortChannelId scid) { return work.context.views.channel_by_scid(scid); },
                            [&](const NodeId& node) { return channel_to(work.context, node); }},
                 onion.next);
  if (next != nullptr) forward.next_channel = next->channel_id;
  forward.fail_back = fail_back_height(forward);

  auto refusal = check_forward(work, forward, next);
  if (word.too_much_dust) refusal = CannotForward{"too much dust in the channel", onion::kTemporaryChannelFailure};
  if (funding_gone(work.context, word.channel_id))
    refusal = CannotForward{"the channel's funding left the chain", onion::kTemporaryChannelFailure};
  if (!refusal && forward.hold) refusal = check_hold(work, forward);
  if (!refusal && forward.hold && word.no_release_path)
    refusal = CannotForward{"it got no release path", onion::kTemporaryNodeFailure};
  forward.state = forward.hold && !released_early ? ForwardState::Held
                  : forward.hold                  ? ForwardState::Released
                                                  : ForwardState::Waiting;
  if (forward.state == ForwardState::Released) forward.turn = work.state.next_turn++;
  auto& row = rows.add(std::move(forward));
  if (refusal) return end_failed(work, row, row.state, refusal->why, refusal->code);
  work.say(record(row));
  if (row.state == ForwardState::Held) {
    auto told = facts(row);
    told.emplace_back("fail_back_height", row.fail_back.value());
    return work.notify(Severity::Info, "htlc_held", std::move(told));
  }
  row.state == ForwardState::Released ? forward_released(work, row) : try_forward(work, row);
}

/// Released early, and then it is nothing to forward: nobody would ever look at the row again.
void forget_early(Work& work, const HtlcKey& key) {
  const auto* row = work.state.forwards.live(key);
  if (row == nullptr || row->state != ForwardState::Early) return;
  work.say(Erase{Table::Forward, key_of(key)});
  work.state.forwards.erase(key);
}

Forward* find(Work& work, const ForwardOrigin& origin) {
  return work.state.forwards.edit(HtlcKey{origin.channel_id, origin.htlc_id});
}

}  // namespace

void on(Work& work, const HtlcReceived& word) {
  auto peeled = peel(work.context, word.htlc);
  if (!std::holds_alternative<onion::PeeledForward>(peeled)) forget_early(work, HtlcKey{word.channel_id, word.htlc.id});
  bool ours = std::holds_alternative<onion::PeeledFinal>(peeled) || std::holds_alternative<onion::PeeledPlain>(peeled);
  if (ours && !work.context.views.chain_synced && !word.too_much_dust && !funding_gone(work.context, word.channel_id))
    return park(work, word);
  std::visit(
      Overloaded{[&](const onion::PeeledForward& onion) { receive_forward(work, word, onion); },
                 [&](const onion::PeeledFinal& onion) { receive_final(work, word, onion); },
                 [&](const onion::PeeledPlain& onion) { receive_plain(work, word, onion); },
                 [&](const onion::PeelFailure& failure) {
                   if (failure.malformed)
                     work.say(FailMalformedHtlc{word.channel_id, word.htlc.id, failure.sha256_of_onion, failure.code});
                   else
                     work.say(FailHtlc{word.channel_id, word.htlc.id, failure.reason});
                   work.notify(
                       Severity::Info, "htlc_refused",
                       {{"channel_id", word.channel_id.hex()}, {"htlc_id", word.htlc.id}, {"reason", failure.why}});
                 }},
      peeled);
}

void on_release_held_htlc(Work& work, const OnionMessageReceived& word) {
  if (!word.path_id) return;
  auto key = read_release_path(work.context, *word.path_id);
  if (!key) {
    if (auto data = open(work.context.signer, PathPurpose::ReleaseReply, *word.path_id))
      if (auto id = PaymentId::from(*data)) payer_released(work, *id);
    return;
  }
  auto* found = work.state.forwards.edit(*key);
  if (found == nullptr) return release_early(work, *key);
  auto& forward = *found;
  if (!forward.hold || !move(work, forward, ForwardState::Held, ForwardState::Released)) return;
  work.notify(Severity::Info, "hold_released", facts(forward));
  forward_released(work, forward);
}

void forward_added(Work& work, const ForwardOrigin& origin, const HtlcAdded& word) {
  auto* forward = find(work, origin);
  if (forward == nullptr || forward->state != ForwardState::Forwarded) return;
  forward->outgoing_htlc = word.htlc_id;
  work.say(record(*forward));
  if (forward->turn != 0) offer_next(work, word.channel_id, forward->turn);
}

void forward_refused(Work& work, const ForwardOrigin& origin, const HtlcRefused& word) {
  auto* forward = find(work, origin);
  if (forward == nullptr || forward->state != ForwardState::Forwarded) return;
  forward->outgoing_htlc.reset();  // it may have been added, and dropped before it was signed
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
  end_failed(work, *forward, ForwardState::Forwarded, std::string("the next channel refused it: ") + name(word.reason),
             onion::kTemporaryChannelFailure);
}

void forward_fulfilled(Work& work, const ForwardOrigin& origin, const HtlcFulfilled& word) {
  auto* forward = find(work, origin);
  if (forward == nullptr || !move(work, *forward, ForwardState::Forwarded, ForwardState::Settled)) {
    // The channel says an outcome once, and only for what we offered: our own bug, but the preimage must not be lost.
    work.notify(Severity::Error, "unexpected_settlement",
                {{"channel_id", word.channel_id.hex()}, {"htlc_id", word.htlc_id}});
    return;
  }
  work.say(FulfillHtlc{origin.channel_id, origin.htlc_id, word.preimage});
  if (is_on_chain(work.context, origin.channel_id)) {  // paid onward, and nothing came for it
    forward->failure = "the incoming channel is closed: its HTLC is not claimed by this version";
    work.say(record(*forward));
    auto told = facts(*forward);
    told.emplace_back("reason", forward->failure);
    return work.notify(Severity::Error, "forward_not_collected", std::move(told));
  }
  work.notify(Severity::Info, forward->hold ? Event("hold_settled") : Event("forward_settled"), facts(*forward));
}

void forward_failed(Work& work, const ForwardOrigin& origin, const HtlcFailed& word) {
  auto* forward = find(work, origin);
  if (forward == nullptr || !move(work, *forward, ForwardState::Forwarded, ForwardState::Failed)) return;
  forward->failure = "failed downstream";
  work.say(record(*forward));
  const auto& [channel_id, htlc_id] = forward->incoming;
  if (forward->role != onion::BlindedRole::None) {
    fail_upstream(work, *forward, onion::kInvalidOnionBlinding);
  } else {
    std::visit(
        Overloaded{[&](const Bytes& reason) {
                     // Nobody made it, or the channel dropped what was too large to be passed on.
                     if (reason.size() < onion::kShortestFailure)
                       return fail_upstream(work, *forward, onion::kTemporaryChannelFailure);
                     work.say(FailHtlc{channel_id, htlc_id, onion::wrap_failure(forward->shared_secret, reason)});
                   },
                   [&](const MalformedReason& malformed) {
                     work.say(FailHtlc{channel_id, htlc_id, malformed_failure(forward->shared_secret, malformed)});
                   },
                   [&](const OnChainReason&) {
                     work.say(
                         FailHtlc{channel_id, htlc_id,
                                  onion::own_failure(forward->shared_secret, onion::kPermanentChannelFailure, {})});
                   }},
        word.reason);
  }
  auto told = facts(*forward);
  told.emplace_back("reason", forward->failure);
  work.notify(Severity::Info, forward->hold ? Event("hold_failed") : Event("forward_failed"), std::move(told));
}

void fail_hold(Work& work, RequestId request, const command::FailHold& command) {
  auto* found = work.state.forwards.edit(HtlcKey{command.channel_id, command.htlc_id});
  if (found == nullptr || !found->hold || found->state == ForwardState::Early)
    return work.say(Reply{request, CommandError{CommandErrorCode::NotFound, "no such hold: see listholds", {}}});
  auto& forward = *found;
  if (forward.state != ForwardState::Held && forward.state != ForwardState::Released)
    return work.say(Reply{request, CommandError{CommandErrorCode::Refused,
                                                std::string("it is ") + name(forward.state) +
                                                    ": only held or released ones can be failed",
                                                {}}});
  end_failed(work, forward, forward.state, "failed by the operator", onion::kTemporaryNodeFailure);
  work.say(Reply{request, Value().set("failed", true)});
}

}  // namespace doze::payment
