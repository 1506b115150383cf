// Our commitment goes to the chain, because a rule was broken, an HTLC did not come back, or the operator wants it.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// The peer is told at each connection that the channel was closed (reestablish.cc): there is nothing else to say.
template <OneChannelMessage M>
void on(Work& /*work*/, Channel& /*channel*/, Unilateral& /*state*/, const M& /*message*/) {}

/// Publishes our commitment, as soon as it may; the closing transaction, if both signed one.
void force_close(Work& work, Channel& channel, const std::string& why);
/// Our commitment, whatever was agreed, and whether or not the peer has spoken.
void publish_commitment(Work& work, Channel& channel, const std::string& why);
/// A broken rule: error to the peer, and force_close. Neither before our commitment may be published.
void break_channel(Work& work, Channel& channel, const std::string& why);
/// What mempools may have dropped is sent again: the funding, and what closes the channel.
void rebroadcast(Work& work, Channel& channel);
/// The rows are no old copy, as far as the peer or the time says: our commitment may be published.
[[nodiscard]] bool may_publish(const Work& work, const Channel& channel);
/// Our commitment is published later, and the operator told: see HeldBack.
void hold_back(Work& work, Channel& channel, HeldBack wish);

}  // namespace doze::channel
