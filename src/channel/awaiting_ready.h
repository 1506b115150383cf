// The funding is signed: blocks are counted, and both sides send channel_ready. BOLT 2, "The `channel_ready` Message".
#pragma once

#include "channel/reactions.h"
#include "channel/rounds.h"
#include "channel/state.h"

namespace doze::channel {

/// The funding is in a block, and so many blocks deep with it.
[[nodiscard]] bool deep(const Channel& channel, BlockHeight tip, std::uint32_t depth);
/// A funding that left the chain may be deep again.
void note_depth(Work& work, Channel& channel);
/// The same when the process begins: rows do not say it.
void note_depth_at_start(Work& work, Channel& channel);
/// channel_ready, if it is due; with both of them the channel is Normal.
void send_ready(Work& work, Channel& channel);
/// The peer's channel_ready: its next point, and the alias that it gives, which may change.
void take_ready(Work& work, Channel& channel, const wire::ChannelReady& message);
/// Whether something that the peer says anew may be written once more in this connection.
[[nodiscard]] bool may_rewrite(Channel& channel);
[[nodiscard]] wire::ChannelReady channel_ready(const Work& work, const Channel& channel);

inline void on(Work& work, Channel& channel, AwaitingReady& /*state*/, const wire::ChannelReady& message) {
  take_ready(work, channel, message);
}
void on(Work& work, Channel& channel, AwaitingReady& state, const wire::Shutdown& message);
void on(Work& work, Channel& channel, AwaitingReady& state, const wire::AnnouncementSignatures& message);
/// Each of them breaks a rule: nothing can be added, removed, signed or revoked yet.
template <RoundMessage M>
void on(Work& work, Channel& channel, AwaitingReady& /*state*/, const M& message) {
  take(work, channel, message);
}
inline void on(Work& work, Channel& channel, AwaitingReady& /*state*/, const wire::ClosingSigned& /*message*/) {
  react(work, channel, {commitment::ViolationCode::ClosingBeforeShutdown});
}

}  // namespace doze::channel
