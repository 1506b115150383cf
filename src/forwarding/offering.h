// An HTLC of others on its way to the next channel, and what that channel says of it.
#pragma once

#include "effects/words.h"
#include "forwarding/history.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
/// nullptr: there is none.
[[nodiscard]] Forward* find(Work& work, const ForwardOrigin& origin);
/// Paid onward, and nothing came for it.
void not_collected(Work& work, Forward& forward);
/// The only way for a row to change its state: from exactly this one, or not at all.
[[nodiscard]] bool move(Work& work, Forward& forward, ForwardState from, ForwardState to);
/// Fails it upstream, from exactly this state.
void end_failed(Work& work, Forward& forward, ForwardState from, std::string why, std::uint16_t code);
/// Offer it downstream if the channel is usable; else wait in the state it is in: Released or Waiting.
void try_forward(Work& work, Forward& forward);
void forward_added(Work& work, const ForwardOrigin& origin, const HtlcAdded& word);
void forward_refused(Work& work, const ForwardOrigin& origin, const HtlcRefused& word);
void forward_fulfilled(Work& work, const ForwardOrigin& origin, const HtlcFulfilled& word);
void forward_failed(Work& work, const ForwardOrigin& origin, const HtlcFailed& word);

}  // namespace doze::forwarding
