// A payment whose HTLC our peer holds: until its commitments are irrevocable, then until it ends.
#pragma once

#include "payment/outgoing.h"

namespace doze::payment {

/// Whether the hold can still end well. False: our peer gave no way to release it that leads anywhere, or it is too
/// late.
[[nodiscard]] bool can_be_released(const Context& context, const Outgoing& payment);
/// The paths that lead somewhere; what is left out is said.
[[nodiscard]] std::vector<wire::BlindedPath> usable_paths(Work& work, const Outgoing& payment,
                                                          const ReleasePathsReceived& word);
/// Our peer is asked whether it has our revoke_and_ack.
void confirm_holder(Work& work, Outgoing& payment);
/// A hold is tried once: the recipient may have been told about it already.
void end_hold(Work& work, Outgoing& payment, const HtlcFailed& word);
/// Waiters of held payments whose release deadline has come.
void answer_late_waiters(Work& work);

void on(Work& work, Outgoing& payment, Committing& state, const OfferedHtlcCommitted& word);
void on(Work& work, Outgoing& payment, Committing& state, const ReleasePathsReceived& word);
template <class S>
  requires(Holding<S> || OneOf<S, Committing>)
void on(Work& work, Outgoing& payment, S& /*state*/, const HtlcFailed& word) {
  end_hold(work, payment, word);
}
/// Our peer has nothing to release yet, and nobody was told.
template <class W>
  requires(AnswerWord<W> || WaitWord<W> || OneOf<W, PongReceived, ChannelUsable, TimeCame, Started>)
void on(Work& /*work*/, Outgoing& /*payment*/, Committing& /*state*/, const W& /*word*/) {}

void take_release_paths(Work& work, Outgoing& payment, Hold& hold, const ReleasePathsReceived& word);
void take_pong(Work& work, Outgoing& payment, Hold& hold);
template <Holding S>
void on(Work& work, Outgoing& payment, S& state, const ReleasePathsReceived& word) {
  take_release_paths(work, payment, state.hold, word);
}
template <Holding S>
void on(Work& work, Outgoing& payment, S& state, const PongReceived& /*word*/) {
  take_pong(work, payment, state.hold);
}
template <Holding S>
void on(Work& work, Outgoing& payment, S& /*state*/, const ChannelUsable& /*word*/) {
  confirm_holder(work, payment);
}
/// Said before, or to an online payer.
template <Holding S, class W>
  requires(WaitWord<W> || OneOf<W, HtlcAdded, OfferedHtlcCommitted, Started, onion::ReleaseHeldHtlc>)
void on(Work& /*work*/, Outgoing& /*payment*/, S& /*state*/, const W& /*word*/) {}

}  // namespace doze::payment
