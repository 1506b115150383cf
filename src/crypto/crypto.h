// Hashes, AEAD and the curve. The only room that includes third-party crypto headers (in its .cc files).
//
// All functions are pure. Secret-dependent work is constant time as far as libsecp256k1 and libsodium are; tweaking a
// *public* key by a secret scalar is variable time, as in every implementation.
#pragma once

#include <initializer_list>
#include <optional>

#include "base/ids.h"

namespace doze::crypto {

// ---- hashes ----
[[nodiscard]] Hash32 sha256(ByteView data);
[[nodiscard]] Hash32 sha256(std::initializer_list<ByteView> parts);  // of the concatenation
[[nodiscard]] Hash32 sha256d(ByteView data);
/// SHA256(SHA256(tag) ‖ SHA256(tag) ‖ parts…). BIP 340.
[[nodiscard]] Hash32 tagged_hash(ByteView tag, std::initializer_list<ByteView> parts);
[[nodiscard]] Hash20 ripemd160(ByteView data);
[[nodiscard]] Hash20 sha1(ByteView data);     // broken; only because scripts have an opcode for it
[[nodiscard]] Hash20 hash160(ByteView data);  // RIPEMD160(SHA256(data))
[[nodiscard]] Hash32 hmac_sha256(ByteView key, ByteView data);
[[nodiscard]] Hash32 hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);
[[nodiscard]] std::array<std::uint8_t, 64> hmac_sha512(ByteView key, ByteView data);
/// HKDF-SHA256 (RFC 5869) with `length` <= 8160 bytes of output.
[[nodiscard]] Bytes hkdf_sha256(ByteView salt, ByteView ikm, ByteView info, std::size_t length);
/// PBKDF2-HMAC-SHA512, 64 bytes (BIP 39).
[[nodiscard]] std::array<std::uint8_t, 64> pbkdf2_sha512(ByteView password, ByteView salt, std::uint32_t rounds);
/// payment_hash of a preimage: SHA256.
[[nodiscard]] PaymentHash payment_hash(const Preimage& preimage);
/// An incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&);
  Sha256& operator=(const Sha256&);
  Sha256& add(ByteView data);
  [[nodiscard]] Hash32 finish() const;  // does not disturb the state

 private:
  alignas(8) std::array<std::uint8_t, 128> state_;
};
/// The start of a tagged hash (tag: the concatenation): for many messages under one tag.
[[nodiscard]] Sha256 tagged_sha256(std::initializer_list<ByteView> tag);
/// HMAC-SHA256 for many messages under one key: the blocks that depend on the key alone are hashed once.
class HmacSha256 {
 public:
  explicit HmacSha256(ByteView key);
  [[nodiscard]] Hash32 of(std::initializer_list<ByteView> parts) const;

 private:
  Sha256 inner_, outer_;
};

// ---- ciphers ----
/// IETF ChaCha20 key stream of `length` bytes: 32-byte key, 12-byte nonce, block counter from 0.
[[nodiscard]] Bytes chacha20_stream(ByteView key, ByteView nonce, std::size_t length);
/// data ^= key stream from byte `offset` on.
void chacha20_xor(ByteView key, ByteView nonce, std::span<std::uint8_t> data, std::size_t offset = 0);
/// ChaCha20-Poly1305 (RFC 8439): ciphertext ‖ 16-byte tag.
[[nodiscard]] Bytes aead_encrypt(ByteView key, ByteView nonce, ByteView associated, ByteView plain);
/// nullopt if the tag is wrong or the input is shorter than 16 bytes.
[[nodiscard]] std::optional<Bytes> aead_decrypt(ByteView key, ByteView nonce, ByteView associated, ByteView cipher);

// ---- the curve (secp256k1) ----
/// Compressed point on the curve; nullopt otherwise.
[[nodiscard]] std::optional<PublicKey> parse_point(ByteView bytes33);
/// The compressed form of 04 ‖ x ‖ y; nullopt for other forms and if it is not a point.
[[nodiscard]] std::optional<PublicKey> compress_point(ByteView bytes65);
[[nodiscard]] bool is_valid(const PublicKey& key);
/// In 1..n-1; nullopt otherwise.
[[nodiscard]] std::optional<PrivateKey> parse_private_key(ByteView bytes32);
/// The key must be valid (parse_private_key or a derivation here); aborts otherwise. So for every function below.
[[nodiscard]] PublicKey public_key(const PrivateKey& key);
/// SHA256 of the compressed product point. BOLT 4 and 8. The point must be valid.
[[nodiscard]] SharedSecret ecdh(const PrivateKey& key, const PublicKey& point);
/// nullopt where the result would be zero or infinity, or the tweak is not in range, or `point` is not a point.
[[nodiscard]] std::optional<PublicKey> tweak_mul(const PublicKey& point, ByteView scalar32);
[[nodiscard]] std::optional<PublicKey> tweak_add(const PublicKey& point, ByteView scalar32);  // point + scalar*G
[[nodiscard]] std::optional<PublicKey> combine(const PublicKey& a, const PublicKey& b);
[[nodiscard]] std::optional<PrivateKey> tweak_mul(const PrivateKey& key, ByteView scalar32);
[[nodiscard]] std::optional<PrivateKey> tweak_add(const PrivateKey& key, ByteView scalar32);
[[nodiscard]] PrivateKey negate(const PrivateKey& key);
[[nodiscard]] XOnlyKey x_only(const PublicKey& key);

/// RFC 6979, low S, no low-R grinding.
[[nodiscard]] Signature ecdsa_sign(const PrivateKey& key, const Hash32& digest);
/// False for an invalid key or a high-S signature.
[[nodiscard]] bool ecdsa_verify(const PublicKey& key, const Hash32& digest, const Signature& signature);
/// The key that made the signature, low or high S; nullopt if there is none. `recovery_id`: which of the four
/// candidates, 0 to 3. BOLT 11, "Data Part".
[[nodiscard]] std::optional<PublicKey> ecdsa_recover(const Hash32& digest, const Signature& signature,
                                                     std::uint8_t recovery_id);
[[nodiscard]] Bytes to_der(const Signature& signature);
/// Strict DER (BIP 66), low S required; nullopt otherwise.
[[nodiscard]] std::optional<Signature> from_der(ByteView der);
/// BIP 340 with all-zero auxiliary randomness unless given.
[[nodiscard]] SchnorrSignature schnorr_sign(const PrivateKey& key, const Hash32& message,
                                            const std::optional<Hash32>& aux = std::nullopt);
[[nodiscard]] bool schnorr_verify(const XOnlyKey& key, const Hash32& message, const SchnorrSignature& signature);
/// With the x of a compressed key. False also for a key that is not a point.
[[nodiscard]] bool schnorr_verify(const PublicKey& key, const Hash32& message, const SchnorrSignature& signature);

/// Constant time for equal lengths.
[[nodiscard]] bool equal_constant_time(ByteView a, ByteView b);
void wipe(std::span<std::uint8_t> bytes);
/// "libsecp256k1 0.7.1, OpenSSL 3.0.17, libsodium 1.0.18"
[[nodiscard]] const char* versions();

}  // namespace doze::crypto
