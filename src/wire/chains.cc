#include "wire/chains.h"

namespace doze::wire {

namespace {
constexpr Network kAll[] = {Network::Mainnet, Network::Testnet4, Network::Signet, Network::Regtest};
}

ChainHash chain_hash(Network network) {
  switch (network) {
    case Network::Mainnet:
      return ChainHash::from_hex_or_die("6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000");
    case Network::Testnet4:
      return ChainHash::from_hex_or_die("43f08bdab050e35b567c864b91f47f50ae725ae2de53bcfbbaf284da00000000");
    case Network::Signet:
      return ChainHash::from_hex_or_die("f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000");
    case Network::Regtest:
      return ChainHash::from_hex_or_die("06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f");
  }
  return {};
}

const char* name(Network network) {
  switch (network) {
    case Network::Mainnet:
      return "mainnet";
    case Network::Testnet4:
      return "testnet4";
    case Network::Signet:
      return "signet";
    case Network::Regtest:
      return "regtest";
  }
  return "unknown";
}

std::optional<Network> parse_network(std::string_view text) {
  for (auto network : kAll)
    if (text == name(network)) return network;
  return std::nullopt;
}

const char* address_prefix(Network network) {
  return network == Network::Mainnet ? "bc" : network == Network::Regtest ? "bcrt" : "tb";
}

}  // namespace doze::wire
