// A payment that asks for its invoice.
#pragma once

#include "payment/outgoing.h"

namespace doze::payment {

void on(Work& work, Outgoing& payment, Fetching& state, const InvoiceObtained& word);
void on(Work& work, Outgoing& payment, Fetching& state, const InvoiceChecked& word);
void on(Work& work, Outgoing& payment, Fetching& state, const StaticInvoiceObtained& word);
void on(Work& work, Outgoing& payment, Fetching& state, const InvoiceFailed& word);
/// It is asked for again, or ended: nobody expects it any more.
void on(Work& work, Outgoing& payment, Fetching& state, const Started& word);

template <class W>
  requires(HtlcWord<W> || HoldWord<W> || AnswerWord<W> || WaitWord<W> || OneOf<W, TimeCame>)
void on(Work& /*work*/, Outgoing& /*payment*/, Fetching& /*state*/, const W& /*word*/) {}

/// An invoice that comes twice, or for a payment that was cancelled meanwhile.
template <class S>
concept NotFetching = OneOf<S, AwaitingChain, AwaitingHolder> || WithHtlc<S> || OnlineState<S> || Over<S>;
template <NotFetching S, InvoiceWord W>
void on(Work& /*work*/, Outgoing& /*payment*/, S& /*state*/, const W& /*word*/) {}

}  // namespace doze::payment
