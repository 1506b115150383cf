// The funding is signed: blocks are counted, and both sides send channel_ready. BOLT 2, "The `channel_ready` Message".
#pragma once

#include "channel/reactions.h"
#include "channel/rounds.h"
#include "channel/state.h"

namespace doze::channel {

/// The funding transaction has at least this number of confirmations.
[[nodiscard]] bool deep(const Channel& channel, BlockHeight tip, std::uint32_t depth);
/// Notes that a funding that had left the chain is deep again.
void note_depth(Work& work, Channel& channel);
/// At startup: whether the funding is less deep than it was. Rows do not contain this.
void note_depth_at_start(Work& work, Channel& channel);
/// Sends channel_ready if it is due. When both sides have sent it, the channel is Normal.
void send_ready(Work& work, Channel& channel);
/// Takes the next point and the alias from the peer's channel_ready. The alias may change later.
void take_ready(Work& work, Channel& channel, const wire::ChannelReady& message);
/// Whether a change of alias or signatures may be written once more in this connection. Counts it.
[[nodiscard]] bool may_rewrite(Channel& channel);
[[nodiscard]] wire::ChannelReady channel_ready(const Work& work, const Channel& channel);

inline void on(Work& work, Channel& channel, AwaitingReady& /*state*/, const wire::ChannelReady& message) {
  take_ready(work, channel, message);
}
void on(Work& work, Channel& channel, AwaitingReady& state, const wire::Shutdown& message);
void on(Work& work, Channel& channel, AwaitingReady& state, const wire::AnnouncementSignatures& message);
/// Each of these breaks a rule: nothing can be added, removed, signed or revoked yet.
template <RoundMessage M>
void on(Work& work, Channel& channel, AwaitingReady& /*state*/, const M& message) {
  take(work, channel, message);
}
inline void on(Work& work, Channel& channel, AwaitingReady& /*state*/, const wire::ClosingSigned& /*message*/) {
  react(work, channel, {commitment::ViolationCode::ClosingBeforeShutdown});
}

}  // namespace doze::channel
