#include "payment/describe.h"

#include "effects/heights.h"
#include "offers/invoice.h"
#include "payment/holding.h"
#include "payment/state.h"

namespace doze::payment {

namespace {
/// What a payment that has not ended waits for, and whether this app may close meanwhile: whether nothing is lost by
/// it.
struct Outlook {
  bool safe_to_sleep = false;
  std::string message;
};

std::string at_height(BlockHeight height, const Context& context) {
  return "height " + std::to_string(height.value()) + " (about " + time_text(time_of_height(context, height)) + ")";
}

/// Nothing can release it any more: our peer gives it back, and if it does not, the channel has to be closed.
Outlook without_release(const Outgoing& payment, const Context& context, const std::string& why) {
  const auto* attempt = sent_attempt(payment);
  auto expiry = attempt == nullptr ? BlockHeight(0) : BlockHeight(attempt->htlc_expiry.value());
  auto fail_back = attempt == nullptr || !attempt->hold ? BlockHeight(0) : attempt->hold->fail_back;
  if (context.tip < fail_back)
    return {true, why + ": it ends without action at " + at_height(fail_back, context) + ", this app may close"};
  if (context.tip < expiry)
    return {false, why + ": our peer should have failed it back at height " + std::to_string(fail_back.value()) +
                       ", and has until " + at_height(expiry, context) + ": stay online so that it can do so"};
  return {false, why + ", and it has expired: the channel is force-closed if our peer does not fail it back soon"};
}

Outlook late_for_release(const Outgoing& payment, const Context& context) {
  return without_release(payment, context, "the release deadline is over and the recipient did not wake");
}
bool is_late(const Outgoing& payment, const Context& context) {
  const auto* terms = hold_terms(payment);
  return terms != nullptr && context.tip >= terms->release_deadline;
}

// ---- what each state waits for. nullopt: nothing that the payer could do something about ----

template <class S>
  requires(OneOf<S, Fetching> || Over<S>)
std::optional<Outlook> outlook_in(const Outgoing& /*payment*/, const Context& /*context*/, const S& /*state*/) {
  return std::nullopt;
}
template <class S>
  requires OneOf<S, AwaitingChain, AwaitingHolder>
std::optional<Outlook> outlook_in(const Outgoing& /*payment*/, const Context& context, const S& /*state*/) {
  if (!context.views.chain_synced) return Outlook{false, "waits for our block chain: nothing was sent yet"};
  return Outlook{false, "waits for the channel peer that holds it: nothing was sent yet"};
}
std::optional<Outlook> outlook_in(const Outgoing& payment, const Context& /*context*/, const Sending& /*state*/) {
  if (!payment.is_static) return std::nullopt;
  return Outlook{false, "stay online until the recipient wakes"};
}
template <OnlineState S>
std::optional<Outlook> outlook_in(const Outgoing& /*payment*/, const Context& /*context*/, const S& /*state*/) {
  return Outlook{false, "stay online until the recipient wakes"};
}
std::optional<Outlook> outlook_in(const Outgoing& payment, const Context& context, const Committing& /*state*/) {
  if (is_late(payment, context)) return late_for_release(payment, context);
  return Outlook{false, "our LSP has not yet confirmed the hold: stay online"};
}
template <Holding S>
std::optional<Outlook> outlook_in(const Outgoing& payment, const Context& context, const S& state) {
  if (state.hold.release_paths.empty()) return without_release(payment, context, "our LSP sent no usable release path");
  if (is_late(payment, context)) return late_for_release(payment, context);
  if (std::is_same_v<S, Notified>) return Outlook{true, "the recipient's server has the message: this app may close"};
  if (!state.hold.confirmed) return Outlook{false, "our LSP has not yet confirmed the hold: stay online"};
  return Outlook{false, "only a relay has the message so far: closing now may lose the announcement"};
}

std::optional<Outlook> outlook_of(const Outgoing& payment, const Context& context) {
  auto htlc = htlc_of(payment);
  if (!payment.over() && htlc && context.views.is_on_chain(htlc->channel_id))
    return Outlook{false, "its channel is closed on chain: stay online until the HTLC is resolved there"};
  return std::visit([&](const auto& state) { return outlook_in(payment, context, state); }, payment.state);
}

/// What was agreed: shown to the payer, for whom the signed invoice with the preimage is the receipt.
void add_agreement(Value& out, const Outgoing& payment, InList in_list) {
  if (payment.is_bolt11) {
    out.set("invoice", payment.offer);
    return;
  }
  out.set("offer", payment.offer);
  if (payment.quantity) out.set("quantity", *payment.quantity);
  if (!payment.payer_note.empty()) out.set("payer_note", payment.payer_note);
  if (payment.invoice.empty()) return;
  if (payment.is_static) {
    if (in_list == InList::No) out.set("static_invoice_hex", to_hex(payment.invoice));
  } else if (auto invoice = offers::Invoice::parse(payment.invoice)) {
    out.set("invoice", invoice->text()).set("invoice_created_at", time_text(invoice->created_at()));
  }
}
}  // namespace

Value describe(const Outgoing& payment, const Context& context, InList in_list) {
  Value out;
  out.set("payment_id", payment.id.hex())
      .set("direction", "outgoing")
      .set("state", name(payment))
      .set("amount_msat", payment.amount.value())
      .set("created_at", time_text(payment.created_at));
  if (const auto* attempt = sent_attempt(payment))
    out.set("fee_msat", sub_or_zero(attempt->sent, payment.amount).value());
  if (payment.payment_hash) out.set("payment_hash", payment.payment_hash->hex());
  out.set("static_invoice", payment.is_static);
  add_agreement(out, payment, in_list);
  if (!payment.idempotency_key.empty()) out.set("idempotency_key", payment.idempotency_key);
  if (const auto* terms = payment.over() ? nullptr : hold_terms(payment)) {
    add_deadline(out, "release_deadline", terms->release_deadline, context);
    add_deadline(out, "fail_back", terms->fail_back, context);
  }
  if (auto outlook = outlook_of(payment, context))
    out.set("safe_to_sleep", outlook->safe_to_sleep).set("message", std::move(outlook->message));
  if (payment.settled()) {
    // The payer of a static invoice chose the preimage itself: it proves nothing.
    if (!payment.is_static && payment.preimage) out.set("payment_preimage", to_hex(payment.preimage->reveal()));
    // A preimage without the signed invoice is no receipt. BOLT 12, "Invoices".
    out.set("proof_of_payment", !payment.is_static && payment.preimage && out.find("invoice") != nullptr);
  }
  if (payment.over()) out.set("ended_at", time_text(payment.ended_at()));
  if (!payment.failure().empty()) out.set("failure", payment.failure());
  return out;
}

namespace {
/// The height from which on the peer may be taking it back: this node must have claimed it on chain by then.
BlockHeight awake_by(const Incoming& payment) {
  return blocks_before(payment.cltv_expiry, kFulfillmentDeadline);
}

Outlook outlook_of(const Incoming& payment, const Context& context) {
  if (payment.state == IncomingState::Settled) return {true, ""};
  if (payment.state == IncomingState::Lost)
    return {true, "the channel closed on chain before our peer removed the HTLC, and others took it there"};
  const auto* channel = context.views.channel(payment.htlc.channel_id);
  if (context.views.is_on_chain(payment.htlc.channel_id))
    return {false, "its channel closes on chain: stay online until listchannels says that it is closed"};
  return {false, std::string(channel->usable ? "our peer has not yet removed the HTLC: stay online for a moment"
                                             : "our peer has not removed the HTLC and is offline") +
                     "; this node must be awake again by " + at_height(awake_by(payment), context)};
}
}  // namespace

Fields facts(const Incoming& payment, const Context& context) {
  Fields out{{"direction", "incoming"},
             {"state", name(payment.state)},
             {"amount_msat", payment.amount.value()},
             {"payment_hash", payment.payment_hash.hex()}};
  if (!payment.offer_id.is_zero()) out.emplace_back("offer_id", payment.offer_id.hex());
  if (payment.quantity) out.emplace_back("quantity", *payment.quantity);
  if (!payment.payer_note.empty()) out.emplace_back("payer_note", payment.payer_note);
  out.emplace_back("safe_to_sleep", outlook_of(payment, context).safe_to_sleep);
  if (payment.state == IncomingState::Claiming) out.emplace_back("awake_by_height", awake_by(payment).value());
  return out;
}

Value describe(const Incoming& payment, const Payments::Inside& state, const Context& context) {
  Value out;
  out.set("payment_hash", payment.payment_hash.hex())
      .set("direction", "incoming")
      .set("state", name(payment.state))
      .set("amount_msat", payment.amount.value())
      .set("offer_id", payment.offer_id.is_zero() ? Value() : Value(payment.offer_id.hex()))
      .set("static_invoice", payment.is_static)
      .set("payer_note", payment.payer_note);
  if (payment.quantity) out.set("quantity", *payment.quantity);
  if (auto offer = context.views.offers.find(payment.offer_id); offer != context.views.offers.end())
    out.set("offer", offer->second.offer.text());
  if (auto issued = state.invoices.find(payment.payment_hash)) out.set("invoice", issued->invoice);
  out.set("created_at", time_text(payment.received_at));
  auto outlook = outlook_of(payment, context);
  out.set("safe_to_sleep", outlook.safe_to_sleep);
  if (!outlook.message.empty()) out.set("message", std::move(outlook.message));
  if (payment.state == IncomingState::Claiming)
    add_deadline(out, "awake_by", awake_by(payment), context);
  else
    out.set("ended_at", time_text(payment.ended_at.value() != 0 ? payment.ended_at : payment.received_at));
  return out;
}

}  // namespace doze::payment
