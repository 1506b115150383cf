// What is over: it stays in memory while its HTLC is in a commitment of its channel, since a release may come again for
// it. Then it goes to its list, on disk alone, until its kind has too many.
#pragma once

#include <vector>

#include "effects/context.h"
#include "effects/records.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
/// The row as it is now, into its table or its list.
void save(Work& work, const Forward& forward);
/// Its channel has let go of this HTLC, or only the chain can resolve it.
[[nodiscard]] bool has_gone(const Context& context, const HtlcKey& key);
/// The HTLC is gone: if its forward is over it goes to its list.
void leave(Work& work, const HtlcKey& key);
/// All that are over, of a channel that is closed.
void leave_channel(Work& work, const ChannelId& channel);
/// At a start: those whose HTLC is gone, and the rows of an older program, which never moved, are to leave.
void leave_started(Work& work);
/// The next of them, kMovedPerStep at most.
void leave_some(Work& work);

struct OldestAsked;
/// At the end of a step: of a list that has too many rows the oldest are read, to be erased.
void forget_history(Work& work);
void forget_oldest(Work& work, const OldestAsked& asked, const std::vector<Row>& rows);

}  // namespace doze::forwarding
