// The chains that a node can be on.
#pragma once

#include <optional>
#include <string_view>

#include "base/ids.h"

namespace doze::wire {

enum class Network : std::uint8_t { Mainnet, Testnet4, Signet, Regtest };

/// Genesis block hash as it goes over the wire (internal byte order).
[[nodiscard]] ChainHash chain_hash(Network network);
[[nodiscard]] const char* name(Network network);  // "mainnet", "testnet4", "signet", "regtest"
[[nodiscard]] std::optional<Network> parse_network(std::string_view name);
/// Human-readable part of segwit addresses: "bc", "tb", "tb", "bcrt".
[[nodiscard]] const char* address_prefix(Network network);

}  // namespace doze::wire
