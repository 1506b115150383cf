// How payments end by a preimage, and those that are over.
#pragma once

#include "payment/outgoing.h"

namespace doze::payment {

/// With a preimage the money has gone, whatever the payment was taken for.
void settle(Work& work, Outgoing& payment, const HtlcFulfilled& word);
/// Our own bug, but a payment that shows as failed would be made again.
void settle_unexpectedly(Work& work, Outgoing& payment, const HtlcFulfilled& word);
void say_unexpected(Work& work, const PaymentId& id, const HtlcFulfilled& word);

template <WithHtlc S>
void on(Work& work, Outgoing& payment, S& /*state*/, const HtlcFulfilled& word) {
  if (htlc_of(payment) == htlc_key_of(word))
    settle(work, payment, word);
  else
    settle_unexpectedly(work, payment, word);
}
template <class S>
  requires(Unsent<S> || OneOf<S, Failed, Expired>)
void on(Work& work, Outgoing& payment, S& /*state*/, const HtlcFulfilled& word) {
  settle_unexpectedly(work, payment, word);
}
inline void on(Work& /*work*/, Outgoing& /*payment*/, Settled& /*state*/, const HtlcFulfilled& /*word*/) {}

void refuse_to_cancel_ended(Work& work, Outgoing& payment, const Cancelled& word);
template <Over S>
void on(Work& work, Outgoing& payment, S& /*state*/, const Cancelled& word) {
  refuse_to_cancel_ended(work, payment, word);
}
/// It is over.
template <Over S, class W>
  requires(HtlcWord<W> || HoldWord<W> || AnswerWord<W> || WaitWord<W> || OneOf<W, TimeCame, Started>)
void on(Work& /*work*/, Outgoing& /*payment*/, S& /*state*/, const W& /*word*/) {}

}  // namespace doze::payment
