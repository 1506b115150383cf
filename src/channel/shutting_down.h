// shutdown, and normal operation after it: HTLCs end, and none is added. BOLT 2, "Closing Initiation".
#pragma once

#include "channel/reactions.h"
#include "channel/rounds.h"
#include "channel/state.h"

namespace doze::channel {

/// Answers closechannel, and begins to close.
void close(Work& work, RequestId request, const command::CloseChannel& command);
/// Handles the peer's first shutdown, or a repetition in a later connection.
void take_shutdown(Work& work, Channel& channel, const wire::Shutdown& message);
/// Sends shutdown, if it is wanted and allowed now.
void shutdown_if_due(Work& work, Channel& channel);
/// A closing script of the wallet that no other channel has named and not been closed with. Only what blocks paid moves
/// them on. A peer that never funded its channel shares the last one with its like.
[[nodiscard]] Bytes own_closing_script(const Work& work, const Channel& channel);
/// In this connection, and nothing is left but to agree on the transaction.
[[nodiscard]] bool both_shut_down(const Channel& channel);

inline void on(Work& work, Channel& channel, ShuttingDown& /*state*/, const wire::Shutdown& message) {
  take_shutdown(work, channel, message);
}
template <RoundMessage M>
void on(Work& work, Channel& channel, ShuttingDown& /*state*/, const M& message) {
  take(work, channel, message);
}
/// May still arrive, because both sides may have sent shutdown before the funding was deep.
void on(Work& work, Channel& channel, ShuttingDown& state, const wire::ChannelReady& message);
void on(Work& work, Channel& channel, ShuttingDown& state, const wire::AnnouncementSignatures& message);
/// The opener's first offer, if nothing else is left to do.
void on(Work& work, Channel& channel, ShuttingDown& state, const wire::ClosingSigned& message);

}  // namespace doze::channel
