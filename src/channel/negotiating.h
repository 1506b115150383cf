// closing_signed: the fee of a mutual close. BOLT 2, "Legacy Closing Negotiation".
#pragma once

#include "channel/announcing.h"
#include "channel/awaiting_ready.h"
#include "channel/rounds.h"
#include "channel/shutting_down.h"

namespace doze::channel {

/// The opener's first closing_signed, when nothing else is left.
void continue_closing(Work& work, Channel& channel);
/// An offer of the peer's: it is agreed to, answered, or breaks a rule. The first one begins the negotiation.
void take_closing_signed(Work& work, Channel& channel, const wire::ClosingSigned& message);

inline void on(Work& work, Channel& channel, Negotiating& /*state*/, const wire::ClosingSigned& message) {
  take_closing_signed(work, channel, message);
}
/// The same one again.
inline void on(Work& work, Channel& channel, Negotiating& /*state*/, const wire::Shutdown& message) {
  take_shutdown(work, channel, message);
}
/// Nothing is left to remove or to revoke, and an HTLC breaks a rule; older peers sign without an update now and then.
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
