// Addresses: segwit in bech32 and bech32m (BIP 173, BIP 350), P2PKH and P2SH in base58check.
//
// A network is named by its human-readable part: "bc", "tb" (testnet, signet) or "bcrt".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"

namespace doze::bitcoin {

inline constexpr std::string_view kHrpMainnet = "bc";
inline constexpr std::string_view kHrpTestnet = "tb";
inline constexpr std::string_view kHrpRegtest = "bcrt";

/// The scriptPubKey that an address of this network names. BadValue for another network or an impossible program,
/// BadEncoding and BadChecksum for mistyped text.
[[nodiscard]] Result<Bytes, ParseError> script_of_address(std::string_view address, std::string_view hrp);
/// Address of a segwit, P2PKH or P2SH script; nullopt for scripts that have none.
[[nodiscard]] std::optional<std::string> address_of_script(ByteView script_pubkey, std::string_view hrp);

}  // namespace doze::bitcoin
