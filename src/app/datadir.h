// A node's folder: doze.toml (0600, it may hold bitcoind's password), seed (the words, 0600), api-token (0600),
// doze.sqlite, lock.
#pragma once

#include <array>
#include <string>

#include "app/config_file.h"
#include "base/secret_string.h"

namespace doze::app {

/// $DOZE_DIR, or ~/.doze.
[[nodiscard]] std::string default_datadir();
/// Creates the folder (0700; an existing one gets this mode), doze.toml and the seed. Returns the words, which
/// `doze init` shows once. Refuses a folder that already has a seed.
[[nodiscard]] Result<SecretString, std::string> init_datadir(const std::string& datadir, const InitOptions& options);
/// The same with the words of an earlier node: its node id, its wallet, none of its channels. The wallet reads the
/// chain from options.scan_from on, or from its beginning. The reason of a refusal never contains a word.
[[nodiscard]] Status<std::string> restore_datadir(const std::string& datadir, InitOptions options,
                                                  std::string_view words);
/// Refuses a file that others can read: it may contain bitcoind's password.
[[nodiscard]] Result<Settings, std::string> read_settings(const std::string& datadir);
/// Makes a folder that others can read accessible to its owner only: the database has no mode of its own.
[[nodiscard]] Status<std::string> tighten_datadir(const std::string& datadir);
struct StoredSeed {
  StoredSeed() = default;
  StoredSeed(StoredSeed&&) = default;
  ~StoredSeed();
  std::array<std::uint8_t, 64> seed{};  // wiped on destruction
  Bytes channel_salt;                   // of a restored node: see make_seed_signer
};
/// The seed of the stored words. Refuses a file that others can read.
[[nodiscard]] Result<StoredSeed, std::string> read_seed(const std::string& datadir);
/// Whether dozed has run here: the token is made after the database.
[[nodiscard]] bool has_run(const std::string& datadir);
/// The API's token; created at the first start (`make`), otherwise an error that asks to start dozed first.
[[nodiscard]] Result<std::string, std::string> read_token(const std::string& datadir, bool make);

}  // namespace doze::app
