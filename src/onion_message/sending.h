// Our own messages: their recipients, their routes, and their fate.
#pragma once

#include "onion_message/state.h"

namespace doze::onion_message {

void hear(Work& work, const SendOnionMessage& word);
void hear(Work& work, const PeerUnreachable& word);
/// A peer has connected: sends the messages that wait for it, and tries again those that may use relays.
void retry_waiting(Work& work, const NodeId& ready);
void waiting_deadlines(Work& work);
/// Tag 0: nobody waits for it.
void report(Work& work, std::uint64_t tag, OnionMessageFate fate);
/// Its pong does what `what` says.
void ping(Work& work, const NodeId& node, Asked what);
/// The peer that a path begins at; nullopt: not known.
[[nodiscard]] std::optional<NodeId> resolve(const Work& work, const wire::IntroductionNode& introduction);
[[nodiscard]] std::optional<NodeId> resolve(const Work& work, const onion::NextNode& next);

}  // namespace doze::onion_message
