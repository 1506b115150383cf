// The exit codes of `doze`, for scripts. `doze help` and doc/OPERATING.md list them.
#pragma once

#include <string_view>

namespace doze::cli {

enum class Exit : int {
  Done = 0,
  Failed = 1,         // the toolbox found it invalid, a file cannot be read or written, an internal error
  Usage = 2,          // the command line, or an argument, is wrong: nothing was tried
  NoDaemon = 3,       // there is no node in this folder, or no dozed answers
  Refused = 4,        // not possible now, not found, a limit was reached
  PaymentFailed = 5,  // no route, too little money, failed, expired: the payment has ended without paying
  TimedOut = 6,       // no answer in time: the command may still take effect
};
[[nodiscard]] constexpr int code(Exit exit) {
  return static_cast<int>(exit);
}

/// The exit code for an error code of the API ("no_route").
[[nodiscard]] Exit exit_of(std::string_view error_code);

}  // namespace doze::cli
