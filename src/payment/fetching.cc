#include "payment/fetching.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "offers/invoice.h"
#include "offers/offer.h"
#include "payment/awaiting.h"
#include "payment/ended.h"
#include "payment/online.h"
#include "payment/records.h"
#include "payment/sending.h"
#include "payment/state.h"

namespace doze::payment {

void on(Work& work, Outgoing& payment, Fetching& /*state*/, const InvoiceFailed& word) {
  fail_payment(work, payment, word.error.code, word.error.message);
}

void on(Work& work, Outgoing& payment, Fetching& /*state*/, const InvoiceObtained& word) {
  auto invoice = offers::Invoice::parse(word.invoice);
  if (!invoice)
    return fail_payment(work, payment, CommandErrorCode::PaymentFailed,
                        "the invoice does not parse: " + describe(invoice.error()));
  work.ask({by_hash(invoice->payment_hash())}, InvoiceAsked{word});
}

void on(Work& work, Outgoing& payment, Fetching& /*state*/, const InvoiceChecked& checked) {
  auto invoice = offers::Invoice::parse(checked.word.invoice);
  LN_ASSERT(invoice.has_value());  // it was read before the store was asked
  // A hash that we have paid already: hops that know its preimage would keep the money.
  bool again = std::any_of(checked.others.begin(), checked.others.end(),
                           [&](const auto& other) { return other.id != payment.id; });
  for (const auto& id : paid_with(work, invoice->payment_hash())) again = again || id != payment.id;
  if (again)
    return fail_payment(work, payment, CommandErrorCode::Refused,
                        "the invoice repeats the payment hash of another payment");
  payment.invoice = checked.word.invoice;
  payment.invoice_request = checked.word.invoice_request;
  payment.payment_hash = invoice->payment_hash();
  payment.amount = invoice->amount();
  send_htlc(work, payment, HoldFlag::No);
}

void on(Work& work, Outgoing& payment, Fetching& /*state*/, const StaticInvoiceObtained& word) {
  payment.is_static = true;
  payment.invoice = word.static_invoice;
  payment.invoice_request = word.invoice_request;
  payment.preimage = work.context.rng.secret<Preimage>();
  payment.payment_hash = crypto::payment_hash(*payment.preimage);  // [AP-onion-02]
  auto holders = holders_now(work.context);
  bool hold = payment.wants_hold && (holders.now || holders.later);  // [AP-hold-01]
  if (payment.must_hold && !hold)
    return fail_payment(work, payment, CommandErrorCode::NotReady,
                        "no connected channel peer holds HTLCs: pay with --no-hold and stay online");
  if (!hold) return stay_online(work, payment);
  if (holders.now) return send_htlc(work, payment, HoldFlag::Yes);
  await_holder(work, payment, kHolderCheckMs);  // sent when the channel is back
}

void on(Work& work, Outgoing& payment, Fetching& /*state*/, const Started& /*word*/) {
  if (work.context.wall > after_s(payment.created_at, kFetchingWaitS))
    return fail_payment(work, payment, CommandErrorCode::PaymentFailed,
                        "interrupted before an invoice arrived: nothing was sent");
  auto offer = offers::Offer::parse(payment.offer);
  LN_ASSERT(offer.has_value());  // it was read before it was stored
  auto note = payment.payer_note.empty() ? std::nullopt : std::optional(payment.payer_note);
  work.say(RequestInvoice{PayerRequest{payment.id, *std::move(offer), payment.amount, payment.quantity, note}});
}

}  // namespace doze::payment
