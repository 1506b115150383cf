// The daemon: one thread steps the node; drivers make inputs, one commit covers several of them, then the actions
// run.
#pragma once

#include <string>

#include "app/config_file.h"

namespace doze::app {

/// The most inputs that one commit covers; further ones wait for the next, so that replies are not delayed.
inline constexpr std::size_t kMaxBatch = 64;

/// Runs until a signal or the `stop` command. 0, or 1 after a message on stderr. `record`: where messages are recorded,
/// see app/recording.h; "": nowhere.
[[nodiscard]] int run_daemon(const std::string& datadir, const std::string& record);

}  // namespace doze::app
