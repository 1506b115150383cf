// A node's folder: doze.toml, seed (the words, 0600), api-token (0600), doze.sqlite, lock.
#pragma once

#include <array>
#include <string>

#include "app/config_file.h"

namespace doze::app {

/// $DOZE_DIR, or ~/.doze.
[[nodiscard]] std::string default_datadir();
/// Makes the folder (0700), doze.toml and the seed. Gives the words: shown once, by `doze init`. Refuses a folder that
/// has a seed already.
[[nodiscard]] Result<std::string, std::string> init_datadir(const std::string& datadir, const InitOptions& options);
[[nodiscard]] Result<Settings, std::string> read_settings(const std::string& datadir);
/// The 64-byte seed behind the stored words. Refuses a file that others can read.
[[nodiscard]] Result<std::array<std::uint8_t, 64>, std::string> read_seed(const std::string& datadir);
/// The API's token; made at the first start (`make`), else an error that says to start dozed first.
[[nodiscard]] Result<std::string, std::string> read_token(const std::string& datadir, bool make);

}  // namespace doze::app
