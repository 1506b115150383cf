// Settings of the daemon's own process in the operating system.
#pragma once

#include <string>

#include "base/result.h"

namespace doze::app {

/// From now on a crash writes no core file, and other processes of the same user can neither attach nor read this
/// one's memory: it contains the keys. root still can.
[[nodiscard]] Status<std::string> hide_memory();

/// Blinds the curve's context with fresh randomness. Call it once at the start, before there is a second thread.
[[nodiscard]] Status<std::string> blind_curve();

}  // namespace doze::app
