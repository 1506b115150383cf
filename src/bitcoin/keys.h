// A wallet's keys: words to seed (BIP 39), seed to a tree of keys (BIP 32).
//
// The strings and arrays here hold secrets and are not wiped by themselves: keep them short-lived, never log them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/secret_string.h"

namespace doze::bitcoin {

// ---- BIP 39, English words ----
/// 12, 15, 18, 21 or 24 lower-case words with single spaces. `entropy`: 16, 20, 24, 28 or 32 bytes (aborts otherwise).
[[nodiscard]] SecretString mnemonic_from_entropy(ByteView entropy);

struct MnemonicError {
  enum class Code : std::uint8_t { WordCount, UnknownWord, BadChecksum } code;
  std::size_t where = 0;  // WordCount: how many there were; UnknownWord: which one, from 1
};
/// The entropy behind the words. Case and extra white space do not matter.
[[nodiscard]] Result<Bytes, MnemonicError> entropy_from_mnemonic(std::string_view words);
/// 64-byte seed; slow on purpose (2048 rounds). The words are taken as mnemonic_from_entropy writes them; a passphrase
/// outside ASCII must come in Unicode form NFKD.
[[nodiscard]] std::array<std::uint8_t, 64> seed_from_mnemonic(std::string_view words, std::string_view passphrase = {});

// ---- BIP 32 ----
inline constexpr std::uint32_t kHardened = 0x80000000;

struct ExtendedKey {
  PrivateKey key;
  Secret chain_code;
  std::uint8_t depth = 0;
  std::uint32_t parent_fingerprint = 0;  // 0 for the master key
  std::uint32_t child_number = 0;        // with kHardened
};
/// Seeds of 16 to 64 bytes. nullopt for one that gives no key (never in practice) or another length.
[[nodiscard]] std::optional<ExtendedKey> master_key(ByteView seed);
/// Hardened if `index` has kHardened set. nullopt if this index has no key (chance 2^-127) or depth 255 is reached.
[[nodiscard]] std::optional<ExtendedKey> derive(const ExtendedKey& parent, std::uint32_t index);
/// The same for a parent of many: its public key, which takes most of the time, is given.
[[nodiscard]] std::optional<ExtendedKey> derive(const ExtendedKey& parent, const PublicKey& parent_public,
                                                std::uint32_t index);
[[nodiscard]] std::optional<ExtendedKey> derive_path(const ExtendedKey& root, std::span<const std::uint32_t> path);
/// First four bytes of HASH160 of the public key, big endian.
[[nodiscard]] std::uint32_t fingerprint(const ExtendedKey& key);

/// "xprv…" / "xpub…" for hrp "bc", "tprv…" / "tpub…" otherwise.
[[nodiscard]] std::string to_xprv(const ExtendedKey& key, std::string_view hrp);
[[nodiscard]] std::string to_xpub(const ExtendedKey& key, std::string_view hrp);
/// Private keys of the network only. Refuses impossible ones: a master with a parent, a key outside 1..n-1.
[[nodiscard]] Result<ExtendedKey, ParseError> parse_xprv(std::string_view text, std::string_view hrp);

}  // namespace doze::bitcoin
