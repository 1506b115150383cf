// doze.toml: every key, every kind of mistake with its place, and the file that `doze init` writes.
#include "app/config_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace doze::app {
namespace {

std::string error_of(const std::string& text) {
  auto settings = parse_settings(text, "doze.toml");
  return settings ? "" : settings.error();
}

/// What every file must have, but for the key that a test writes itself; a line each.
std::string needed(const std::string& but = "") {
  return std::string(but == "network" ? "" : "network = \"regtest\"\n") + (but == "role" ? "" : "role = \"client\"\n");
}

struct Key {
  const char* line;  // as in the file
  const char* wrong;
  bool (*is_set)(const Settings&);
};
const std::vector<std::pair<const char*, std::vector<Key>>>& keys() {
  using S = const Settings&;
  static const std::vector<std::pair<const char*, std::vector<Key>>> kKeys = {
      {"",
       {{"network = \"signet\"", "network = \"moon\"", [](S s) { return s.node.network == wire::Network::Signet; }},
        {"role = \"client\"", "role = \"king\"", [](S s) { return s.node.role == Role::Client; }},
        {"alias = \"tea\"", "alias = \"123456789012345678901234567890123\"", [](S s) { return s.node.alias == "tea"; }},
        {"profile = \"draft\"", "profile = \"both\"",
         [](S s) {
           return s.node.recipient_profile == Profile::Draft && s.node.offers_draft_hold && !s.node.offers_ldk_hold;
         }},
        {"listen = \"0.0.0.0:1234\"", "listen = \"1234\"",
         [](S s) { return s.listen_host == "0.0.0.0" && s.listen_port == 1234; }},
        {"rpc = \"[::1]:65535\"", "rpc = \"127.0.0.1:65536\"",
         [](S s) { return s.rpc_host == "::1" && s.rpc_port == 65535; }},
        {"rpc_allow_remote = true", "rpc_allow_remote = \"yes\"", [](S s) { return s.rpc_allow_remote; }},
        {"rpc_hosts = [\"dozed\", \"Doze.Example\"]", "rpc_hosts = [\"dozed:9737\"]",
         [](S s) {
           return s.rpc_hosts == std::set<std::string>{"dozed", "doze.example"};
         }},
        {"announce = [\"203.0.113.7:9735\", \"node.example:1\"]", "announce = [\"nowhere\"]",
         [](S s) { return s.node.announced_addresses.size() == 2; }},
        {"hold_window_blocks = 1008", "hold_window_blocks = 1009",
         [](S s) { return s.node.hold_window_blocks == 1008; }},
        {"dial_to_confirm = false", "dial_to_confirm = 0", [](S s) { return !s.node.dial_to_confirm; }},
        {"log_level = \"debug\"", "log_level = \"loud\"", [](S s) { return s.log_level == "debug"; }}}},
      {"bitcoind",
       {{"host = \"192.0.2.1\"", "host = 7", [](S s) { return s.bitcoind.host == "192.0.2.1"; }},
        {"port = 65535", "port = 65536", [](S s) { return s.bitcoind.port == 65535; }},
        {"cookie_file = \"c\"", "cookie_file = true", [](S s) { return s.bitcoind.cookie_file == "c"; }},
        {"user = \"u\"", "user = 1", [](S s) { return s.bitcoind.user == "u"; }},
        {"password = \"p\"", "password = 1", [](S s) { return s.bitcoind.password == "p"; }},
        {"zmq_hashblock = \"tcp://127.0.0.1:1\"", "zmq_hashblock = []",
         [](S s) { return s.bitcoind.port != 0; }},  // read, and of no effect
        {"accept_chain = \"00000000000000000000000000000000000000000000000000000000000000ff\"", "accept_chain = \"ff\"",
         [](S s) { return s.bitcoind.accept_chain && s.bitcoind.accept_chain->bytes[0] == 0xff; }},
        {"poll_ms = 50", "poll_ms = 49", [](S s) { return s.bitcoind.poll_ms == 50; }},
        {"scan_from = 0", "scan_from = -1", [](S s) { return s.bitcoind.scan_from == BlockHeight(0); }}}},
      {"channels",
       {{"anchors = false", "anchors = 0", [](S s) { return !s.node.anchors; }},
        {"minimum_depth = 144", "minimum_depth = 0", [](S s) { return s.node.minimum_depth == 144; }}}},
      {"fees",
       {{"base_msat = 4294967295", "base_msat = 4294967296",
         [](S s) { return s.node.fees.fee_base == Msat(4'294'967'295); }},
        {"proportional_millionths = 0", "proportional_millionths = -1",
         [](S s) { return s.node.fees.fee_proportional_millionths == 0; }},
        {"cltv_expiry_delta = 34", "cltv_expiry_delta = 33",
         [](S s) { return s.node.fees.cltv_expiry_delta == CltvDelta(34); }},
        {"max_fee_ppm = 1000000", "max_fee_ppm = 1.5", [](S s) { return s.node.max_fee_ppm == 1'000'000; }}}}};
  return kKeys;
}

TEST(ConfigFile, EveryKeyIsReadAndWrongValuesAreRefusedInTheirPlace) {
  for (const auto& [section, all] : keys())
    for (const auto& key : all) {
      std::string wrong = key.wrong, name = wrong.substr(0, wrong.find(' '));
      auto head = needed(name) + (*section == 0 ? "" : "[" + std::string(section) + "]\n");
      auto settings = parse_settings(head + key.line + "\n", "doze.toml");
      ASSERT_TRUE(settings) << key.line << ": " << settings.error();
      EXPECT_TRUE(key.is_set(*settings)) << key.line;

      auto value = wrong.find('=') + 3;  // columns count from 1
      auto expected = "doze.toml:" + std::to_string(std::count(head.begin(), head.end(), '\n') + 1) + ":" +
                      std::to_string(value) + ": " + (*section == 0 ? "" : std::string(section) + ".") + name + ": ";
      auto error = error_of(head + wrong + "\n");
      EXPECT_EQ(error.substr(0, expected.size()), expected) << error;
      EXPECT_GT(error.size(), expected.size() + 5);
    }
}

// The written file names every key there is, set or behind "# ", and none that is not.
TEST(ConfigFile, WrittenFileShowsEveryKey) {
  auto text = default_settings({});
  std::size_t shown = 0;
  for (const auto& [section, all] : keys())
    for (const auto& key : all) {
      auto name = std::string(key.line).substr(0, std::string(key.line).find(' '));
      if (name == "zmq_hashblock") continue;  // read, and of no effect any more
      EXPECT_TRUE(text.find("\n" + name + " = ") != std::string::npos ||
                  text.find("\n# " + name + " = ") != std::string::npos)
          << name;
      ++shown;
    }
  std::size_t lines = 0;
  for (std::size_t from = 0; from < text.size();) {
    auto line = text.substr(from, text.find('\n', from) - from);
    from += line.size() + 1;
    if (line.starts_with("# ")) line.erase(0, 2);
    auto equals = line.find(" = ");
    if (equals != std::string::npos && line.find(' ') == equals) ++lines;
  }
  EXPECT_EQ(lines, shown);
}

// Some keys share the comment of the key before them: base_msat and proportional_millionths, user and password.
TEST(ConfigFile, each_key_of_the_written_file_stands_below_a_comment_or_below_the_key_that_shares_it) {
  bool commented = false;
  std::istringstream text(default_settings({}));
  for (std::string line; std::getline(text, line);) {
    auto bare = line.starts_with("# ") ? line.substr(2) : line;
    bool key = bare.find(" = ") == bare.find(' ') && bare.find(' ') != std::string::npos;
    EXPECT_TRUE(commented || !key) << line;
    commented = key || line.starts_with("# ");
  }
}

TEST(ConfigFile, WrittenFileReadsBackAsItWasAskedFor) {
  for (auto network : {wire::Network::Regtest, wire::Network::Signet, wire::Network::Testnet4}) {
    InitOptions options;
    options.network = network;
    auto settings = parse_settings(default_settings(options), "doze.toml");
    ASSERT_TRUE(settings) << settings.error();
    EXPECT_EQ(settings->node.network, network);
    EXPECT_EQ(settings->bitcoind.port, usual_rpc_port(network));
    EXPECT_EQ(settings->listen_port, 9735);
    EXPECT_EQ(settings->rpc_port, 9737);
    EXPECT_EQ(settings->rpc_host, "127.0.0.1");
    EXPECT_TRUE(settings->node.offers_ldk_hold && settings->node.offers_draft_hold);
  }
  InitOptions options;
  options.role = Role::Server;
  options.announce = "203.0.113.7:9735";
  options.profile = "draft";
  options.listen_port = 1;
  options.rpc_port = 2;
  options.bitcoind_port = 3;
  auto settings = parse_settings(default_settings(options), "doze.toml");
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->node.role, Role::Server);
  EXPECT_EQ(settings->node.announced_addresses.size(), 1U);
  EXPECT_EQ(settings->node.recipient_profile, Profile::Draft);
  EXPECT_EQ(settings->listen_port, 1);
  EXPECT_EQ(settings->rpc_port, 2);
  EXPECT_EQ(settings->bitcoind.port, 3);
}

TEST(ConfigFile, SoManyAddressesAreAnnouncedAndNoMore) {
  auto with = [](std::size_t count) {
    InitOptions options;
    options.role = Role::Server;
    options.announce = "203.0.113.7:9735";
    auto text = default_settings(options);
    std::string more = "\"203.0.113.7:9735\"";
    for (std::size_t i = 1; i < count; ++i) more += ", \"203.0.113.7:" + std::to_string(i) + "\"";
    auto at = text.find("\"203.0.113.7:9735\"");
    return parse_settings(text.replace(at, std::string("\"203.0.113.7:9735\"").size(), more), "doze.toml");
  };
  ASSERT_TRUE(with(kMaxAnnouncedAddresses)) << with(kMaxAnnouncedAddresses).error();
  auto refused = with(kMaxAnnouncedAddresses + 1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("at most 32 addresses, not 33"), std::string::npos) << refused.error();
}

TEST(ConfigFile, AnAnnouncedNodeListensWhereOthersReachIt) {
  for (auto [announced, host] :
       {std::pair("", "127.0.0.1"), std::pair("203.0.113.7:9735", "0.0.0.0"), std::pair("node.example:9735", "0.0.0.0"),
        std::pair("[2001:db8::1]:9735", "::"), std::pair("127.0.0.1:9735", "127.0.0.1"),
        std::pair("localhost:9735", "127.0.0.1"), std::pair("[::1]:9735", "::1"),
        std::pair("2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion:9735", "127.0.0.1")}) {
    InitOptions options;
    options.announce = announced;
    auto settings = parse_settings(default_settings(options), "doze.toml");
    ASSERT_TRUE(settings) << settings.error();
    EXPECT_EQ(settings->listen_host, host) << announced;
    EXPECT_EQ(settings->rpc_host, "127.0.0.1");
  }
}

// A password with a quote or a backslash stands in the file as it was given.
TEST(ConfigFile, WrittenTextsAreQuoted) {
  InitOptions options;
  options.alias = "tea \"and\"\\new\ttab\x7f";
  options.bitcoind_cookie = "C:\\bitcoin\\.cookie";
  options.bitcoind_user = "u\"";
  options.bitcoind_password = "p\\n\"\nnetwork = \"mainnet\" \xc3\xbc";
  auto settings = parse_settings(default_settings(options), "doze.toml");
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->node.alias, options.alias);
  EXPECT_EQ(settings->bitcoind.cookie_file, options.bitcoind_cookie);
  EXPECT_EQ(settings->bitcoind.user, options.bitcoind_user);
  EXPECT_EQ(settings->bitcoind.password, options.bitcoind_password);
  EXPECT_EQ(settings->node.network, wire::Network::Regtest);
}

TEST(ConfigFile, MistakesAreNamedWithLineAndColumn) {
  EXPECT_TRUE(error_of("role = \"client\"\n  colour = 3\n").starts_with("doze.toml:2:3: unknown key 'colour'"));
  EXPECT_TRUE(error_of("[fees]\nbase = 3\n").starts_with("doze.toml:2:1: unknown key 'fees.base'"));
  EXPECT_TRUE(error_of("[taxes]\nbase = 3\n").find("unknown key 'taxes'") != std::string::npos);
  EXPECT_TRUE(error_of("[fees.more]\nbase = 3\n").find("unknown key 'fees.more'") != std::string::npos);
  EXPECT_TRUE(error_of("alias = \"a\"\nalias = \"b\"\n").starts_with("doze.toml:2:"));
  EXPECT_TRUE(error_of("[fees]\nbase_msat = 1\n[fees]\n").starts_with("doze.toml:3:"));
  EXPECT_TRUE(error_of("alias = 5\n").starts_with("doze.toml:1:9: alias: expected a text in quotes"));
  EXPECT_TRUE(error_of("alias = tea\n").starts_with("doze.toml:1:"));
  EXPECT_TRUE(error_of("fees = 5\n").starts_with("doze.toml:1:1: unknown key 'fees'"));
  EXPECT_TRUE(error_of("alias.more = 5\n").find("alias") != std::string::npos);
  for (const auto* header : {"[+x]", "[=a]", "[.a]", "[\x01]", "[,]", "[[+]]", "[", "[]", "="})
    EXPECT_TRUE(error_of("role = \"client\"\n" + std::string(header) + "\n").starts_with("doze.toml:2:"))
        << header << ": " << error_of("role = \"client\"\n" + std::string(header) + "\n");
}

TEST(ConfigFile, LettersOfAnyLanguageAreText) {
  for (const auto* letters : {"ü", "щ", "日本", "😀", "\u00a0"}) {
    auto settings =
        parse_settings(needed() + "alias = \"" + std::string(letters) + "\" # " + letters + "\n", "doze.toml");
    ASSERT_TRUE(settings) << letters << ": " << settings.error();
    EXPECT_EQ(settings->node.alias, letters);
    auto as_key = "a" + std::string(letters) + " = 1\n";
    EXPECT_TRUE(error_of(as_key).starts_with("doze.toml:1:")) << error_of(as_key);
  }
}

TEST(ConfigFile, MainnetIsRefused) {
  auto error = error_of("\nnetwork = \"mainnet\"\n");
  EXPECT_TRUE(error.starts_with("doze.toml:2:11: network: expected ")) << error;
  EXPECT_NE(error.find("mainnet is refused"), std::string::npos) << error;
}

TEST(ConfigFile, HoldWindowIsZeroOrSixToOneThousandAndEight) {
  for (auto blocks : {0, 6, 144, 1008})
    EXPECT_EQ(error_of(needed() + "hold_window_blocks = " + std::to_string(blocks)), "");
  for (auto blocks : {-1, 1, 5, 1009})
    EXPECT_TRUE(error_of(needed() + "hold_window_blocks = " + std::to_string(blocks))
                    .starts_with("doze.toml:3:22: hold_window_blocks: "));
}

TEST(ConfigFile, ServersMustSayWhereTheyAreReached) {
  auto server = needed("role") + "role = \"server\"\n";
  EXPECT_NE(error_of(server).find("announce"), std::string::npos);
  EXPECT_EQ(error_of(server + "announce = [\"node.example:9735\"]"), "");
}

TEST(ConfigFile, AnApiThatOthersReachIsRefusedUnlessItIsWantedExplicitly) {
  for (const auto* host : {"0.0.0.0", "[::]", "192.0.2.7", "[2001:db8::1]"}) {
    auto line = "rpc = \"" + std::string(host) + ":9737\"\n";
    auto error = error_of(needed() + line);
    EXPECT_NE(error.find("rpc_allow_remote"), std::string::npos) << host << ": " << error;
    EXPECT_NE(error.find("TLS"), std::string::npos) << error;
    EXPECT_EQ(error_of(needed() + line + "rpc_allow_remote = true\n"), "") << host;
  }
  for (const auto* host : {"127.0.0.1", "127.1.2.3", "[::1]"})
    EXPECT_EQ(error_of(needed() + "rpc = \"" + std::string(host) + ":9737\"\n"), "") << host;
}

TEST(ConfigFile, ATextWithoutQuotesIsNamedAsSuch) {
  for (const auto* line : {"network = regtest\n", "alias = my node\n"})
    EXPECT_NE(error_of(line).find("a text in quotes"), std::string::npos) << error_of(line);
}

TEST(ConfigFile, NetworkAndRoleAreEnoughAndNeeded) {
  auto settings = parse_settings(needed(), "doze.toml");
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->node.network, wire::Network::Regtest);
  EXPECT_EQ(settings->bitcoind.port, 18443);
  EXPECT_TRUE(error_of("").starts_with("doze.toml: network is missing"));
  EXPECT_TRUE(error_of(needed("network")).starts_with("doze.toml: network is missing"));
  EXPECT_TRUE(error_of(needed("role")).starts_with("doze.toml: role is missing"));
}

}  // namespace
}  // namespace doze::app
