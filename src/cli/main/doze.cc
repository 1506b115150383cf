// The program `doze`: commands that need no daemon, `init`, and one command per method of the API.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "api/methods.h"
#include "app/datadir.h"
#include "app/process.h"
#include "base/secret_string.h"
#include "base/version.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/offline.h"
#include "cli/secret_io.h"
#include "cli/short_ids.h"
#include "cli/tables.h"
#include "crypto/crypto.h"
#include "rpc/client.h"
#include "store/store.h"

namespace {

using namespace doze;
namespace json = boost::json;
using Words = std::vector<std::string>;

/// `doze stop` returns when another dozed may use the folder. A last commit on a slow disk ends within this time.
constexpr int kStopWaitMs = 30'000;

using cli::Exit;

int complain(Exit exit, const std::string& why) {
  std::fprintf(stderr, "doze: %s\n", why.c_str());
  return cli::code(exit);
}
int misused(const std::string& why) {
  return complain(Exit::Usage, why);
}

/// Reads the seed words from stdin, typed or piped. They are never an argument, which other users could see.
SecretString read_words() {
  if (::isatty(STDIN_FILENO) != 0) std::fprintf(stderr, "Seed words, in one line: ");
  return cli::read_secret_line(STDIN_FILENO);
}

/// nullopt: the value is valid. Otherwise: what is expected.
using Problem = std::optional<std::string>;

Problem set_port(const std::string& value, std::uint16_t& to) {
  auto number = value.size() <= 5 ? cli::parse_number(value) : std::nullopt;
  if (!number || *number == 0 || *number > 65'535) return "a port from 1 to 65535";
  to = static_cast<std::uint16_t>(*number);
  return std::nullopt;
}

Problem set_network(const std::string& value, app::InitOptions& options) {
  auto network = wire::parse_network(value);
  if (network == wire::Network::Mainnet)
    return "regtest, signet or testnet4: mainnet is refused, because claims on chain are new";
  if (!network) return "regtest, signet or testnet4";
  options.network = *network;
  return std::nullopt;
}

/// Sets one option of init. False: there is no such option.
bool set_option(const std::string& word, const std::string& value, app::InitOptions& options, Problem& problem) {
  auto one_of = [&](std::initializer_list<const char*> choices) -> Problem {
    std::string all;
    for (const auto* choice : choices) {
      if (value == choice) return std::nullopt;
      all += (all.empty() ? "" : " or ") + std::string(choice);
    }
    return all;
  };
  auto text = [&](std::string& to) {
    to = value;
    return Problem{};
  };
  if (word == "--network") {
    problem = set_network(value, options);
  } else if (word == "--role") {
    problem = one_of({"client", "server"});
    options.role = value == "server" ? Role::Server : Role::Client;
  } else if (word == "--profile") {
    problem = one_of({"ldk", "draft"});
    options.profile = value;
  } else if (word == "--alias") {
    problem = text(options.alias);
  } else if (word == "--listen-port") {
    problem = set_port(value, options.listen_port);
  } else if (word == "--rpc-port") {
    problem = set_port(value, options.rpc_port);
  } else if (word == "--bitcoind-port") {
    problem = set_port(value, options.bitcoind_port);
  } else if (word == "--announce") {
    problem = text(options.announce);
  } else if (word == "--bitcoind-cookie") {
    problem = text(options.bitcoind_cookie);
  } else if (word == "--bitcoind-user") {
    problem = text(options.bitcoind_user);
  } else if (word == "--bitcoind-password") {
    problem = text(options.bitcoind_password);
  } else if (word == "--birthday") {
    auto height = value.size() <= 9 ? cli::parse_number(value) : std::nullopt;
    if (!height) problem = "a block height";
    if (height) options.scan_from = static_cast<std::uint32_t>(*height);
  } else {
    return false;
  }
  return true;
}

int restore(const std::string& datadir, app::InitOptions& options) {
  auto words = read_words();
  auto restored = app::restore_datadir(datadir, options, words.view());
  if (!restored) return complain(Exit::Failed, "init: " + restored.error());
  std::printf(
      "Created %s/doze.toml and %s/seed from your words.\n\nThe wallet searches for its coins from block %u on. "
      "Channels, offers and payments are\nnot restored.\n\nNever run the old node again: two nodes with one identity "
      "lose money.\n\nStart the node with: dozed --datadir %s\n",
      datadir.c_str(), datadir.c_str(), options.scan_from.value_or(0), datadir.c_str());
  return 0;
}

int init(const std::string& datadir, const Words& words, const cli::Command& command) {
  app::InitOptions options;
  bool from_words = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "--restore") {
      from_words = true;
      continue;
    }
    std::vector<std::string> known;
    for (const auto& param : command.method.params) known.push_back(cli::flag_of(param.name));
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      auto meant = cli::did_you_mean(word, known);
      return misused("init: unknown option '" + word + "'" + (meant.empty() ? ": see doze init --help" : meant));
    }
    if (i + 1 >= words.size()) return misused("init: " + word + " needs a value: see doze init --help");
    const auto& value = words[++i];
    Problem problem;
    if (!set_option(word, value, options, problem)) return misused("init: unknown option '" + word + "'");
    if (problem) return misused("init: " + word + ": '" + value + "' is not valid: expected " + *problem);
  }
  if (options.role == Role::Server && options.announce.empty())
    options.announce = "127.0.0.1:" + std::to_string(options.listen_port);
  if (from_words) return restore(datadir, options);
  if (options.scan_from) return misused("init: --birthday: expected only together with --restore");
  auto made = app::init_datadir(datadir, options);
  if (!made) return complain(Exit::Failed, made.error());
  std::printf(
      "Created %s/doze.toml and %s/seed.\n\nWrite down these words. They are not shown again, and anyone who has them "
      "can spend your coins:\n\n  ",
      datadir.c_str(), datadir.c_str());
  // Not through stdio, whose buffer is never wiped.
  std::fflush(stdout);
  if (!cli::write_secret(STDOUT_FILENO, made->view()))
    return complain(Exit::Failed, "cannot print the seed words: read them in the file seed");
  std::printf("\n\nStart the node with: dozed --datadir %s\n", datadir.c_str());
  return 0;
}

std::size_t terminal_columns() {
  winsize size{};
  bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return known ? size.ws_col : cli::kDefaultColumns;
}

const json::value* error_in(const json::value& answer) {
  const auto* object = answer.if_object();
  const auto* problem = object == nullptr ? nullptr : object->if_contains("error");
  return problem != nullptr && problem->is_object() ? problem : nullptr;
}
std::string text_of(const json::value& object, std::string_view name) {
  const auto* found = object.as_object().if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
}

/// After a refusal that names the cost of a force close: asks a person at a terminal. True: the person agreed.
bool confirms(const json::value& problem) {
  if (text_of(problem, "needs") != "yes" || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) return false;
  std::fprintf(stderr,
               "doze: %s\n\nType yes to force-close, anything else to cancel: ", text_of(problem, "message").c_str());
  std::string line;
  std::getline(std::cin, line);
  return line == "yes";
}

struct Request {
  const std::string& datadir;
  const api::Method& method;
  bool as_json = false, in_full = false;
};

/// A payment that ended without paying is a failure, even if the API call itself succeeded.
Exit exit_of_answer(const Request& request, const json::value& answer) {
  if (!answer.is_object() || (request.method.name != "pay" && request.method.name != "waitpayment")) return Exit::Done;
  auto state = text_of(answer, "state");
  bool unpaid = state == "failed" || state == "expired" || state == "lost";
  return unpaid ? Exit::PaymentFailed : Exit::Done;
}

/// Access to the API of the node in a folder.
struct Api {
  app::Settings settings;
  std::string token;
  [[nodiscard]] Result<rpc::Answer, std::string> call(const std::string& method, const json::object& arguments) const {
    return rpc::call(settings.rpc_host, settings.rpc_port, token, method, json::serialize(json::value(arguments)));
  }
};
Result<Api, std::string> api_of(const std::string& datadir) {
  LN_TRY(settings, app::read_settings(datadir));
  LN_TRY(token, app::read_token(datadir, false));
  return Api{std::move(settings), std::move(token)};
}

/// Completes ids that were given by their first digits, as tables show them.
Status<std::string> complete_ids(const Api& api, const api::Method& method, json::object& arguments) {
  for (const auto& param : method.params) {
    const auto* given = arguments.if_contains(param.name);
    if (given == nullptr || !given->is_string()) continue;
    std::string text(given->as_string());
    const auto* list = cli::list_for(param, text);
    if (list == nullptr) continue;
    json::object all;
    if (std::string_view(list->method) == "listchannels") all["closed"] = true;
    for (std::string_view paged : {"listpayments", "listoffers"})
      if (list->method == paged) all["limit"] = command::kMaxPageRows;
    cli::IdSearch search(*list, text);
    for (std::optional<std::string> before = ""; before;) {
      if (!before->empty()) all["before"] = *before;
      LN_TRY(answer, api.call(list->method, all));
      boost::system::error_code error;
      auto parsed = json::parse(answer.body, error);
      before = error ? std::nullopt : search.look_at(parsed);
    }
    LN_TRY(whole, search.outcome());
    arguments[param.name] = whole;
  }
  return Done{};
}

int call(const Request& request, json::object arguments) {
  const auto& datadir = request.datadir;
  auto api = api_of(datadir);
  if (!api) return complain(Exit::NoDaemon, api.error());
  if (auto complete = complete_ids(*api, request.method, arguments); !complete)
    return complain(Exit::Refused, complete.error());
  auto answer = api->call(request.method.name, arguments);
  if (!answer) return complain(Exit::NoDaemon, answer.error() + ": is dozed running? dozed --datadir " + datadir);
  boost::system::error_code error;
  auto parsed = json::parse(answer->body, error);
  if (error)
    return complain(Exit::NoDaemon, "expected JSON from dozed, but another program answered with status " +
                                        std::to_string(answer->status));
  if (answer->status != 200) {
    const auto* problem = error_in(parsed);
    if (problem != nullptr && confirms(*problem)) {
      arguments["yes"] = true;
      return call(request, std::move(arguments));
    }
    if (request.as_json) std::printf("%s\n", answer->body.c_str());
    if (problem == nullptr) return complain(Exit::Failed, escape_untrusted(answer->body));
    return complain(cli::exit_of(text_of(*problem, "code")), printable(text_of(*problem, "message")));
  }
  if (request.method.name == "stop" && !store::wait_until_free(datadir, kStopWaitMs))
    return complain(Exit::TimedOut, "dozed is stopping, but still uses " + datadir + " after " +
                                        std::to_string(kStopWaitMs / 1'000) + " s");
  auto shape = request.in_full ? cli::Shape::Long : cli::Shape::Short;
  std::printf(
      "%s", request.as_json ? (answer->body + "\n").c_str() : cli::to_text(parsed, terminal_columns(), shape).c_str());
  return cli::code(exit_of_answer(request, parsed));
}

int no_such_command(const std::string& word) {
  if (!cli::help_of_group(word).empty()) return misused("'" + word + "' needs a second word: see doze help " + word);
  std::vector<std::string> known{"help"};
  for (const auto& each : cli::commands()) known.push_back(each.method.name);
  auto meant = cli::did_you_mean(word, known);
  return misused("unknown command '" + word + "'" + (meant.empty() ? ": see doze help" : meant));
}

int run(const Words& words) {
  std::string datadir = app::default_datadir();
  bool as_json = false, in_full = false;
  Words rest;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--datadir") {
      if (i + 1 >= words.size()) return misused("--datadir needs a folder");
      datadir = words[++i];
    } else if (words[i] == "--json" || words[i] == "-j") {
      as_json = true;
    } else if (words[i] == "--long") {
      in_full = true;
    } else {
      rest.push_back(words[i]);
    }
  }
  if (as_json && rest.size() == 1 && rest[0] == "help") return std::printf("%s\n", cli::help_for_programs().c_str()), 0;
  if (rest.empty() || rest[0] == "--help" || rest[0] == "-h" || (rest[0] == "help" && rest.size() == 1)) {
    std::printf("%s", cli::help().c_str());
    return rest.empty() ? cli::code(Exit::Usage) : 0;
  }
  if (rest[0] == "--version" || rest[0] == "version" || rest[0] == "-V")
    return std::printf("doze %s (%s)\n", kVersion, crypto::versions()), 0;
  bool wants_help = rest[0] == "help";
  if (wants_help) rest.erase(rest.begin());
  std::size_t used = 0;
  const auto* command = cli::find_command(rest, &used);
  auto group = wants_help && rest.size() == 1 ? cli::help_of_group(rest[0]) : "";
  if (!group.empty()) return std::printf("%s", group.c_str()), 0;
  if (command == nullptr) return no_such_command(rest[0]);
  Words arguments(rest.begin() + static_cast<std::ptrdiff_t>(used), rest.end());
  wants_help = wants_help || (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h"));
  if (wants_help) return std::printf("%s", cli::help(*command).c_str()), 0;
  if (command->method.name == "init") return init(datadir, arguments, *command);
  if (command->offline) return cli::run_offline(*command, arguments, as_json);
  auto object = cli::arguments_of(command->method, arguments);
  if (!object) return misused(object.error());
  return call({datadir, command->method, as_json, in_full}, *std::move(object));
}

}  // namespace

int main(int argc, char** argv) {
  if (auto blinded = app::blind_curve(); !blinded) return complain(Exit::Failed, blinded.error());
  int code = run(Words(argv + 1, argv + argc));
  // A lost answer (on a full disk, for example) is a failure.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return complain(Exit::Failed, "cannot write the answer");
  return code;
}
