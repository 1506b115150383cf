// Our commitment is published, because a rule was broken, an HTLC did not return, or the operator wants it.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// Ignored. At each connection, reestablish.cc tells the peer that the channel was closed.
template <OneChannelMessage M>
void on(Work& /*work*/, Channel& /*channel*/, Unilateral& /*state*/, const M& /*message*/) {}

/// Publishes our commitment as soon as may_publish() allows it. If both sides signed a closing transaction, that one.
void force_close(Work& work, Channel& channel, const std::string& why);
/// Publishes our commitment at once, whatever may_publish() says.
void publish_commitment(Work& work, Channel& channel, const std::string& why);
/// Sends the peer an error, and force-closes; both as soon as may_publish() allows it.
void break_channel(Work& work, Channel& channel, const std::string& why);
/// Broadcasts again what mempools may have dropped: the funding, and the closing transaction or commitment.
void rebroadcast(Work& work, Channel& channel);
/// Whether our commitment may be published: the peer has shown that our rows are not old, or kSpeakFirstMs is over.
[[nodiscard]] bool may_publish(const Work& work, const Channel& channel);
/// Publishes our commitment later, and tells the operator so. See HeldBack.
void hold_back(Work& work, Channel& channel, HeldBack wish);

}  // namespace doze::channel
