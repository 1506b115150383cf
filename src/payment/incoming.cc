#include "payment/incoming.h"

#include "crypto/crypto.h"
#include "offers/invoice_request.h"
#include "paths/own_paths.h"
#include "payment/answers.h"
#include "payment/describe.h"
#include "payment/ended.h"
#include "payment/invoices.h"
#include "payment/records.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

struct Accepted {
  Preimage preimage;
  OfferId offer_id;
  bool is_static = false;
  std::string payer_note;
  std::optional<std::uint64_t> quantity;
  UnixTime expiry;  // of an ordinary invoice
};

/// BOLT 4: a final node SHOULD fail what is more than twice the amount.
bool is_far_too_much(Msat amount, Msat asked) {  // [B4-fail-08]
  return sub_or_zero(amount, asked) > asked;
}

/// Why the HTLC is refused, for our own log: the peers all see the same failure (no probing).
using Judgement = Result<Accepted, std::string>;

Judgement judge_common(const Work& work, const HtlcReceived& word, const onion::PeeledFinal& onion) {
  const auto& htlc = word.htlc;
  if (word.too_much_dust) return fail(std::string("too much dust in the channel"));
  if (work.context.views.funding_gone(word.channel_id))
    return fail(std::string("the channel's funding transaction was reorganised out of the chain"));
  if (htlc.amount_msat < onion.amt_to_forward)
    return fail(std::string("the amount is below the onion's amt_to_forward"));  // [B4-read-20]
  // [B4-read-21]
  if (htlc.cltv_expiry < onion.outgoing_cltv_value)
    return fail(std::string("cltv_expiry is below the onion's outgoing_cltv_value"));
  if (htlc.amount_msat < onion.total_amount)
    return fail(std::string("payments in several parts are not supported yet"));
  if (htlc.amount_msat < onion.htlc_minimum) return fail(std::string("below the path's minimum"));
  if (htlc.cltv_expiry > onion.max_cltv_expiry) return fail(std::string("the path has expired"));
  if (blocks_until(htlc.cltv_expiry, work.context.tip) < kRecipientMargin)
    return fail("only " + std::to_string(blocks_until(htlc.cltv_expiry, work.context.tip).value()) + " blocks left, " +
                std::to_string(kRecipientMargin.value()) + " needed to claim safely");
  return Accepted{};
}

Judgement judge_static(const Work& work, const HtlcReceived& word, const onion::PeeledFinal& onion,
                       const PaymentContext& terms) {
  if (!onion.preimage) return fail(std::string("no preimage in the onion"));
  if (crypto::payment_hash(*onion.preimage) != word.htlc.payment_hash)
    return fail(std::string("the preimage does not match the payment hash"));
  if (!onion.invoice_request) return fail(std::string("no invoice_request in the onion"));
  auto request = offers::InvoiceRequest::parse(*onion.invoice_request);
  if (!request) return fail("the invoice_request does not parse: " + describe(request.error()));
  auto offer = work.context.views.offers.find(terms.offer_id);
  if (offer == work.context.views.offers.end() || offer->second.disabled)
    return fail(std::string("the offer is unknown or disabled"));
  if (request->offer_id() != terms.offer_id) return fail(std::string("the invoice_request is for another offer"));
  if (auto refusal = offers::check_request(*request, offer->second.offer, work.context.wall))
    return fail("the invoice_request does not fit the offer: " + *refusal);
  auto wanted = offers::amount_of(*request, offer->second.offer);
  if (!wanted || onion.total_amount < *wanted || word.htlc.amount_msat < *wanted)
    return fail(std::string("the amount is below the invoice_request's"));  // [B4-read-14]
  if (is_far_too_much(word.htlc.amount_msat, *wanted)) return fail(std::string("more than twice the amount"));
  // [AP-onion-05]
  return Accepted{*onion.preimage, terms.offer_id, true, request->payer_note().value_or(""), request->quantity()};
}

Judgement judge_invoice(const Work& work, const HtlcReceived& word, const onion::PeeledFinal&,
                        const PaymentContext& terms) {
  auto preimage = invoice_preimage(work.context.signer, terms.nonce);
  if (crypto::payment_hash(preimage) != word.htlc.payment_hash)
    return fail(std::string("the payment hash is not this invoice's"));
  if (word.htlc.amount_msat < terms.amount)
    return fail(std::string("the amount is below the invoice's"));  // [B4-read-14]
  if (is_far_too_much(word.htlc.amount_msat, terms.amount)) return fail(std::string("more than twice the amount"));
  if (work.state.paid.contains(word.htlc.payment_hash)) return fail(std::string("the invoice is already paid"));
  return Accepted{preimage, terms.offer_id, false, terms.payer_note, terms.quantity, terms.expiry};
}

Judgement judge(const Work& work, const HtlcReceived& word, const onion::PeeledFinal& onion) {
  LN_CHECK(judge_common(work, word, onion));
  auto terms = open_payment_context(work.context.signer, onion.path_id);
  if (!terms) return fail(std::string("it did not use one of our payment paths"));  // [B12-inv-12, B4-blind-14]
  if (work.context.wall > terms->expiry) return fail(std::string("the invoice has expired"));
  return terms->kind == PaymentContext::Kind::StaticInvoice ? judge_static(work, word, onion, *terms)
                                                            : judge_invoice(work, word, onion, *terms);
}

void refuse_final(Work& work, const HtlcReceived& word, const onion::PeeledFinal& onion, const std::string& why) {
  if (onion.through_path_key)
    work.say(FailMalformedHtlc{word.channel_id, word.htlc.id, onion.sha256_of_onion, onion::kInvalidOnionBlinding});
  else
    work.say(
        FailHtlc{word.channel_id, word.htlc.id, onion::blinded_failure(onion.shared_secret, onion.sha256_of_onion)});
  work.notify(Severity::Info, "payment_refused",
              {{"amount_msat", word.htlc.amount_msat.value()},
               {"payment_hash", word.htlc.payment_hash.hex()},
               {"reason", why}});
}

void receive_final(Work& work, const HtlcReceived& word, const onion::PeeledFinal& onion) {
  auto judgement = judge(work, word, onion);
  if (!judgement) return refuse_final(work, word, onion, judgement.error());
  Incoming payment;
  payment.payment_hash = word.htlc.payment_hash;
  payment.htlc = {word.channel_id, word.htlc.id};
  payment.amount = word.htlc.amount_msat;
  payment.offer_id = judgement->offer_id;
  payment.is_static = judgement->is_static;
  payment.payer_note = judgement->payer_note;
  payment.quantity = judgement->quantity;
  payment.cltv_expiry = word.htlc.cltv_expiry;
  if (!payment.is_static) remember_paid(work, payment.payment_hash, judgement->expiry);
  claim(work, std::move(payment), judgement->preimage);
}

void park(Work& work, const HtlcReceived& word) {
  HtlcKey key{word.channel_id, word.htlc.id};
  Parked parked{word, work.context.wall, after_ms(work.context.mono, kParkedMaxMs)};
  work.say(record(parked));
  work.state.parked_due.emplace(parked.give_up, key);
  work.state.parked.emplace(key, std::move(parked));
  work.notify(Severity::Info, "payment_waits_for_chain",
              {{"amount_msat", word.htlc.amount_msat.value()}, {"payment_hash", word.htlc.payment_hash.hex()}});
}

}  // namespace

void hear(Work& work, const HtlcArrived& word) {
  const auto& received = word.received;
  bool worthless = received.too_much_dust || work.context.views.funding_gone(received.channel_id);
  if (!work.context.views.chain_synced && !worthless) return park(work, received);
  std::visit(Overloaded{[&](const onion::PeeledFinal& onion) { receive_final(work, received, onion); },
                        [&](const onion::PeeledPlain& onion) { receive_plain(work, received, onion); }},
             word.onion);
}

void judge_parked(Work& work) {
  work.state.parked_due.clear();
  for (const auto& [key, parked] : std::exchange(work.state.parked, {})) {
    work.say(Erase{Table::IncomingPayment, key_of(key)});
    const auto* channel = work.context.views.channel(key.channel_id);
    if (channel == nullptr || channel->phase == ChannelPhase::Closed)  // nothing of it is left
      work.notify(Severity::Warning, "payment_lost_with_its_channel",
                  {{"amount_msat", parked.word.htlc.amount_msat.value()}, {"channel_id", key.channel_id.hex()}});
    else
      work.say(parked.word);  // its onion is read again
  }
}

void parked_deadlines(Work& work) {
  auto& due = work.state.parked_due;
  while (!due.empty() && due.begin()->first <= work.context.mono) {
    auto key = due.extract(due.begin()).value().second;
    auto found = work.state.parked.extract(key);
    if (found.empty()) continue;
    const auto& parked = found.mapped();
    work.say(Erase{Table::IncomingPayment, key_of(key)});
    const std::string why = "our block chain is behind";
    const auto& signer = work.context.signer;
    auto peeled = onion::peel_htlc(parked.word.htlc, signer.node_id(), own_ecdh(signer), work.context.tip);
    if (const auto* onion = std::get_if<onion::PeeledFinal>(&peeled)) refuse_final(work, parked.word, *onion, why);
    if (const auto* onion = std::get_if<onion::PeeledPlain>(&peeled))
      refuse_plain(work, parked.word, *onion, onion::kTemporaryNodeFailure, {}, why);
  }
}

const char* name(IncomingState state) {
  switch (state) {
    case IncomingState::Claiming:
      return "claiming";
    case IncomingState::Settled:
      return "settled";
    case IncomingState::Lost:
      return "lost";
  }
  return "unknown";
}

void claim(Work& work, Incoming payment, const Preimage& preimage) {
  payment.state = IncomingState::Claiming;
  payment.received_at = work.context.wall;
  work.say(record(payment));
  work.say(FulfillHtlc{payment.htlc.channel_id, payment.htlc.htlc_id, preimage});
  work.notify(Severity::Info, "payment_received", facts(payment, work.context));
  auto hash = payment.payment_hash;
  work.state.incoming.add(std::move(payment));
  answer_receipt_waiters(work, hash);
}

namespace {
void end_claim(Work& work, const HtlcKey& key, IncomingState state) {
  const auto* claiming = work.state.incoming.live(key);
  if (claiming == nullptr || claiming->state != IncomingState::Claiming) return;
  auto& payment = *work.state.incoming.edit(key);
  payment.state = state;
  payment.ended_at = work.context.wall;
  work.say(list_of(work.state, payment).add());
  save(work, payment);
  if (state == IncomingState::Settled && !payment.offer_id.is_zero())
    work.say(OfferPaid{payment.offer_id, payment.amount});
  bool lost = state == IncomingState::Lost;
  if (auto* issued = lost ? work.state.invoices.edit(payment.payment_hash) : nullptr) {
    issued->lost = true;
    work.say(record(*issued));
  }
  work.notify(lost ? Severity::Error : Severity::Info, lost ? Event("payment_lost") : Event("payment_settled"),
              facts(payment, work.context));
  answer_receipt_waiters(work, payment.payment_hash);
}
}  // namespace

void hear(Work& work, const ReceivedHtlcGone& word) {
  end_claim(work, {word.channel_id, word.htlc_id}, word.fulfilled ? IncomingState::Settled : IncomingState::Lost);
}

void lose_claims(Work& work, const ChannelId& channel_id) {
  std::vector<HtlcKey> lost;
  const auto& incoming = work.state.incoming;
  for (const auto* row = incoming.live_from({channel_id, 0}); row != nullptr && row->htlc.channel_id == channel_id;) {
    lost.push_back(row->htlc);
    row = row->htlc.htlc_id == UINT64_MAX ? nullptr : incoming.live_from({channel_id, row->htlc.htlc_id + 1});
  }
  for (const auto& key : lost) end_claim(work, key, IncomingState::Lost);
}

}  // namespace doze::payment
