#include "app/datadir.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "bitcoin/keys.h"
#include "crypto/crypto.h"

namespace doze::app {
namespace {

std::string reason() {
  return std::strerror(errno);
}

/// Creates a file that only its owner can read; fails if it exists.
Result<bool, std::string> write_private(const std::string& path, std::string_view text, bool secret) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
  if (file < 0) return fail(path + ": " + reason());
  bool good = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  std::string why = good ? "" : reason();
  ::close(file);
  if (!good) {
    ::unlink(path.c_str());
    return fail(path + ": " + why);
  }
  return true;
}

Result<std::string, std::string> read_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return fail(path + ": " + reason());
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

/// The only copy of a small secret file in memory; the destructor wipes it.
struct SecretFile {
  static constexpr std::size_t kMaxBytes = 1'024;  // 24 words and a salt are less than 300
  std::array<char, kMaxBytes> bytes{};
  std::size_t size = 0;
  SecretFile() = default;
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  ~SecretFile() { explicit_bzero(bytes.data(), bytes.size()); }
  [[nodiscard]] std::string_view text() const { return {bytes.data(), size}; }

  Status<std::string> read(const std::string& path) {
    int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail(path + ": " + reason());
    ssize_t got = 0;
    while (size < kMaxBytes && (got = ::read(file, bytes.data() + size, kMaxBytes - size)) > 0)
      size += static_cast<std::size_t>(got);
    std::string why = got < 0 ? reason() : size == kMaxBytes ? "expected a seed file, but it is too long" : "";
    ::close(file);
    if (!why.empty()) return fail(path + ": " + why);
    return Done{};
  }
};

Result<bool, std::string> only_ours(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail(path + ": " + reason());
  if ((info.st_mode & 077) != 0) return fail(path + ": other users can read this file; run: chmod 600 " + path);
  return true;
}

}  // namespace

Status<std::string> tighten_datadir(const std::string& datadir) {
  struct stat info {};
  if (::stat(datadir.c_str(), &info) != 0) return fail(datadir + ": " + reason());
  if ((info.st_mode & 077) != 0 && ::chmod(datadir.c_str(), info.st_mode & 0700) != 0)
    return fail(datadir + ": other users can read this folder, and chmod fails: " + reason());
  return Done{};
}

std::string default_datadir() {
  if (const char* named = std::getenv("DOZE_DIR"); named != nullptr && *named != 0) return named;
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : ".") + "/.doze";
}

namespace {
constexpr std::size_t kSaltBytes = 16;
constexpr std::string_view kSaltLabel = "channels ";
constexpr std::size_t kTokenBytes = 32;
constexpr const char* kTokenFile = "/api-token";

Status<std::string> fill(std::span<std::uint8_t> out) {
  if (::getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(out.size()))
    return fail("cannot get random bytes from the system: " + reason());
  return Done{};
}

Status<std::string> make_folder(const std::string& datadir, const InitOptions& options, std::string_view seed) {
  if (::mkdir(datadir.c_str(), 0700) != 0 && errno != EEXIST) return fail(datadir + ": " + reason());
  if (::access((datadir + "/seed").c_str(), F_OK) == 0)
    return fail(datadir + "/seed exists already: choose another folder with --datadir");
  LN_CHECK(tighten_datadir(datadir));
  auto config = default_settings(options);
  if (auto settings = parse_settings(config, "doze.toml"); !settings) return fail(settings.error());
  auto path = datadir + "/doze.toml";
  if (::access(path.c_str(), F_OK) == 0) {  // from an interrupted init
    LN_TRY(there, read_file(path));
    if (there != config)
      return fail(
          path +
          " exists already and differs from what these options would write: remove it, or choose another --datadir");
  } else {
    LN_CHECK(write_private(path, config, true));
  }
  LN_CHECK(write_private(datadir + "/seed", seed, true));
  return Done{};
}

std::string describe(const bitcoin::MnemonicError& error) {
  using Code = bitcoin::MnemonicError::Code;
  if (error.code == Code::WordCount)
    return "seed words: expected 12, 15, 18, 21 or 24 words, not " + std::to_string(error.where);
  if (error.code == Code::UnknownWord)
    return "seed words: word " + std::to_string(error.where) + " is not in the BIP 39 word list: check its spelling";
  return "seed words: the checksum is wrong: one word is wrong or in the wrong place";
}
}  // namespace

Result<SecretString, std::string> init_datadir(const std::string& datadir, const InitOptions& options) {
  std::array<std::uint8_t, 16> entropy{};
  LN_CHECK(fill(entropy));
  auto words = bitcoin::mnemonic_from_entropy(entropy);
  crypto::wipe(entropy);
  SecretString file;
  bool fits = file.append(words.view()) && file.append("\n");
  LN_ASSERT(fits);
  LN_CHECK(make_folder(datadir, options, file.view()));
  return words;
}

Status<std::string> restore_datadir(const std::string& datadir, InitOptions options, std::string_view words) {
  auto entropy = bitcoin::entropy_from_mnemonic(words);
  if (!entropy) return fail(describe(entropy.error()));
  if (!options.scan_from) options.scan_from = 0;
  std::array<std::uint8_t, kSaltBytes> salt{};
  auto filled = fill(salt);
  SecretString file;
  bool fits = file.append(bitcoin::mnemonic_from_entropy(*entropy).view()) && file.append("\n") &&
              file.append(kSaltLabel) && file.append(to_hex(salt)) && file.append("\n");
  LN_ASSERT(fits);
  crypto::wipe(*entropy);
  LN_CHECK(filled);
  return make_folder(datadir, options, file.view());
}

Result<Settings, std::string> read_settings(const std::string& datadir) {
  auto path = datadir + "/doze.toml";
  auto text = read_file(path);
  if (!text) return fail(text.error() + ": create a node with: doze init --datadir " + datadir);
  LN_CHECK(only_ours(path));
  return parse_settings(*text, path);
}

StoredSeed::~StoredSeed() {
  crypto::wipe(seed);
}

Result<StoredSeed, std::string> read_seed(const std::string& datadir) {
  auto path = datadir + "/seed";
  LN_CHECK(only_ours(path));
  SecretFile file;
  LN_CHECK(file.read(path));
  StoredSeed out;
  auto text = file.text();
  auto end = text.find('\n');
  auto words = trimmed(text.substr(0, end));
  auto rest = end == std::string_view::npos ? std::string_view() : trimmed(text.substr(end + 1));
  if (rest.starts_with(kSaltLabel)) {
    auto salt = from_hex(rest.substr(kSaltLabel.size()));
    if (!salt || salt->size() != kSaltBytes) return fail(path + ": the line 'channels' is damaged");
    out.channel_salt = *std::move(salt);
  } else if (!rest.empty()) {
    return fail(path + ": expected a second line that begins with 'channels', or none");
  }
  auto entropy = bitcoin::entropy_from_mnemonic(words);
  if (!entropy) return fail(path + ": expected valid seed words in the first line");
  crypto::wipe(*entropy);
  out.seed = bitcoin::seed_from_mnemonic(words);
  return out;
}

bool has_run(const std::string& datadir) {
  return ::access((datadir + kTokenFile).c_str(), F_OK) == 0;
}

Result<std::string, std::string> read_token(const std::string& datadir, bool make) {
  auto path = datadir + kTokenFile;
  if (!has_run(datadir)) {
    if (!make) return fail(path + " does not exist yet: start dozed --datadir " + datadir);
    std::array<std::uint8_t, kTokenBytes> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
      return fail("cannot get random bytes from the system: " + reason());
    LN_CHECK(write_private(path, to_hex(bytes) + "\n", true));
  }
  LN_CHECK(only_ours(path));
  LN_TRY(text, read_file(path));
  std::string token(trimmed(text));
  if (auto bytes = from_hex(token); !bytes || bytes->size() != kTokenBytes)
    return fail(path + ": expected 64 hex digits: remove the file, and dozed creates a new one at its next start");
  return token;
}

}  // namespace doze::app
