// held_htlc_available: sent over every message path of the static invoice, repeated, confirmed.
#pragma once

#include "payment/outgoing.h"

namespace doze::payment {

/// A round of announcements, if there is a point in one now; then the next is scheduled.
void announce(Work& work, Outgoing& payment);
/// The recipient of this payment is awake: other holds for it are announced again.
void hasten_announcements(Work& work, const Outgoing& payment);

/// With the last message of a round it may be Notified.
void take_outcome(Work& work, Outgoing& payment, const OnionMessageOutcome& word);
template <class S>
  requires OneOf<S, Held, Online>
void on(Work& work, Outgoing& payment, S& /*state*/, const OnionMessageOutcome& word) {
  take_outcome(work, payment, word);
}
/// It was confirmed before.
template <class S>
  requires OneOf<S, Notified, NotifiedOnline>
void on(Work& /*work*/, Outgoing& /*payment*/, S& /*state*/, const OnionMessageOutcome& /*word*/) {}

void announce_on_time(Work& work, Outgoing& payment);
template <Holding S>
void on(Work& work, Outgoing& payment, S& /*state*/, const TimeCame& /*word*/) {
  announce_on_time(work, payment);
}

}  // namespace doze::payment
