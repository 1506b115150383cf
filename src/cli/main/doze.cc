// The command line: what needs no daemon, `init`, and one method of the API each.
#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "app/datadir.h"
#include "base/version.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/offline.h"
#include "cli/tables.h"
#include "crypto/crypto.h"
#include "rpc/client.h"
#include "rpc/methods.h"
#include "store/store.h"

namespace {

using namespace doze;
namespace json = boost::json;
using Words = std::vector<std::string>;

/// `doze stop` comes back when another dozed may have the folder: a last commit on a slow disk ends within this.
constexpr int kStopWaitMs = 30'000;

int complain(const std::string& why) {
  std::fprintf(stderr, "doze: %s\n", why.c_str());
  return 1;
}

/// The words, from whoever types or pipes them; never an argument, which other users of the machine could see.
std::string read_words() {
  if (::isatty(STDIN_FILENO) != 0) std::fprintf(stderr, "Seed words, in one line: ");
  std::string line;
  std::getline(std::cin, line);
  return line;
}

int init(const std::string& datadir, const Words& words) {
  app::InitOptions options;
  bool restore = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "--restore") {
      restore = true;
      continue;
    }
    if (!word.starts_with("--") || i + 1 >= words.size())
      return complain("init: '" + word + "' needs a value or is unknown: see doze init --help");
    const auto& value = words[++i];
    auto port = [&](std::uint16_t& to) {
      unsigned long number = 0;
      for (char c : value)
        number = c >= '0' && c <= '9' && number < 65536 ? number * 10 + static_cast<unsigned>(c - '0') : 65536;
      if (value.empty() || number == 0 || number > 65535) return false;
      to = static_cast<std::uint16_t>(number);
      return true;
    };
    bool good = true;
    if (word == "--network") {
      auto network = wire::parse_network(value);
      good = network.has_value();
      if (network == wire::Network::Mainnet)
        return complain("init: mainnet is refused: claims on chain and penalties are not there yet");
      if (network) options.network = *network;
    } else if (word == "--role") {
      good = value == "client" || value == "server";
      options.role = value == "server" ? Role::Server : Role::Client;
    } else if (word == "--alias") {
      options.alias = value;
    } else if (word == "--listen-port") {
      good = port(options.listen_port);
    } else if (word == "--rpc-port") {
      good = port(options.rpc_port);
    } else if (word == "--bitcoind-port") {
      good = port(options.bitcoind_port);
    } else if (word == "--announce") {
      options.announce = value;
    } else if (word == "--profile") {
      good = value == "ldk" || value == "draft";
      options.profile = value;
    } else if (word == "--bitcoind-cookie") {
      options.bitcoind_cookie = value;
    } else if (word == "--bitcoind-user") {
      options.bitcoind_user = value;
    } else if (word == "--bitcoind-password") {
      options.bitcoind_password = value;
    } else if (word == "--birthday") {
      auto height = value.size() <= 9 ? cli::parse_sat(value) : std::nullopt;
      good = height.has_value();
      if (height) options.scan_from = static_cast<std::uint32_t>(*height);
    } else if (word == "--zmq-hashblock") {
      options.zmq_hashblock = value;
    } else {
      return complain("init: unknown option '" + word + "': see doze init --help");
    }
    if (!good) return complain("init: " + word + ": '" + value + "' is not possible: see doze init --help");
  }
  if (options.role == Role::Server && options.announce.empty())
    options.announce = "127.0.0.1:" + std::to_string(options.listen_port);
  if (restore) {
    auto restored = app::restore_datadir(datadir, options, read_words());
    if (!restored) return complain("init: " + restored.error());
    std::printf(
        "Made %s/doze.toml and %s/seed from your words.\n\nThe wallet looks for its coins from block %u on. Channels, "
        "offers and payments do\nnot come back.\n\n"
        "Start the node with: dozed --datadir %s\n",
        datadir.c_str(), datadir.c_str(), options.scan_from.value_or(0), datadir.c_str());
    return 0;
  }
  if (options.scan_from) return complain("init: --birthday goes with --restore");
  auto made = app::init_datadir(datadir, options);
  if (!made) return complain(made.error());
  std::printf(
      "Made %s/doze.toml and %s/seed.\n\nWrite these words down, they are shown once and are your money:\n\n  %s\n\n"
      "Start the node with: dozed --datadir %s\n",
      datadir.c_str(), datadir.c_str(), made->c_str(), datadir.c_str());
  return 0;
}

std::size_t terminal_columns() {
  winsize size{};
  bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return known ? size.ws_col : cli::kDefaultColumns;
}

int call(const std::string& datadir, const rpc::Method& method, const Words& words, bool as_json) {
  auto arguments = cli::arguments_of(method, words);
  if (!arguments) return complain(arguments.error());
  auto settings = app::read_settings(datadir);
  if (!settings) return complain(settings.error());
  auto token = app::read_token(datadir, false);
  if (!token) return complain(token.error());
  auto answer =
      rpc::call(settings->rpc_host, settings->rpc_port, *token, method.name, json::serialize(json::value(*arguments)));
  if (!answer) return complain(answer.error() + ": is dozed running? dozed --datadir " + datadir);
  boost::system::error_code error;
  auto parsed = json::parse(answer->body, error);
  if (error) return complain("the daemon answered " + std::to_string(answer->status) + " without JSON");
  if (answer->status != 200) {
    if (as_json) std::printf("%s\n", answer->body.c_str());
    const auto* problem = parsed.is_object() ? parsed.as_object().if_contains("error") : nullptr;
    const auto* message =
        problem != nullptr && problem->is_object() ? problem->as_object().if_contains("message") : nullptr;
    return complain(message != nullptr && message->is_string() ? std::string(message->as_string()) : answer->body);
  }
  if (method.name == "stop" && !store::wait_until_free(datadir, kStopWaitMs))
    return complain("dozed was asked to stop, but still uses " + datadir + " after " +
                    std::to_string(kStopWaitMs / 1'000) + " s");
  std::printf("%s", as_json ? (answer->body + "\n").c_str() : cli::to_text(parsed, terminal_columns()).c_str());
  return 0;
}

int run(const Words& words) {
  std::string datadir = app::default_datadir();
  bool as_json = false;
  Words rest;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--datadir") {
      if (i + 1 >= words.size()) return complain("--datadir needs a folder");
      datadir = words[++i];
    } else if (words[i] == "--json") {
      as_json = true;
    } else {
      rest.push_back(words[i]);
    }
  }
  if (rest.empty() || rest[0] == "--help" || rest[0] == "-h" || (rest[0] == "help" && rest.size() == 1)) {
    std::printf("%s", cli::help().c_str());
    return rest.empty() ? 1 : 0;
  }
  if (rest[0] == "--version") return std::printf("doze %s (%s)\n", kVersion, crypto::versions()), 0;
  bool wants_help = rest[0] == "help";
  if (wants_help) rest.erase(rest.begin());
  std::size_t used = 0;
  const auto* command = cli::find_command(rest, &used);
  if (command == nullptr) {
    for (const auto& each : cli::commands())
      if (each.method.name.starts_with(rest[0] + " "))
        return complain("'" + rest[0] + "' needs a second word, as in doze " + each.method.name + ": see doze help");
    return complain("unknown command '" + rest[0] + "': see doze help");
  }
  Words arguments(rest.begin() + static_cast<std::ptrdiff_t>(used), rest.end());
  wants_help = wants_help || (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h"));
  if (wants_help) return std::printf("%s", cli::help(*command).c_str()), 0;
  if (command->method.name == "init") return init(datadir, arguments);
  if (command->offline) return cli::run_offline(*command, arguments, as_json);
  return call(datadir, command->method, arguments, as_json);
}

}  // namespace

int main(int argc, char** argv) {
  int code = run(Words(argv + 1, argv + argc));
  // An answer that is lost, on a full disk for example, is no success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return complain("cannot write the answer");
  return code;
}
