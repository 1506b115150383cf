// secp256k1 through libsecp256k1; works with Debian 12's 0.2.0 and with newer ones.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/opensslv.h>
#include <openssl/sha.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_preallocated.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>

#include <cstdlib>

#include "crypto/blinding.h"
#include "crypto/crypto.h"

namespace doze::crypto {

namespace {
#ifdef DOZE_SECP256K1_SHA_HOOK
/// OpenSSL uses the processor's SHA instructions, libsecp256k1's own SHA-256 does not.
void compress_sha256(std::uint32_t* state, const unsigned char* blocks64, std::size_t n_blocks) {
  SHA256_CTX sha{};
  std::copy(state, state + 8, sha.h);
  for (std::size_t i = 0; i < n_blocks; ++i) SHA256_Transform(&sha, blocks64 + 64 * i);
  std::copy(sha.h, sha.h + 8, state);
  sodium_memzero(&sha, sizeof sha);
}
#endif

/// Made once. Results are the same with and without blinding (randomize_curve).
secp256k1_context* mutable_context() {
  static secp256k1_context* const kContext = [] {
    constexpr unsigned kFlags = SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY;
    // Not secp256k1_context_create: the pinned source of 0.8.0 comes without the functions that allocate.
    static void* const memory = std::malloc(secp256k1_context_preallocated_size(kFlags));
    LN_ASSERT(memory != nullptr);
    auto* made = secp256k1_context_preallocated_create(memory, kFlags);
#ifdef DOZE_SECP256K1_SHA_HOOK
    secp256k1_context_set_sha256_compression(made, compress_sha256);
#endif
    return made;
  }();
  return kContext;
}
const secp256k1_context* context() {
  return mutable_context();
}

/// A point that was parsed or made lately. A square root costs an eighth of a multiplication, and most points are
/// needed several times in a row: is it valid, ECDH, the next key. Public keys only, and the answers are the same
/// without it.
struct Recent {
  std::array<std::uint8_t, 33> bytes{};
  secp256k1_pubkey key{};
};
Recent& recent(ByteView bytes33) {
  static thread_local std::array<Recent, 256> points;
  return points[bytes33[32]];
}

bool load(secp256k1_pubkey& out, ByteView bytes) {
  if (bytes.size() != 33 || (bytes[0] != 2 && bytes[0] != 3)) return false;
  auto& known = recent(bytes);
  if (!equal(known.bytes, bytes)) {
    if (secp256k1_ec_pubkey_parse(context(), &out, bytes.data(), 33) != 1) return false;
    std::copy(bytes.begin(), bytes.end(), known.bytes.begin());
    known.key = out;
  }
  out = known.key;
  return true;
}
PublicKey save(const secp256k1_pubkey& key) {
  PublicKey out;
  std::size_t size = 33;
  secp256k1_ec_pubkey_serialize(context(), out.bytes.data(), &size, &key, SECP256K1_EC_COMPRESSED);
  return out;
}
/// A public key that will be used soon.
PublicKey save_recent(const secp256k1_pubkey& key) {
  auto out = save(key);
  recent(out.view()) = {out.bytes, key};
  return out;
}
bool load(secp256k1_ecdsa_signature& out, const Signature& signature) {
  return secp256k1_ecdsa_signature_parse_compact(context(), &out, signature.bytes.data()) == 1;
}
bool is_low_s(const secp256k1_ecdsa_signature& signature) {
  return secp256k1_ecdsa_signature_normalize(context(), nullptr, &signature) == 0;
}
}  // namespace

std::optional<PublicKey> parse_point(ByteView bytes33) {
  secp256k1_pubkey key;
  if (!load(key, bytes33)) return std::nullopt;
  return PublicKey::from(bytes33);
}

std::optional<PublicKey> compress_point(ByteView bytes65) {
  secp256k1_pubkey key;
  if (bytes65.size() != 65 || bytes65[0] != 4) return std::nullopt;
  if (secp256k1_ec_pubkey_parse(context(), &key, bytes65.data(), 65) != 1) return std::nullopt;
  return save(key);
}

bool is_valid(const PublicKey& key) {
  secp256k1_pubkey parsed;
  return load(parsed, key.view());
}

std::optional<PrivateKey> parse_private_key(ByteView bytes32) {
  if (bytes32.size() != 32 || secp256k1_ec_seckey_verify(context(), bytes32.data()) != 1) return std::nullopt;
  return PrivateKey::from(bytes32);
}

PublicKey public_key(const PrivateKey& key) {
  secp256k1_pubkey out;
  int good = secp256k1_ec_pubkey_create(context(), &out, key.reveal().data());
  LN_ASSERT(good == 1);
  return save(out);
}

SharedSecret ecdh(const PrivateKey& key, const PublicKey& point) {
  secp256k1_pubkey parsed;
  LN_ASSERT(load(parsed, point.view()));
  SharedSecret out;
  int good = secp256k1_ecdh(context(), out.raw().data(), &parsed, key.reveal().data(), nullptr, nullptr);
  LN_ASSERT(good == 1);
  return out;
}

std::optional<PublicKey> tweak_mul(const PublicKey& point, ByteView scalar32) {
  secp256k1_pubkey key;
  if (scalar32.size() != 32 || !load(key, point.view())) return std::nullopt;
  if (secp256k1_ec_pubkey_tweak_mul(context(), &key, scalar32.data()) != 1) return std::nullopt;
  return save_recent(key);
}

std::optional<PublicKey> tweak_add(const PublicKey& point, ByteView scalar32) {
  secp256k1_pubkey key, step, sum;
  if (scalar32.size() != 32 || !load(key, point.view())) return std::nullopt;
  // scalar*G and an addition: a fifth cheaper than the library's own function, and constant time in the scalar.
  if (secp256k1_ec_pubkey_create(context(), &step, scalar32.data()) != 1)
    return sodium_is_zero(scalar32.data(), 32) == 1 ? std::optional(point) : std::nullopt;
  const secp256k1_pubkey* both[] = {&key, &step};
  if (secp256k1_ec_pubkey_combine(context(), &sum, both, 2) != 1) return std::nullopt;
  return save_recent(sum);
}

std::optional<PublicKey> combine(const PublicKey& a, const PublicKey& b) {
  secp256k1_pubkey x, y, sum;
  if (!load(x, a.view()) || !load(y, b.view())) return std::nullopt;
  const secp256k1_pubkey* both[] = {&x, &y};
  if (secp256k1_ec_pubkey_combine(context(), &sum, both, 2) != 1) return std::nullopt;
  return save(sum);
}

std::optional<PrivateKey> tweak_mul(const PrivateKey& key, ByteView scalar32) {
  PrivateKey out = key;
  if (scalar32.size() != 32 || secp256k1_ec_seckey_tweak_mul(context(), out.raw().data(), scalar32.data()) != 1)
    return std::nullopt;
  return out;
}

std::optional<PrivateKey> tweak_add(const PrivateKey& key, ByteView scalar32) {
  PrivateKey out = key;
  if (scalar32.size() != 32 || secp256k1_ec_seckey_tweak_add(context(), out.raw().data(), scalar32.data()) != 1)
    return std::nullopt;
  return out;
}

PrivateKey negate(const PrivateKey& key) {
  PrivateKey out = key;
  int good = secp256k1_ec_seckey_negate(context(), out.raw().data());
  LN_ASSERT(good == 1);
  return out;
}

XOnlyKey x_only(const PublicKey& key) {
  XOnlyKey out;
  std::copy(key.bytes.begin() + 1, key.bytes.end(), out.bytes.begin());
  return out;
}

Signature ecdsa_sign(const PrivateKey& key, const Hash32& digest) {
  secp256k1_ecdsa_signature signature;
  int good = secp256k1_ecdsa_sign(context(), &signature, digest.bytes.data(), key.reveal().data(), nullptr, nullptr);
  LN_ASSERT(good == 1);
  Signature out;
  secp256k1_ecdsa_signature_serialize_compact(context(), out.bytes.data(), &signature);
  return out;
}

bool ecdsa_verify(const PublicKey& key, const Hash32& digest, const Signature& signature) {
  secp256k1_pubkey parsed;
  secp256k1_ecdsa_signature inner;
  return load(parsed, key.view()) && load(inner, signature) &&
         secp256k1_ecdsa_verify(context(), &inner, digest.bytes.data(), &parsed) == 1;
}

std::optional<PublicKey> ecdsa_recover(const Hash32& digest, const Signature& signature, std::uint8_t recovery_id) {
  secp256k1_ecdsa_recoverable_signature inner;
  secp256k1_pubkey key;
  if (recovery_id > 3 ||
      secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &inner, signature.bytes.data(), recovery_id) !=
          1 ||
      secp256k1_ecdsa_recover(context(), &key, &inner, digest.bytes.data()) != 1)
    return std::nullopt;
  return save(key);
}

Bytes to_der(const Signature& signature) {
  secp256k1_ecdsa_signature inner;
  LN_ASSERT(load(inner, signature));
  Bytes out(72);
  std::size_t size = out.size();
  int good = secp256k1_ecdsa_signature_serialize_der(context(), out.data(), &size, &inner);
  LN_ASSERT(good == 1);
  out.resize(size);
  return out;
}

std::optional<Signature> from_der(ByteView der) {
  secp256k1_ecdsa_signature inner;
  if (secp256k1_ecdsa_signature_parse_der(context(), &inner, der.data(), der.size()) != 1 || !is_low_s(inner))
    return std::nullopt;
  Signature out;
  secp256k1_ecdsa_signature_serialize_compact(context(), out.bytes.data(), &inner);
  // The library's parser forgives some paddings; a strict encoding is the one that we would write.
  if (!equal(to_der(out), der)) return std::nullopt;
  return out;
}

SchnorrSignature schnorr_sign(const PrivateKey& key, const Hash32& message, const std::optional<Hash32>& aux) {
  secp256k1_keypair pair;
  int good = secp256k1_keypair_create(context(), &pair, key.reveal().data());
  LN_ASSERT(good == 1);
  SchnorrSignature out;
  Hash32 no_aux;
  good = secp256k1_schnorrsig_sign32(context(), out.bytes.data(), message.bytes.data(), &pair,
                                     aux ? aux->bytes.data() : no_aux.bytes.data());
  LN_ASSERT(good == 1);
  sodium_memzero(&pair, sizeof pair);
  return out;
}

bool schnorr_verify(const XOnlyKey& key, const Hash32& message, const SchnorrSignature& signature) {
  secp256k1_xonly_pubkey parsed;
  return secp256k1_xonly_pubkey_parse(context(), &parsed, key.bytes.data()) == 1 &&
         secp256k1_schnorrsig_verify(context(), signature.bytes.data(), message.bytes.data(), 32, &parsed) == 1;
}

bool schnorr_verify(const PublicKey& key, const Hash32& message, const SchnorrSignature& signature) {
  secp256k1_pubkey full;
  secp256k1_xonly_pubkey parsed;
  return load(full, key.view()) && secp256k1_xonly_pubkey_from_pubkey(context(), &parsed, nullptr, &full) == 1 &&
         secp256k1_schnorrsig_verify(context(), signature.bytes.data(), message.bytes.data(), 32, &parsed) == 1;
}

void randomize_curve(ByteView seed32) {
  LN_ASSERT(seed32.size() == 32 && secp256k1_context_randomize(mutable_context(), seed32.data()) == 1);
}

const char* versions() {
  return "OpenSSL " OPENSSL_VERSION_STR ", libsodium " SODIUM_VERSION_STRING
#ifdef DOZE_SECP256K1_VERSION
         ", libsecp256k1 " DOZE_SECP256K1_VERSION
#endif
      ;
}

}  // namespace doze::crypto
