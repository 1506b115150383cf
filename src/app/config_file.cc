#include "app/config_file.h"

// toml++ 3.3 asserts that a table's name begins well, and then handles the case that it does not: "[+x]" would abort.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include <functional>
#include <map>
#include <sstream>

#include "effects/limits.h"

namespace doze::app {

namespace {
using Problem = std::optional<std::string>;  // what is wrong: what to do instead
using Setter = std::function<Problem(Settings&, const toml::node&)>;

template <class T>
Setter number(T Settings::*field, std::int64_t min, std::int64_t max);

/// A whole number between min and max, given to `set`.
Setter whole(std::int64_t min, std::int64_t max, std::function<void(Settings&, std::uint64_t)> set) {
  return [=](Settings& settings, const toml::node& node) -> Problem {
    auto value = node.value_exact<std::int64_t>();
    if (!value || *value < min || *value > max)
      return "expected a whole number from " + std::to_string(min) + " to " + std::to_string(max);
    set(settings, static_cast<std::uint64_t>(*value));
    return std::nullopt;
  };
}
Setter text(std::function<Problem(Settings&, const std::string&)> set) {
  return [=](Settings& settings, const toml::node& node) -> Problem {
    auto value = node.value_exact<std::string>();
    return value ? set(settings, *value) : Problem("expected a text in quotes");
  };
}
Setter flag(std::function<void(Settings&, bool)> set) {
  return [=](Settings& settings, const toml::node& node) -> Problem {
    auto value = node.value_exact<bool>();
    if (!value) return "expected true or false";
    set(settings, *value);
    return std::nullopt;
  };
}

Problem set_listen(std::string& host, std::uint16_t& port, const std::string& value) {
  auto colon = value.rfind(':');
  auto address = wire::parse_address(value);
  if (!address || colon == std::string::npos) return "expected \"host:port\", for example \"127.0.0.1:9735\"";
  host = value.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  port = address->port;
  return std::nullopt;
}

Problem set_network(Settings& settings, const std::string& value) {
  auto network = wire::parse_network(value);
  if (!network) return "expected \"regtest\", \"signet\" or \"testnet4\"";
  if (*network == wire::Network::Mainnet)
    return "mainnet is refused: claims on chain, penalties and fee bumping are not there yet, money could be lost. "
           "Use regtest, signet or testnet4";
  settings.node.network = *network;
  return std::nullopt;
}

Problem set_profile(Settings& settings, const std::string& value) {
  if (value != "ldk" && value != "draft") return "expected \"ldk\" or \"draft\" (leave it out to speak both)";
  settings.node.offers_ldk_hold = value == "ldk";
  settings.node.offers_draft_hold = value == "draft";
  settings.node.recipient_profile = value == "ldk" ? Profile::Ldk : Profile::Draft;
  return std::nullopt;
}

Problem set_announce(Settings& settings, const toml::node& node) {
  const auto* list = node.as_array();
  if (list == nullptr) return "expected a list of \"host:port\"";
  for (const auto& item : *list) {
    auto value = item.value_exact<std::string>();
    auto address = value ? wire::parse_address(*value) : std::nullopt;
    if (!address) return "expected a list of \"host:port\"";
    settings.node.announced_addresses.push_back(*address);
  }
  return std::nullopt;
}

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> kSetters = {
      {"network", text(set_network)},
      {"role", text([](Settings& s, const std::string& v) -> Problem {
         if (v != "client" && v != "server") return "expected \"client\" or \"server\"";
         s.node.role = v == "client" ? Role::Client : Role::Server;
         return std::nullopt;
       })},
      {"alias", text([](Settings& s, const std::string& v) -> Problem {
         if (v.size() > 32) return "32 bytes at most";
         s.node.alias = v;
         return std::nullopt;
       })},
      {"profile", text(set_profile)},
      {"listen", text([](Settings& s, const std::string& v) { return set_listen(s.listen_host, s.listen_port, v); })},
      {"rpc", text([](Settings& s, const std::string& v) { return set_listen(s.rpc_host, s.rpc_port, v); })},
      {"announce", set_announce},
      {"log_level", text([](Settings& s, const std::string& v) -> Problem {
         if (v != "debug" && v != "info" && v != "warning" && v != "error")
           return "expected \"debug\", \"info\", \"warning\" or \"error\"";
         s.log_level = v;
         return std::nullopt;
       })},
      {"hold_window_blocks",
       whole(0, kMaxHoldWindow,
             [](Settings& s, std::uint64_t v) { s.node.hold_window_blocks = static_cast<std::uint32_t>(v); })},
      {"bitcoind.host", text([](Settings& s, const std::string& v) -> Problem {
         s.bitcoind.host = v;
         return std::nullopt;
       })},
      {"bitcoind.port",
       whole(1, 65535, [](Settings& s, std::uint64_t v) { s.bitcoind.port = static_cast<std::uint16_t>(v); })},
      {"bitcoind.cookie_file", text([](Settings& s, const std::string& v) -> Problem {
         s.bitcoind.cookie_file = v;
         return std::nullopt;
       })},
      {"bitcoind.user", text([](Settings& s, const std::string& v) -> Problem {
         s.bitcoind.user = v;
         return std::nullopt;
       })},
      {"bitcoind.password", text([](Settings& s, const std::string& v) -> Problem {
         s.bitcoind.password = v;
         return std::nullopt;
       })},
      {"bitcoind.zmq_hashblock", text([](Settings& s, const std::string& v) -> Problem {
         s.bitcoind.zmq_hashblock = v;
         return std::nullopt;
       })},
      {"bitcoind.poll_ms",
       whole(50, 60'000, [](Settings& s, std::uint64_t v) { s.bitcoind.poll_ms = static_cast<std::uint32_t>(v); })},
      {"channels.anchors", flag([](Settings& s, bool v) { s.node.anchors = v; })},
      {"channels.minimum_depth",
       whole(1, 144, [](Settings& s, std::uint64_t v) { s.node.minimum_depth = static_cast<std::uint32_t>(v); })},
      {"fees.base_msat", whole(0, 4'294'967'295, [](Settings& s, std::uint64_t v) { s.node.fees.fee_base = Msat(v); })},
      {"fees.proportional_millionths", whole(0, 1'000'000,
                                             [](Settings& s, std::uint64_t v) {
                                               s.node.fees.fee_proportional_millionths = static_cast<std::uint32_t>(v);
                                             })},
      {"fees.cltv_expiry_delta", whole(34, 1008,
                                       [](Settings& s, std::uint64_t v) {
                                         s.node.fees.cltv_expiry_delta = CltvDelta(static_cast<std::uint32_t>(v));
                                       })},
      {"fees.max_fee_ppm",
       whole(0, 1'000'000, [](Settings& s, std::uint64_t v) { s.node.max_fee_ppm = static_cast<std::uint32_t>(v); })},
  };
  return kSetters;
}

/// As a TOML basic string, whatever characters are in it.
std::string quoted(const std::string& text) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += {kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string place(const std::string& file, const toml::source_position& at) {
  return file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
}

Problem apply(Settings& settings, const toml::table& table, const std::string& prefix, const std::string& file) {
  for (const auto& [key, node] : table) {
    auto name = prefix + std::string(key.str());
    if (const auto* inner = node.as_table(); inner != nullptr && prefix.empty()) {
      bool known = false;
      for (const auto& [known_name, setter] : setters()) known = known || known_name.starts_with(name + ".");
      if (known) {
        if (auto problem = apply(settings, *inner, name + ".", file)) return problem;
        continue;
      }
    }
    auto setter = setters().find(name);
    if (setter == setters().end())
      return place(file, key.source().begin) + "unknown key '" + name + "': see the comments that 'doze init' writes";
    if (auto problem = setter->second(settings, node)) return place(file, node.source().begin) + name + ": " + *problem;
  }
  return std::nullopt;
}
}  // namespace

std::uint16_t usual_rpc_port(wire::Network network) {
  switch (network) {
    case wire::Network::Mainnet:
      return 8332;
    case wire::Network::Testnet4:
      return 48332;
    case wire::Network::Signet:
      return 38332;
    case wire::Network::Regtest:
      return 18443;
  }
  return 8332;
}

Result<Settings, std::string> parse_settings(const std::string& source, const std::string& file_name) {
  Settings settings;
  try {
    auto table = toml::parse(source);
    if (auto problem = apply(settings, table, "", file_name)) return fail(*problem);
  } catch (const toml::parse_error& error) {
    return fail(place(file_name, error.source().begin) + std::string(error.description()));
  }
  auto& node = settings.node;
  if (node.hold_window_blocks != 0 && node.hold_window_blocks < kMinHoldWindow)
    return fail(file_name + ": hold_window_blocks: 0 (never hold) or 6 to 1008");
  if (node.role == Role::Server && node.announced_addresses.empty())
    return fail(file_name + ": announce: a server must be reachable: name the address that others dial, as host:port");
  if (settings.bitcoind.port == 0) settings.bitcoind.port = usual_rpc_port(node.network);
  return settings;
}

std::string default_settings(const InitOptions& options) {
  std::ostringstream out;
  bool server = options.role == Role::Server;
  out << "# Doze. Every key is shown; commented ones show their default.\n\n"
      << "# regtest, signet or testnet4. Mainnet is refused until claims on chain are there.\n"
      << "network = \"" << wire::name(options.network) << "\"\n\n"
      << "# client: a wallet that sleeps. server: announced, forwards, holds, keeps mailboxes, serves static "
         "invoices.\n"
      << "role = \"" << (server ? "server" : "client") << "\"\n"
      << (options.alias.empty() ? "# alias = \"\"\n" : "alias = " + quoted(options.alias) + "\n")
      << "\n# Numbers on the wire of async payments: leave out to speak both, \"ldk\" or \"draft\" to speak one.\n"
      << (options.profile.empty() ? "# profile = \"ldk\"\n" : "profile = \"" + options.profile + "\"\n")
      << "\n# Where peers connect to us, and where programs talk to us (keep this on localhost).\n"
      << "listen = \"127.0.0.1:" << options.listen_port << "\"\n"
      << "rpc = \"127.0.0.1:" << options.rpc_port << "\"\n"
      << "\n# Servers: the addresses that others dial.\n"
      << (options.announce.empty() ? "# announce = [\"203.0.113.7:9735\"]\n"
                                   : "announce = [\"" + options.announce + "\"]\n")
      << "\n# Blocks that a payment to a sleeping recipient may wait at our peer: 144 is a day; 0: never hold.\n"
      << "# hold_window_blocks = 144\n\n# debug, info, warning or error\n# log_level = \"info\"\n\n[bitcoind]\n"
      << "# host = \"127.0.0.1\"\nport = "
      << (options.bitcoind_port == 0 ? usual_rpc_port(options.network) : options.bitcoind_port) << "\n"
      << "# A cookie file, or user and password.\n"
      << (options.bitcoind_cookie.empty() ? "# cookie_file = \"/path/to/.cookie\"\n"
                                          : "cookie_file = " + quoted(options.bitcoind_cookie) + "\n")
      << (options.bitcoind_user.empty()
              ? "# user = \"\"\n# password = \"\"\n"
              : "user = " + quoted(options.bitcoind_user) + "\npassword = " + quoted(options.bitcoind_password) + "\n")
      << "# Optional: bitcoind's zmqpubhashblock. It only wakes us; blocks are always polled, too.\n"
      << (options.zmq_hashblock.empty() ? "# zmq_hashblock = \"tcp://127.0.0.1:28332\"\n"
                                        : "zmq_hashblock = " + quoted(options.zmq_hashblock) + "\n")
      << "# poll_ms = 1000\n\n[channels]\n# anchors = true\n# minimum_depth = 3\n\n[fees]\n"
      << "# What we charge for forwarding.\n# base_msat = 1000\n# proportional_millionths = 100\n"
      << "# cltv_expiry_delta = 72\n# What our own payments may cost at most, in millionths of the amount.\n"
      << "# max_fee_ppm = 10000\n";
  return out.str();
}

}  // namespace doze::app
