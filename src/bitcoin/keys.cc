#include "bitcoin/keys.h"

#include <algorithm>

#include "bitcoin/base58.h"
#include "bitcoin/bip39_english.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
constexpr std::size_t kBitsPerWord = 11;
constexpr std::uint32_t kSeedRounds = 2048;          // BIP 39
constexpr std::size_t kMinSeed = 16, kMaxSeed = 64;  // BIP 32
constexpr std::size_t kExtendedKeySize = 78;

bool bit_at(ByteView bytes, std::size_t bit) {
  return ((bytes[bit / 8] >> (7 - bit % 8)) & 1) != 0;
}

/// Entropy and checksum in one: a bit of the hash for every 32 bits of entropy, in one more byte.
Bytes with_checksum(ByteView entropy) {
  Bytes out(entropy.size() + 1);
  std::copy(entropy.begin(), entropy.end(), out.begin());
  out.back() = crypto::sha256(entropy).bytes[0];
  return out;
}

/// Views into the text: no copy of a word is left behind.
std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> out;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space && !inside) out.push_back(text.substr(i, 0));
    inside = !space;
    if (!space) out.back() = {out.back().data(), out.back().size() + 1};
  }
  return out;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<std::size_t> index_of(std::string_view word) {
  auto before = [](std::string_view listed, std::string_view typed) {
    return std::lexicographical_compare(listed.begin(), listed.end(), typed.begin(), typed.end(),
                                        [](char a, char b) { return lower(a) < lower(b); });
  };
  auto same = [](char listed, char typed) { return listed == lower(typed); };
  auto found = std::lower_bound(kBip39English.begin(), kBip39English.end(), word, before);
  if (found == kBip39English.end() || !std::equal(found->begin(), found->end(), word.begin(), word.end(), same))
    return std::nullopt;
  return static_cast<std::size_t>(found - kBip39English.begin());
}

/// A key and a chain code from HMAC output, which is wiped.
struct Halves {
  Secret left, right;
};
Halves split(std::array<std::uint8_t, 64> mac) {
  Halves out{*Secret::from(ByteView(mac).first(32)), *Secret::from(ByteView(mac).last(32))};
  crypto::wipe(mac);
  return out;
}

std::uint32_t fingerprint_of(const PublicKey& key) {
  return Reader(crypto::hash160(key.view()).view()).u32();
}

struct ExtendedKeyVersions {
  std::uint32_t xprv, xpub;
};
ExtendedKeyVersions key_versions_of(std::string_view hrp) {
  return hrp == "bc" ? ExtendedKeyVersions{0x0488ade4, 0x0488b21e} : ExtendedKeyVersions{0x04358394, 0x043587cf};
}

std::string to_text(const ExtendedKey& key, std::uint32_t version, ByteView key_bytes) {
  Writer out;
  out.u32(version).u8(key.depth).u32(key.parent_fingerprint).u32(key.child_number);
  out.bytes(key.chain_code.reveal()).bytes(key_bytes);
  return base58check_encode(out.view());
}
}  // namespace

SecretString mnemonic_from_entropy(ByteView entropy) {
  LN_ASSERT(entropy.size() >= 16 && entropy.size() <= 32 && entropy.size() % 4 == 0);
  auto bits = with_checksum(entropy);
  auto words = entropy.size() * 3 / 4;
  SecretString out;
  for (std::size_t i = 0; i < words; ++i) {
    std::size_t index = 0;
    for (std::size_t bit = 0; bit < kBitsPerWord; ++bit)
      index = index * 2 + (bit_at(bits, i * kBitsPerWord + bit) ? 1 : 0);
    bool fits = (i == 0 || out.append(" ")) && out.append(kBip39English[index]);
    LN_ASSERT(fits);
  }
  crypto::wipe(bits);
  return out;
}

Result<Bytes, MnemonicError> entropy_from_mnemonic(std::string_view words) {
  using Code = MnemonicError::Code;
  auto list = split_words(words);
  if (list.size() < 12 || list.size() > 24 || list.size() % 3 != 0)
    return fail(MnemonicError{Code::WordCount, list.size()});
  Bytes bits((list.size() * kBitsPerWord + 7) / 8);
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto index = index_of(list[i]);
    if (!index) return fail(MnemonicError{Code::UnknownWord, i + 1});
    for (std::size_t bit = 0; bit < kBitsPerWord; ++bit) {
      auto at = i * kBitsPerWord + bit;
      if (((*index >> (kBitsPerWord - 1 - bit)) & 1) != 0) bits[at / 8] |= static_cast<std::uint8_t>(0x80 >> (at % 8));
    }
  }
  auto entropy = to_bytes(ByteView(bits).first(list.size() * 4 / 3));
  auto expected = with_checksum(entropy);
  bool good = true;
  for (std::size_t bit = entropy.size() * 8; bit < list.size() * kBitsPerWord; ++bit)
    good = good && bit_at(bits, bit) == bit_at(expected, bit);
  crypto::wipe(bits);
  crypto::wipe(expected);
  if (good) return entropy;
  crypto::wipe(entropy);
  return fail(MnemonicError{Code::BadChecksum});
}

std::array<std::uint8_t, 64> seed_from_mnemonic(std::string_view words, std::string_view passphrase) {
  auto salt = "mnemonic" + std::string(passphrase);
  return crypto::pbkdf2_sha512(bytes_of(words), bytes_of(salt), kSeedRounds);
}

std::optional<ExtendedKey> master_key(ByteView seed) {
  if (seed.size() < kMinSeed || seed.size() > kMaxSeed) return std::nullopt;
  auto halves = split(crypto::hmac_sha512(bytes_of("Bitcoin seed"), seed));
  auto key = crypto::parse_private_key(halves.left.reveal());
  if (!key) return std::nullopt;
  return ExtendedKey{*key, halves.right};
}

std::optional<ExtendedKey> derive(const ExtendedKey& parent, std::uint32_t index) {
  return derive(parent, crypto::public_key(parent.key), index);
}

std::optional<ExtendedKey> derive(const ExtendedKey& parent, const PublicKey& parent_public, std::uint32_t index) {
  if (parent.depth == 255) return std::nullopt;
  Bytes input;
  input.reserve(37);  // it never moves: nothing is left behind where it was
  if ((index & kHardened) != 0) {
    input.push_back(0);
    append(input, parent.key.reveal());
  } else {
    append(input, parent_public.view());
  }
  append(input, Writer().u32(index).view());
  auto halves = split(crypto::hmac_sha512(parent.chain_code.reveal(), input));
  crypto::wipe(input);
  auto key = crypto::tweak_add(parent.key, halves.left.reveal());
  if (!key) return std::nullopt;
  return ExtendedKey{*key, halves.right, static_cast<std::uint8_t>(parent.depth + 1), fingerprint_of(parent_public),
                     index};
}

std::optional<ExtendedKey> derive_path(const ExtendedKey& root, std::span<const std::uint32_t> path) {
  std::optional<ExtendedKey> out = root;
  for (auto index : path) {
    out = derive(*out, index);
    if (!out) return std::nullopt;
  }
  return out;
}

std::uint32_t fingerprint(const ExtendedKey& key) {
  return fingerprint_of(crypto::public_key(key.key));
}

std::string to_xprv(const ExtendedKey& key, std::string_view hrp) {
  Bytes padded{0};
  append(padded, key.key.reveal());
  auto out = to_text(key, key_versions_of(hrp).xprv, padded);
  crypto::wipe(padded);
  return out;
}

std::string to_xpub(const ExtendedKey& key, std::string_view hrp) {
  return to_text(key, key_versions_of(hrp).xpub, crypto::public_key(key.key).view());
}

Result<ExtendedKey, ParseError> parse_xprv(std::string_view text, std::string_view hrp) {
  LN_TRY(payload, base58check_decode(text));
  if (payload.size() != kExtendedKeySize) return fail(ParseError{ParseCode::BadLength, payload.size(), "extended key"});
  Reader in(payload);
  if (in.u32() != key_versions_of(hrp).xprv)
    return fail(ParseError{ParseCode::BadValue, 0, "not a private extended key of this network"});
  ExtendedKey out;
  out.depth = in.u8();
  out.parent_fingerprint = in.u32();
  out.child_number = in.u32();
  out.chain_code.raw() = in.array<32>();
  if (out.depth == 0 && (out.parent_fingerprint != 0 || out.child_number != 0))
    return fail(ParseError{ParseCode::BadValue, 4, "master key with a parent"});
  bool padded = in.u8() == 0;
  auto key = crypto::parse_private_key(in.bytes(32));
  crypto::wipe(payload);
  if (!padded || !key) return fail(ParseError{ParseCode::BadValue, 45, "private key"});
  out.key = *key;
  return out;
}

}  // namespace doze::bitcoin
