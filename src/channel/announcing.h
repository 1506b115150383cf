// announcement_signatures. BOLT 7.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// Sends our announcement_signatures and emits the channel_announcement, each if it is due.
void announce(Work& work, Channel& channel);
/// Keeps the peer's signatures, and checks them once we know the scid: the peer may have seen the blocks before us.
void take_announcement(Work& work, Channel& channel, const wire::AnnouncementSignatures& message);

}  // namespace doze::channel
