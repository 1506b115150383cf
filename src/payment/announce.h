// held_htlc_available: sent over every message path of the static invoice, repeated, confirmed.
#pragma once

#include "effects/context.h"
#include "effects/words.h"
#include "payment/outgoing.h"

namespace doze::payment {

struct Work;
void announce(Work& work, Outgoing& payment);
void announce_on_usable(Work& work, const ChannelUsable& word);
void outgoing_committed(Work& work, const PaymentId& id, const OfferedHtlcCommitted& word);
void hear(Work& work, const ReleasePathsReceived& word);
void announcement_outcome(Work& work, const OnionMessageOutcome& word);
void hear(Work& work, const PongReceived& word);
/// The recipient of this payment is awake: other holds for it are announced again.
void hasten_announcements(Work& work, const Outgoing& payment);
/// Whether a hold can still end well. False: our peer gave no way to release it that leads anywhere, or it is too late.
[[nodiscard]] bool can_be_released(const Context& context, const Outgoing& payment);
/// Waiters of held payments whose release deadline has come.
void answer_late_waiters(Work& work);
/// A release over our own reply path: the online payer sends now. Over any other path it is nothing to this room.
void on_release_held_htlc(Work& work, const OnionMessageReceived& word);
void outgoing_deadlines(Work& work);

}  // namespace doze::payment
