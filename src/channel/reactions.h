// What follows when a peer breaks a rule: one table for all of them.
#pragma once

#include "commitment/violation.h"

namespace doze::channel {

struct Channel;
struct Work;

enum class Reaction : std::uint8_t {
  Ignore,
  Warn,    // the connection stays: what was wrong is not taken
  HangUp,  // a warning, and the connection ends: the peer's next channel_reestablish begins anew
  Fail,    // an error, and our commitment is published. An opening only ends
};
[[nodiscard]] Reaction reaction_to(commitment::ViolationCode code);

/// Does it, and tells the peer and the log.
void react(Work& work, Channel& channel, const commitment::Violation& violation);

}  // namespace doze::channel
