#include "forwarding/arriving.h"

#include <algorithm>

#include "forwarding/describe.h"
#include "forwarding/holds.h"
#include "forwarding/offering.h"
#include "forwarding/records.h"
#include "forwarding/state.h"
#include "forwarding/waits.h"
#include "paths/own_paths.h"

namespace doze::forwarding {

namespace {

BlockHeight fail_back_height(const Forward& forward) {
  if (!forward.hold) return blocks_before(forward.expiry_out, CltvDelta(kMinOutgoingLeft.value() - 1));
  return std::min(blocks_before(forward.expiry_out, kFailBackOutgoing),
                  blocks_before(forward.expiry_in, kFailBackIncoming));
}

/// Everything that must be right before an HTLC is taken for forwarding or holding.
std::optional<CannotForward> check_forward(const Work& work, const Forward& forward, const ChannelView* next) {
  const auto& context = work.context;
  if (!context.views.chain_synced && work.state.behind_since &&
      after_ms(*work.state.behind_since, kChainPatienceMs) <= context.mono)
    return CannotForward{"our block chain is behind", onion::kTemporaryNodeFailure};
  // [B4-peel-06]
  if (next == nullptr)
    return CannotForward{"the outgoing channel does not exist", onion::kUnknownNextPeer};  // [B4-read-17]
  if (next->channel_id == forward.incoming.channel_id)
    return CannotForward{"the next hop is the peer that sent the HTLC", onion::kUnknownNextPeer};
  const auto& policy = context.config.fees;
  auto fee = sub(forward.amount_in, forward.amount_out);
  auto wanted = policy.fee_base.value() + forward.amount_out.value() / 1'000'000 * policy.fee_proportional_millionths +
                forward.amount_out.value() % 1'000'000 * policy.fee_proportional_millionths / 1'000'000;
  if (!fee || fee->value() < wanted) return CannotForward{"fee too low", onion::kFeeInsufficient};  // [B4-read-18]
  if (forward.amount_out < policy.htlc_minimum)
    return CannotForward{"amount below our minimum", onion::kAmountBelowMinimum};
  // The sender chooses both: their sum may not fit into 32 bits.
  if (forward.expiry_in.value() < std::uint64_t{forward.expiry_out.value()} + policy.cltv_expiry_delta.value())
    return CannotForward{"expiry delta too small", onion::kIncorrectCltvExpiry};  // [B2-fwd-04, B4-read-18]
  if (blocks_until(forward.expiry_in, context.tip) > kMaxIncomingExpiry)
    return CannotForward{"expiry too far away", onion::kExpiryTooFar};  // [B2-fwd-05]
  if (blocks_until(forward.expiry_out, context.tip) < kMinOutgoingLeft)
    return CannotForward{"expiry too soon", onion::kExpiryTooSoon};  // [B2-dead-03]
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
                            [&](const NodeId& node) { return work.context.views.channel_to(node); }},
                 onion.next);
  if (next != nullptr) forward.next_channel = next->channel_id;
  forward.fail_back = fail_back_height(forward);

  auto refusal = check_forward(work, forward, next);
  if (word.too_much_dust) refusal = CannotForward{"too much dust in the channel", onion::kTemporaryChannelFailure};
  if (work.context.views.funding_gone(word.channel_id))
    refusal = CannotForward{"the channel's funding transaction was reorganised out of the chain",
                            onion::kTemporaryChannelFailure};
  if (!refusal && forward.hold) refusal = check_hold(work, forward);
  if (!refusal && forward.hold && word.no_release_path)
    refusal = CannotForward{"the HTLC got no release path", onion::kTemporaryNodeFailure};
  forward.state = forward.hold && !released_early ? ForwardState::Held  // [AP-hold-03]
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

}  // namespace

void hear(Work& work, const HtlcReceived& word) {
  const auto& signer = work.context.signer;
  auto peeled = onion::peel_htlc(word.htlc, signer.node_id(), own_ecdh(signer), work.context.tip);
  if (!std::holds_alternative<onion::PeeledForward>(peeled)) forget_early(work, {word.channel_id, word.htlc.id});
  std::visit(
      Overloaded{[&](onion::PeeledForward& onion) { receive_forward(work, word, onion); },
                 [&](onion::PeeledFinal& onion) {
                   work.say(HtlcArrived{word, std::move(onion)});
                 },
                 [&](onion::PeeledPlain& onion) {
                   work.say(HtlcArrived{word, std::move(onion)});
                 },
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

}  // namespace doze::forwarding
