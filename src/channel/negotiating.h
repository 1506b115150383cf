// closing_signed: the fee of a mutual close. BOLT 2, "Legacy Closing Negotiation".
#pragma once

#include "channel/announcing.h"
#include "channel/awaiting_ready.h"
#include "channel/rounds.h"
#include "channel/shutting_down.h"

namespace doze::channel {

/// As opener, sends the first closing_signed, if nothing else is left to do.
void continue_closing(Work& work, Channel& channel);
/// Agrees to the peer's offer, or answers it, or finds that it breaks a rule. The first offer begins the negotiation.
void take_closing_signed(Work& work, Channel& channel, const wire::ClosingSigned& message);

inline void on(Work& work, Channel& channel, Negotiating& /*state*/, const wire::ClosingSigned& message) {
  take_closing_signed(work, channel, message);
}
/// A shutdown that repeats the first one.
inline void on(Work& work, Channel& channel, Negotiating& /*state*/, const wire::Shutdown& message) {
  take_shutdown(work, channel, message);
}
/// New HTLCs, removals and revocations break a rule here. Older peers sign without an update now and then.
template <RoundMessage M>
void on(Work& work, Channel& channel, Negotiating& /*state*/, const M& message) {
  take(work, channel, message);
}
inline void on(Work& work, Channel& channel, Negotiating& /*state*/, const wire::ChannelReady& message) {
  take_ready(work, channel, message);
}
inline void on(Work& work, Channel& channel, Negotiating& /*state*/, const wire::AnnouncementSignatures& message) {
  take_announcement(work, channel, message);
}

}  // namespace doze::channel
