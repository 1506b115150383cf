// What this node does when a peer breaks a rule: one table for all rules.
#pragma once

#include "commitment/violation.h"

namespace doze::channel {

struct Channel;
struct Work;

enum class Reaction : std::uint8_t {
  Ignore,
  Warn,    // a warning; the message is ignored and the connection continues
  HangUp,  // a warning, and the connection ends; the next one begins with channel_reestablish
  Fail,    // an error, and our commitment is published. An opening only ends
};
[[nodiscard]] Reaction reaction_to(commitment::ViolationCode code);

/// Carries out the reaction, and tells the peer and the log.
void react(Work& work, Channel& channel, const commitment::Violation& violation);

}  // namespace doze::channel
