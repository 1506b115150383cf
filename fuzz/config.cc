// doze.toml. First byte even: any text is read, or refused with the place in it. Odd: what `doze init` was given stands
// in the file that it writes, whatever characters are in it.
#include "app/config_file.h"

#include "samples.h"

using namespace doze;

static void any_text(const std::string& text) {
  auto settings = app::parse_settings(text, "doze.toml");
  if (!settings) {
    FUZZ_CHECK(settings.error().starts_with("doze.toml:"));
    return;
  }
  const auto& node = settings->node;
  FUZZ_CHECK(node.network != wire::Network::Mainnet);
  FUZZ_CHECK(node.role == Role::Client || !node.announced_addresses.empty());
  FUZZ_CHECK(node.hold_window_blocks == 0 || (node.hold_window_blocks >= 6 && node.hold_window_blocks <= 1'008));
  FUZZ_CHECK(node.alias.size() <= 32 && settings->bitcoind.port != 0);
  FUZZ_CHECK(settings->listen_port != 0 && settings->rpc_port != 0 && !settings->rpc_host.empty());
  FUZZ_CHECK(node.fees.fee_proportional_millionths <= 1'000'000 && node.max_fee_ppm <= 1'000'000);
}

static void written_file(ByteView input) {
  Reader in(input);
  auto next = [&] { return fuzz::as_text(in.bytes(std::min<std::size_t>(in.u8() % 33, in.remaining()))); };
  app::InitOptions options;
  options.alias = next();
  options.bitcoind_cookie = next();
  options.bitcoind_user = next();
  options.bitcoind_password = next();
  for (const auto& text : {options.alias, options.bitcoind_cookie, options.bitcoind_user, options.bitcoind_password})
    if (!is_utf8(bytes_of(text))) return;  // TOML is UTF-8
  auto settings = app::parse_settings(app::default_settings(options), "doze.toml");
  FUZZ_CHECK(settings.has_value());
  FUZZ_CHECK(settings->node.alias == options.alias);
  FUZZ_CHECK(settings->bitcoind.cookie_file == options.bitcoind_cookie);
  if (options.bitcoind_user.empty()) return;
  FUZZ_CHECK(settings->bitcoind.user == options.bitcoind_user);
  FUZZ_CHECK(settings->bitcoind.password == options.bitcoind_password);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView input = ByteView(data, size).subspan(1);
  if (data[0] % 2 == 0)
    any_text(fuzz::as_text(input));
  else
    written_file(input);
  return 0;
}

static fuzz::Seeds seeds() {
  app::InitOptions server;
  server.role = Role::Server;
  server.alias = "a";
  server.announce = "203.0.113.7:9735";
  server.profile = "draft";
  server.bitcoind_user = "u";
  server.bitcoind_password = "p";
  auto uncommented = app::default_settings(server);
  for (std::size_t at = uncommented.find("\n# "); at != std::string::npos; at = uncommented.find("\n# ", at + 1)) {
    auto line = uncommented.substr(at + 3, uncommented.find('\n', at + 1) - at - 3);
    if (line.find(" = ") != std::string::npos &&
        uncommented.find("\n" + line.substr(0, line.find(' ')) + " =") == std::string::npos)
      uncommented.erase(at + 1, 2);
  }
  fuzz::Seeds out;
  for (const auto& text :
       {app::default_settings({}), app::default_settings(server), uncommented, std::string("network = \"mainnet\""),
        std::string("fees.base_msat = 1\n[fees]\nbase_msat=1")})
    out.push_back(fuzz::with_prefix({0}, bytes_of(text)));
  Bytes named{1};
  for (std::string text : {"alice", "/var/lib/b/.cookie", "user", "pass", "tcp://127.0.0.1:28332"}) {
    named.push_back(static_cast<std::uint8_t>(text.size()));
    append(named, bytes_of(text));
  }
  out.push_back(named);
  return out;
}
DOZE_FUZZ_TARGET(config, 5'000);
