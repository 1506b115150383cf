// doze.toml: read with a line and a column for each mistake, written with a comment for each key.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "effects/config.h"

namespace doze::app {

/// Addresses that a node may announce: Doze nodes keep no more per node, and no node_announcement above 2 KiB.
inline constexpr std::size_t kMaxAnnouncedAddresses = 32;

struct Settings {
  Config node;
  std::string listen_host = "127.0.0.1";
  std::uint16_t listen_port = 9735;
  std::string rpc_host = "127.0.0.1";
  std::uint16_t rpc_port = 9737;
  bool rpc_allow_remote = false;    // the API may listen, without TLS, where other machines can reach it
  std::set<std::string> rpc_hosts;  // names that a request's Host may have, in small letters
  struct Bitcoind {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;   // 0: the network's usual one
    std::string cookie_file;  // or user and password
    std::string user, password;
    std::uint32_t poll_ms = 1'000;
    std::optional<BlockHeight> scan_from;   // first block of a node that has seen none; else the tip
    std::optional<BlockHash> accept_chain;  // see chain::ChainConfig::accepted_fork
  } bitcoind;
  std::string log_level = "info";
};

/// Whether only this machine can reach the host.
[[nodiscard]] bool is_loopback(const std::string& host);
/// The first mistake as "doze.toml:LINE:COLUMN: KEY: what was expected".
[[nodiscard]] Result<Settings, std::string> parse_settings(const std::string& text, const std::string& file_name);

struct InitOptions {
  wire::Network network = wire::Network::Regtest;
  Role role = Role::Client;
  std::string alias;
  std::uint16_t listen_port = 9735, rpc_port = 9737, bitcoind_port = 0;
  std::string bitcoind_cookie, bitcoind_user, bitcoind_password;
  std::string announce;  // host:port, servers
  std::string profile;   // "", "ldk" or "draft"
  std::optional<std::uint32_t> scan_from;
};
/// A complete, commented file.
[[nodiscard]] std::string default_settings(const InitOptions& options);
/// bitcoind's usual RPC port on that network.
[[nodiscard]] std::uint16_t usual_rpc_port(wire::Network network);

}  // namespace doze::app
