// Payments and holds as people and programs see them: the same words everywhere, each with its deadline.
#include "payment/inside.h"

namespace doze::payment {

namespace {
constexpr std::uint64_t kBlockSeconds = 600;

void add_deadline(Value& out, const char* what, BlockHeight height, const Context& context) {
  out.set(std::string(what) + "_height", height.value());
  out.set(std::string(what) + "_blocks",
          height > context.tip ? height.value() - context.tip.value() : std::uint32_t{0});
  out.set(std::string(what) + "_time", time_text(time_of_height(context, height)));
}

/// Without a hold a static-invoice payment is `fetching` until the recipient's node is notified.
const char* shown_state(const Outgoing& payment) {
  if (payment.is_static && !payment.held && payment.state == OutgoingState::Held) return name(OutgoingState::Fetching);
  return name(payment.state);
}
/// What a payment that has not ended waits for.
const char* message_of(const Outgoing& payment, const Context& context, bool lost_channel) {
  if (lost_channel) return "its channel is closed on chain: this version does not follow the HTLC there";
  bool waits = !payment.htlc && (payment.held || payment.awaits_chain());
  if (waits && !context.views.chain_synced) return "waits for our block chain: nothing was sent yet";
  if (waits) return "waits for the channel peer that holds it: nothing was sent yet";
  if (!payment.held) return "stay online until the recipient wakes";
  if (payment.state == OutgoingState::Notified) return "the recipient's server has the message: this app may close";
  return "only a relay has the message so far: closing now may lose the announcement";
}
}  // namespace

UnixTime time_of_height(const Context& context, BlockHeight height) {
  std::uint64_t blocks = height > context.tip ? height.value() - context.tip.value() : 0;
  return after_s(context.wall, blocks * kBlockSeconds);
}

Value describe(const Outgoing& payment, const Context& context) {
  Value out;
  out.set("payment_id", payment.id.hex())
      .set("direction", "outgoing")
      .set("state", shown_state(payment))
      .set("amount_msat", payment.amount.value())
      .set("created_at", time_text(payment.created_at));
  if (payment.htlc || payment.state == OutgoingState::Settled)
    out.set("fee_msat", sub_or_zero(payment.sent, payment.amount).value());
  if (payment.payment_hash) out.set("payment_hash", payment.payment_hash->hex());
  out.set("static_invoice", payment.is_static);
  if (payment.is_bolt11) out.set("invoice", payment.offer);
  if (!is_terminal(payment.state) && payment.held && payment.htlc) {
    add_deadline(out, "release_deadline", payment.release_deadline, context);
    add_deadline(out, "fail_back", payment.fail_back, context);
  }
  bool lost_channel = payment.htlc && is_on_chain(context, payment.htlc->channel_id);
  if (!is_terminal(payment.state) && (payment.is_static || lost_channel || payment.awaits_chain())) {
    out.set("safe_to_sleep", payment.held && payment.state == OutgoingState::Notified && !lost_channel);
    out.set("message", message_of(payment, context, lost_channel));
  }
  if (payment.state == OutgoingState::Settled) {
    // The payer of a static invoice chose the preimage itself: it proves nothing.
    if (!payment.is_static && payment.preimage) out.set("payment_preimage", to_hex(payment.preimage->reveal()));
    out.set("proof_of_payment", !payment.is_static);
  }
  if (is_terminal(payment.state)) out.set("ended_at", time_text(payment.ended_at));
  if (!payment.failure.empty()) out.set("failure", payment.failure);
  return out;
}

Value describe(const Incoming& payment) {
  Value out;
  out.set("payment_hash", payment.payment_hash.hex())
      .set("direction", "incoming")
      .set("state", "settled")
      .set("amount_msat", payment.amount.value())
      .set("offer_id", payment.offer_id.is_zero() ? Value() : Value(payment.offer_id.hex()))
      .set("static_invoice", payment.is_static)
      .set("payer_note", payment.payer_note)
      .set("created_at", time_text(payment.received_at));
  return out;
}

Value describe(const Forward& forward) {
  Value out;
  out.set("channel_id", forward.incoming.channel_id.hex())
      .set("htlc_id", forward.incoming.htlc_id)
      .set("state", name(forward.state))
      .set("held", forward.hold.has_value())
      .set("amount_in_msat", forward.amount_in.value())
      .set("amount_out_msat", forward.amount_out.value())
      .set("fee_msat", sub_or_zero(forward.amount_in, forward.amount_out).value())
      .set("next_channel_id", forward.next_channel.hex())
      .set("received_at", time_text(forward.received_at));
  if (is_terminal(forward.state)) out.set("ended_at", time_text(forward.ended_at));
  if (!forward.failure.empty()) out.set("failure", forward.failure);
  return out;
}

Value describe_hold(const Forward& forward, const Context& context) {
  Value out;
  const auto& key = forward.incoming;
  out.set("channel_id", key.channel_id.hex()).set("htlc_id", key.htlc_id).set("state", name(forward.state));
  if (const auto* from = context.views.channel(key.channel_id)) out.set("peer", from->peer.hex());
  out.set("amount_msat", forward.amount_in.value())
      .set("forward_msat", forward.amount_out.value())
      .set("next_channel_id", forward.next_channel.hex())
      .set("profile", name(forward.hold.value_or(Profile::Ldk)))
      .set("received_at", time_text(forward.received_at));
  add_deadline(out, "fail_back", forward.fail_back, context);
  return out;
}

}  // namespace doze::payment
