// An open channel: HTLCs are added, and the opener updates the feerate. BOLT 2, "Normal Operation".
#pragma once

#include "channel/announcing.h"
#include "channel/awaiting_ready.h"
#include "channel/reactions.h"
#include "channel/rounds.h"
#include "channel/shutting_down.h"

namespace doze::channel {

/// The feerate that we would choose for a commitment now.
[[nodiscard]] FeeratePerKw feerate_now(const Work& work);
void add_htlc(Work& work, const AddHtlc& word);
/// As opener, sends update_fee if the feerate that we would choose now is far from the agreed one.
void propose_fee(Work& work, Channel& channel);

template <RoundMessage M>
void on(Work& work, Channel& channel, Normal& /*state*/, const M& message) {
  take(work, channel, message);
}
/// The peer changes its alias.
inline void on(Work& work, Channel& channel, Normal& /*state*/, const wire::ChannelReady& message) {
  take_ready(work, channel, message);
}
inline void on(Work& work, Channel& channel, Normal& /*state*/, const wire::AnnouncementSignatures& message) {
  take_announcement(work, channel, message);
}
inline void on(Work& work, Channel& channel, Normal& /*state*/, const wire::Shutdown& message) {
  take_shutdown(work, channel, message);
}
inline void on(Work& work, Channel& channel, Normal& /*state*/, const wire::ClosingSigned& /*message*/) {
  react(work, channel, {commitment::ViolationCode::ClosingBeforeShutdown});
}

}  // namespace doze::channel
