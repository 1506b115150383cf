// The command line: one method of the API each, made from the same table, and `init`.
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
#include "cli/tables.h"
#include "crypto/crypto.h"
#include "rpc/client.h"
#include "rpc/methods.h"

namespace {

using namespace doze;
namespace json = boost::json;
using Words = std::vector<std::string>;

int complain(const std::string& why) {
  std::fprintf(stderr, "doze: %s\n", why.c_str());
  return 1;
}

/// How the help shows an option: amounts without a unit in the name, which stands behind the number.
std::string shown_flag(const rpc::Param& param) {
  return cli::unitless_flag_of(param).value_or(cli::flag_of(param.name));
}
std::string shown_kind(const rpc::Param& param) {
  return param.kind == rpc::Kind::Msat || param.kind == rpc::Kind::Sat ? "amount" : rpc::name(param.kind);
}

std::string usage(const rpc::Method& method) {
  std::string out = "doze " + method.name;
  for (const auto& param : method.params) {
    std::string shown = param.positional                ? param.name
                        : param.kind == rpc::Kind::Flag ? shown_flag(param)
                                                        : shown_flag(param) + " " + shown_kind(param);
    out += param.required ? " " + shown : " [" + shown + "]";
  }
  return out;
}

void print_help() {
  std::printf(
      "doze [--datadir DIR] [--json] [--version] COMMAND ...\n\nTalks to the dozed of DIR (default: $DOZE_DIR, else "
      "~/.doze).\n\n");
  std::printf("  %-20s %s\n", "init", "make a node: configuration and seed words");
  for (const auto& method : rpc::methods()) std::printf("  %-20s %s\n", method.name.c_str(), method.summary.c_str());
  std::printf("\ndoze help COMMAND tells more. Answers are tables; --json prints them for programs.\n");
}

void print_help(const rpc::Method& method) {
  std::printf("%s\n\n%s\n\n", usage(method).c_str(), method.summary.c_str());
  bool amounts = false;
  for (const auto& param : method.params) {
    auto shown = param.positional ? param.name : shown_flag(param);
    std::printf("  %-20s %-10s %s%s\n", shown.c_str(), shown_kind(param).c_str(), param.help.c_str(),
                param.required ? " (required)" : "");
    amounts = amounts || shown_kind(param) == "amount";
  }
  if (amounts)
    std::printf("\nAmounts: 250sat, 0.0001btc, 250000msat; a bare number is in the unit of the name in JSON.\n");
  if (!method.example.empty()) std::printf("\nExample: doze %s %s\n", method.name.c_str(), method.example.c_str());
}

const char* kInitHelp =
    "doze init [--datadir DIR] [--network regtest|signet|testnet4] [--role client|server] [--alias NAME]\n"
    "          [--listen-port N] [--rpc-port N] [--announce HOST:PORT] [--profile ldk|draft]\n"
    "          [--bitcoind-port N] [--bitcoind-cookie FILE] [--bitcoind-user U --bitcoind-password P]\n"
    "          [--zmq-hashblock tcp://HOST:PORT] [--restore [--birthday HEIGHT]]\n\n"
    "Writes doze.toml and the seed, and shows the seed words once.\n"
    "--restore: reads the words of an earlier node from stdin, one line. They bring back its node id and its coins on\n"
    "chain, from block HEIGHT on (default: all blocks); no channels, offers or payments.\n";

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
    if (word == "--help" || word == "-h") return std::printf("%s", kInitHelp), 0;
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
  std::printf("%s", as_json ? (answer->body + "\n").c_str() : cli::to_text(parsed, terminal_columns()).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Words words(argv + 1, argv + argc);
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
    print_help();
    return rest.empty() ? 1 : 0;
  }
  if (rest[0] == "--version") return std::printf("doze %s (%s)\n", kVersion, crypto::versions()), 0;
  auto command = rest[0];
  Words arguments(rest.begin() + 1, rest.end());
  bool wants_help = command == "help" || (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h"));
  if (command == "help") command = arguments[0];
  if (command == "init") return wants_help ? (std::printf("%s", kInitHelp), 0) : init(datadir, arguments);
  const auto* method = rpc::find_method(command);
  if (method == nullptr) return complain("unknown command '" + command + "': see doze help");
  if (wants_help) return print_help(*method), 0;
  return call(datadir, *method, arguments, as_json);
}
