// A payment without a hold before its HTLC: the recipient is told, and the HTLC leaves when it answers.
#pragma once

#include "payment/outgoing.h"

namespace doze::payment {

void stay_online(Work& work, Outgoing& payment);
/// The last moment for the recipient's answer: nobody but us ends the payment when none comes.
[[nodiscard]] UnixTime online_end(const Outgoing& payment);

/// The recipient answered over our own reply path: the HTLC leaves now.
void take_release(Work& work, Outgoing& payment);
/// The next announcement, or the end.
void take_online_time(Work& work, Outgoing& payment);

template <OnlineState S>
void on(Work& work, Outgoing& payment, S& /*state*/, const onion::ReleaseHeldHtlc& /*word*/) {
  take_release(work, payment);
}
template <OnlineState S>
void on(Work& work, Outgoing& payment, S& /*state*/, const TimeCame& /*word*/) {
  take_online_time(work, payment);
}
void start_online(Work& work, Announcing& announcing);
template <OnlineState S>
void on(Work& work, Outgoing& /*payment*/, S& state, const Started& /*word*/) {
  start_online(work, state.announcing);
}
/// It has no HTLC, and waits for nobody but the recipient.
template <OnlineState S, class W>
  requires(HtlcWord<W> || HoldWord<W> || WaitWord<W>)
void on(Work& /*work*/, Outgoing& /*payment*/, S& /*state*/, const W& /*word*/) {}

}  // namespace doze::payment
