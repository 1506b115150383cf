// Offers an HTLC to the next channel, and handles that channel's answers.
#pragma once

#include "effects/words.h"
#include "forwarding/history.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
/// The row of this forward, to be changed. nullptr: there is none.
[[nodiscard]] Forward* find(Work& work, const ForwardOrigin& origin);
/// Paid onward, and nothing came for it.
void not_collected(Work& work, Forward& forward);
/// The only way for a row to change its state: from exactly this one, or not at all.
[[nodiscard]] bool move(Work& work, Forward& forward, ForwardState from, ForwardState to);
/// Fails the incoming HTLC, if the row's state is `from`.
void end_failed(Work& work, Forward& forward, ForwardState from, std::string why, std::uint16_t code);
/// Offers the HTLC if its next channel is usable. Otherwise it stays Released or Waiting, or fails.
void try_forward(Work& work, Forward& forward);
void forward_added(Work& work, const ForwardOrigin& origin, const HtlcAdded& word);
void forward_refused(Work& work, const ForwardOrigin& origin, const HtlcRefused& word);
void forward_fulfilled(Work& work, const ForwardOrigin& origin, const HtlcFulfilled& word);
void forward_failed(Work& work, const ForwardOrigin& origin, const HtlcFailed& word);

}  // namespace doze::forwarding
