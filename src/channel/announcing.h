// announcement_signatures. BOLT 7.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// announcement_signatures of ours and channel_announcement, as far as they are due.
void announce(Work& work, Channel& channel);
/// The peer may have seen the blocks before us: its signatures are kept, and checked when we know the scid.
void take_announcement(Work& work, Channel& channel, const wire::AnnouncementSignatures& message);

}  // namespace doze::channel
