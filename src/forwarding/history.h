// Ended forwards. A row stays in memory while its HTLC is in a commitment of its channel, because a second release may
// arrive for it. Then it moves to its list, on disk only, until the list has too many rows.
#pragma once

#include <vector>

#include "effects/context.h"
#include "effects/records.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct Work;
/// Writes the row, to its table or to its list.
void save(Work& work, const Forward& forward);
/// The HTLC is no longer in its channel, or can be resolved on chain only.
[[nodiscard]] bool has_gone(const Context& context, const HtlcKey& key);
/// The HTLC is gone: moves its row to its list, if the forward has ended.
void leave(Work& work, const HtlcKey& key);
/// The same for all HTLCs of a closed channel.
void leave_channel(Work& work, const ChannelId& channel);
/// At startup: finds the ended rows that leave_some() is to move. An older version never moved any.
void leave_started(Work& work);
/// Moves the next of them, kMovedPerStep at most.
void leave_some(Work& work);

struct OldestAsked;
/// At the end of a step: if a list has too many rows, asks the store for the oldest, to erase them.
void forget_history(Work& work);
/// Erases the rows that forget_history() asked for.
void forget_oldest(Work& work, const OldestAsked& asked, const std::vector<Row>& rows);

}  // namespace doze::forwarding
