// The commands that need no daemon: what the toolbox says, printed; files and standard input read.
#pragma once

#include "cli/commands.h"

namespace doze::cli {

/// Texts that are looked at stay below this; so do files.
inline constexpr std::size_t kMaxInputBytes = 16 * 1024 * 1024;

/// The exit code. Answers go to standard output, what is wrong to standard error.
[[nodiscard]] int run_offline(const Command& command, const std::vector<std::string>& words, bool as_json);

}  // namespace doze::cli
