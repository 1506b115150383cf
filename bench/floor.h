// The library calls that nobody can avoid, without anything of Doze around them.
#pragma once

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace bench::floor {

using Block = std::array<std::uint8_t, 32>;
using Key = std::array<std::uint8_t, 33>;
using Buffer = std::vector<std::uint8_t>;

// ---- the curve ----
secp256k1_pubkey parse(const std::uint8_t* bytes33);
Key save(const secp256k1_pubkey& point);
Block ecdh(const secp256k1_pubkey& point, const Block& scalar);
secp256k1_pubkey times(const secp256k1_pubkey& point, const Block& scalar);  // variable time
secp256k1_pubkey generator_times(const Block& scalar);
secp256k1_pubkey sum(const secp256k1_pubkey& a, const secp256k1_pubkey& b);
Block scalar_times(const Block& a, const Block& b);
std::array<std::uint8_t, 64> ecdsa_sign(const Block& digest, const Block& key);
bool ecdsa_verify(const std::uint8_t* signature64, const Block& digest, const secp256k1_pubkey& key);
/// Makes the key pair, too.
std::array<std::uint8_t, 64> schnorr_sign(const Block& digest, const Block& key);
bool schnorr_verify(const std::uint8_t* signature64, const Block& digest, const std::uint8_t* x_only_key);

// ---- hashes ----
Block sha256(const std::uint8_t* data, std::size_t size);
Block sha256d(const std::uint8_t* data, std::size_t size);
Block sha256(const Key& point, const Block& secret);
/// HMAC-SHA256 under a fixed key, the first blocks hashed once.
struct Midstate {
  explicit Midstate(std::string_view key);
  [[nodiscard]] Block operator()(const Block& data) const;
  SHA256_CTX inner, outer;
};
extern const Midstate rho, mu, pad, blinded_node_id;
Block hmac(const Block& key, const std::uint8_t* data, std::size_t size);
/// Noise's HKDF: two keys.
void hkdf(Block& chaining_key, Block& key, const Block& input);

// ---- ciphers ----
/// The faster library for the size. data ^= stream from `offset` (a multiple of 64) on.
void chacha20(const Block& key, std::uint8_t* data, std::size_t size, std::size_t offset = 0);
/// A ciphertext that opens.
Buffer sealed(const Block& key, std::size_t plain_size);
void seal(const Block& key, std::uint8_t* out, const std::uint8_t* plain, std::size_t plain_size);
bool open(const Block& key, std::uint8_t* out, const Buffer& cipher);

// ---- BOLT 4 ----
/// Takes a layer off: ECDH, HMAC, key streams. `next`: the next ephemeral key, too. `point`: of the packet.
Block peel(const std::uint8_t* point33, const Block& node_key, Buffer& payloads, std::size_t payload_size, bool next);
/// Opens recipient data; gives the tweaked key that peels. `next`: the next path key, too.
Block unblind(const std::uint8_t* path_key33, const Block& node_key, const Block& rho_key, const Buffer& cipher,
              bool next);
/// Builds a packet of these payload sizes for these keys.
void build(const Block& session, const std::vector<Key>& hops, const std::vector<std::size_t>& sizes, Buffer& payloads);
/// A blinded path of a foreign hop, whose key is parsed, and `own` hops of ourselves.
void blind(const Block& session, const secp256k1_pubkey& peer, const Block& node_key, std::size_t own,
           std::size_t data_size);
/// The Merkle root of a BOLT 12 stream with so many records of this size.
Block merkle(std::size_t records, std::size_t size);

/// A scalar that is the same for the same seed.
Block scalar(std::uint64_t seed);

}  // namespace bench::floor
