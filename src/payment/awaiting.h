// Payments whose HTLC has not left: our chain is behind, or no peer can hold it yet.
#pragma once

#include "payment/outgoing.h"

namespace doze::payment {

/// Which peers hold for us, now and perhaps later.
[[nodiscard]] HoldersChanged holders_now(const Context& context);
/// Durable; it looks again after `wait_ms`.
void await_holder(Work& work, Outgoing& payment, std::uint64_t wait_ms);
void await_chain(Work& work, Outgoing& payment);
/// Of those that wait, `most`, the oldest first: a channel is usable, or a commitment round is over.
void hold_on_usable(Work& work, std::size_t most);
/// The chain is read to its end: what waited for it is sent.
void send_on_synced(Work& work);

// A payer that has just woken knows yesterday's height: the HTLC leaves when the chain is read.
void on(Work& work, Outgoing& payment, AwaitingChain& state, const TimeCame& word);
void on(Work& work, Outgoing& payment, AwaitingChain& state, const ChainRead& word);
void on(Work& work, Outgoing& payment, AwaitingChain& state, const Started& word);
inline void on(Work& /*work*/, Outgoing& /*payment*/, AwaitingChain& /*state*/, const HoldersChanged& /*word*/) {}

void on(Work& work, Outgoing& payment, AwaitingHolder& state, const TimeCame& word);
void on(Work& work, Outgoing& payment, AwaitingHolder& state, const HoldersChanged& word);
void on(Work& work, Outgoing& payment, AwaitingHolder& state, const Started& word);
/// Whether a peer holds is asked next: HoldersChanged.
inline void on(Work& /*work*/, Outgoing& /*payment*/, AwaitingHolder& /*state*/, const ChainRead& /*word*/) {}

/// It has no HTLC.
template <class S, class W>
  requires(OneOf<S, AwaitingChain, AwaitingHolder> && (HtlcWord<W> || HoldWord<W> || AnswerWord<W>))
void on(Work& /*work*/, Outgoing& /*payment*/, S& /*state*/, const W& /*word*/) {}

}  // namespace doze::payment
