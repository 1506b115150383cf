// Output descriptors of a wallet's keys, as Bitcoin Core imports them. BIP 380 (key origin, checksum), BIP 382 (wpkh),
// BIP 386 (tr).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bitcoin/keys.h"

namespace doze::bitcoin {

/// Eight characters; nullopt for a character that descriptors do not have. `script`: without "#".
[[nodiscard]] std::optional<std::string> descriptor_checksum(std::string_view script);
/// The part before "#" and a valid checksum. MissingField without "#", BadLength for other than eight
/// characters behind it, BadEncoding for a foreign character, BadChecksum. A view of `text`.
[[nodiscard]] Result<std::string_view, ParseError> checked_descriptor(std::string_view text);

enum class DescriptorKind : std::uint8_t { Wpkh, Tr };
/// All keys of one chain (0 receives, 1 is for change) of an account:
/// "wpkh([73c5da0a/84h/0h/0h]xpub…/0/*)#checksum", or with the account's private key. `account`: the path from the
/// master key; nullopt if it has no key (chance 2^-127). `hrp` as for to_xpub.
[[nodiscard]] std::optional<std::string> account_descriptor(DescriptorKind kind, const ExtendedKey& master,
                                                            std::span<const std::uint32_t> account, std::uint32_t chain,
                                                            std::string_view hrp, bool with_private_key);

}  // namespace doze::bitcoin
