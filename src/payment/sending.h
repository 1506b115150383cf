// Offering HTLCs of payments, one attempt after the other, and what becomes of those that nobody holds.
#pragma once

#include "payment/outgoing.h"

namespace doze::payment {

enum class HoldFlag : std::uint8_t { No, Yes };
/// The next attempt; while our chain is behind it waits, and without a route the payment fails.
void send_htlc(Work& work, Outgoing& payment, HoldFlag hold);

/// Of an attempt that is not the one under way: nothing happens.
void take_added(Work& work, Outgoing& payment, const HtlcAdded& word);
void take_refused(Work& work, Outgoing& payment, const HtlcRefused& word);

template <class S>
  requires OneOf<S, Sending, Committing>
void on(Work& work, Outgoing& payment, S& /*state*/, const HtlcAdded& word) {
  take_added(work, payment, word);
}
/// It may have been added, and dropped before it was signed.
template <WithHtlc S>
void on(Work& work, Outgoing& payment, S& /*state*/, const HtlcRefused& word) {
  take_refused(work, payment, word);
}
/// Another way is tried, unless the recipient itself refused. [B4-orig-06]
void on(Work& work, Outgoing& payment, Sending& state, const HtlcFailed& word);

/// Nothing is held, nothing to announce, and the HTLC comes back by itself.
template <class W>
  requires(HoldWord<W> || AnswerWord<W> || WaitWord<W> || OneOf<W, TimeCame, Started>)
void on(Work& /*work*/, Outgoing& /*payment*/, Sending& /*state*/, const W& /*word*/) {}

}  // namespace doze::payment
