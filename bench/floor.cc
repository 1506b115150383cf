#include "floor.h"

#include <secp256k1_ecdh.h>
#include <secp256k1_preallocated.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>

#include <cstdlib>
#include <cstring>

namespace bench::floor {

namespace {
const secp256k1_context* context() {
  static const secp256k1_context* const kContext = [] {
    constexpr unsigned kFlags = SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY;
    static void* const memory = std::malloc(secp256k1_context_preallocated_size(kFlags));
    auto* made = secp256k1_context_preallocated_create(memory, kFlags);
#ifdef DOZE_SECP256K1_SHA_HOOK
    secp256k1_context_set_sha256_compression(
        made, [](std::uint32_t* state, const unsigned char* blocks64, std::size_t n_blocks) {
          SHA256_CTX sha{};
          std::memcpy(sha.h, state, sizeof sha.h);
          for (std::size_t i = 0; i < n_blocks; ++i) SHA256_Transform(&sha, blocks64 + 64 * i);
          std::memcpy(state, sha.h, sizeof sha.h);
        });
#endif
    return made;
  }();
  return kContext;
}
/// A call that failed would cost less than the one that is to be measured.
void good(int result) {
  if (result != 1) std::abort();
}
constexpr std::array<std::uint8_t, 16> kZeroIv{};
EVP_CIPHER* cipher(const char* name) {
  return EVP_CIPHER_fetch(nullptr, name, nullptr);
}
EVP_CIPHER_CTX* context_of(const char* name) {
  auto* out = EVP_CIPHER_CTX_new();
  EVP_CipherInit_ex2(out, cipher(name), nullptr, nullptr, 1, nullptr);
  return out;
}
constexpr std::size_t kHmacBytes = 32, kLongAead = 1'200, kLongStream = 512;
}  // namespace

secp256k1_pubkey parse(const std::uint8_t* bytes33) {
  secp256k1_pubkey out;
  good(secp256k1_ec_pubkey_parse(context(), &out, bytes33, 33));
  return out;
}
Key save(const secp256k1_pubkey& point) {
  Key out;
  std::size_t size = out.size();
  secp256k1_ec_pubkey_serialize(context(), out.data(), &size, &point, SECP256K1_EC_COMPRESSED);
  return out;
}
Block ecdh(const secp256k1_pubkey& point, const Block& scalar) {
  Block out;
  good(secp256k1_ecdh(context(), out.data(), &point, scalar.data(), nullptr, nullptr));
  return out;
}
secp256k1_pubkey times(const secp256k1_pubkey& point, const Block& scalar) {
  auto out = point;
  good(secp256k1_ec_pubkey_tweak_mul(context(), &out, scalar.data()));
  return out;
}
secp256k1_pubkey generator_times(const Block& scalar) {
  secp256k1_pubkey out;
  good(secp256k1_ec_pubkey_create(context(), &out, scalar.data()));
  return out;
}
secp256k1_pubkey sum(const secp256k1_pubkey& a, const secp256k1_pubkey& b) {
  secp256k1_pubkey out;
  const secp256k1_pubkey* both[] = {&a, &b};
  good(secp256k1_ec_pubkey_combine(context(), &out, both, 2));
  return out;
}
Block scalar_times(const Block& a, const Block& b) {
  auto out = a;
  good(secp256k1_ec_seckey_tweak_mul(context(), out.data(), b.data()));
  return out;
}
std::array<std::uint8_t, 64> ecdsa_sign(const Block& digest, const Block& key) {
  secp256k1_ecdsa_signature signature;
  std::array<std::uint8_t, 64> out;
  good(secp256k1_ecdsa_sign(context(), &signature, digest.data(), key.data(), nullptr, nullptr));
  secp256k1_ecdsa_signature_serialize_compact(context(), out.data(), &signature);
  return out;
}
bool ecdsa_verify(const std::uint8_t* signature64, const Block& digest, const secp256k1_pubkey& key) {
  secp256k1_ecdsa_signature signature;
  return secp256k1_ecdsa_signature_parse_compact(context(), &signature, signature64) == 1 &&
         secp256k1_ecdsa_verify(context(), &signature, digest.data(), &key) == 1;
}
std::array<std::uint8_t, 64> schnorr_sign(const Block& digest, const Block& key) {
  static constexpr Block kNoAux{};
  secp256k1_keypair pair;
  std::array<std::uint8_t, 64> out;
  good(secp256k1_keypair_create(context(), &pair, key.data()));
  good(secp256k1_schnorrsig_sign32(context(), out.data(), digest.data(), &pair, kNoAux.data()));
  return out;
}
bool schnorr_verify(const std::uint8_t* signature64, const Block& digest, const std::uint8_t* x_only_key) {
  secp256k1_xonly_pubkey key;
  return secp256k1_xonly_pubkey_parse(context(), &key, x_only_key) == 1 &&
         secp256k1_schnorrsig_verify(context(), signature64, digest.data(), 32, &key) == 1;
}

Block sha256(const std::uint8_t* data, std::size_t size) {
  Block out;
  SHA256(data, size, out.data());
  return out;
}
Block sha256d(const std::uint8_t* data, std::size_t size) {
  auto once = sha256(data, size);
  return sha256(once.data(), once.size());
}
Block sha256(const Key& point, const Block& secret) {
  std::array<std::uint8_t, 65> both;
  std::memcpy(both.data(), point.data(), 33);
  std::memcpy(both.data() + 33, secret.data(), 32);
  return sha256(both.data(), both.size());
}
Midstate::Midstate(std::string_view key) {
  std::array<std::uint8_t, 64> block{};
  std::memcpy(block.data(), key.data(), key.size());
  for (auto& byte : block) byte ^= 0x36;
  SHA256_Init(&inner);
  SHA256_Update(&inner, block.data(), block.size());
  for (auto& byte : block) byte ^= 0x36 ^ 0x5c;
  SHA256_Init(&outer);
  SHA256_Update(&outer, block.data(), block.size());
}
Block Midstate::operator()(const Block& data) const {
  auto a = inner, b = outer;
  Block out;
  SHA256_Update(&a, data.data(), data.size());
  SHA256_Final(out.data(), &a);
  SHA256_Update(&b, out.data(), out.size());
  SHA256_Final(out.data(), &b);
  return out;
}
const Midstate rho("rho"), mu("mu"), pad("pad"), blinded_node_id("blinded_node_id");
Block hmac(const Block& key, const std::uint8_t* data, std::size_t size) {
  Midstate state(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
  Block out;
  SHA256_Update(&state.inner, data, size);
  SHA256_Final(out.data(), &state.inner);
  SHA256_Update(&state.outer, out.data(), out.size());
  SHA256_Final(out.data(), &state.outer);
  return out;
}
void hkdf(Block& chaining_key, Block& key, const Block& input) {
  auto secret = hmac(chaining_key, input.data(), input.size());
  std::array<std::uint8_t, 33> more{};
  more[0] = 1;
  chaining_key = hmac(secret, more.data(), 1);
  std::memcpy(more.data(), chaining_key.data(), 32);
  more[32] = 2;
  key = hmac(secret, more.data(), more.size());
}

void chacha20(const Block& key, std::uint8_t* data, std::size_t size, std::size_t offset) {
  auto block = static_cast<std::uint32_t>(offset / 64);
  if (size < kLongStream) {
    crypto_stream_chacha20_ietf_xor_ic(data, data, size, kZeroIv.data(), block, key.data());
    return;
  }
  static auto* const kContext = context_of("ChaCha20");
  auto iv = kZeroIv;
  std::memcpy(iv.data(), &block, sizeof block);
  int done = 0;
  EVP_CipherInit_ex2(kContext, nullptr, key.data(), iv.data(), 1, nullptr);
  EVP_CipherUpdate(kContext, data, &done, data, static_cast<int>(size));
}
void seal(const Block& key, std::uint8_t* out, const std::uint8_t* plain, std::size_t plain_size) {
  if (plain_size < kLongAead) {
    crypto_aead_chacha20poly1305_ietf_encrypt(out, nullptr, plain, plain_size, nullptr, 0, nullptr, kZeroIv.data(),
                                              key.data());
    return;
  }
  static auto* const kContext = context_of("ChaCha20-Poly1305");
  int done = 0;
  EVP_CipherInit_ex2(kContext, nullptr, key.data(), kZeroIv.data(), 1, nullptr);
  EVP_CipherUpdate(kContext, out, &done, plain, static_cast<int>(plain_size));
  EVP_CipherFinal_ex(kContext, out, &done);
  EVP_CIPHER_CTX_ctrl(kContext, EVP_CTRL_AEAD_GET_TAG, 16, out + plain_size);
}
Buffer sealed(const Block& key, std::size_t plain_size) {
  Buffer plain(plain_size), out(plain_size + 16);
  seal(key, out.data(), plain.data(), plain_size);
  return out;
}
bool open(const Block& key, std::uint8_t* out, const Buffer& in) {
  auto size = in.size() - 16;
  if (size < kLongAead)
    return crypto_aead_chacha20poly1305_ietf_decrypt(out, nullptr, nullptr, in.data(), in.size(), nullptr, 0,
                                                     kZeroIv.data(), key.data()) == 0;
  static auto* const kContext = context_of("ChaCha20-Poly1305");
  int done = 0;
  EVP_CipherInit_ex2(kContext, nullptr, key.data(), kZeroIv.data(), 0, nullptr);
  EVP_CipherUpdate(kContext, out, &done, in.data(), static_cast<int>(size));
  EVP_CIPHER_CTX_ctrl(kContext, EVP_CTRL_AEAD_SET_TAG, 16, const_cast<std::uint8_t*>(in.data() + size));
  return EVP_CipherFinal_ex(kContext, out, &done) == 1;
}

Block peel(const std::uint8_t* point33, const Block& node_key, Buffer& payloads, std::size_t payload_size, bool next) {
  auto point = parse(point33);
  auto secret = ecdh(point, node_key);
  (void)hmac(mu(secret), payloads.data(), payloads.size());
  auto stream_key = rho(secret);
  chacha20(stream_key, payloads.data(), payloads.size());
  if (next) {
    Buffer tail(payload_size + kHmacBytes);
    chacha20(stream_key, tail.data(), tail.size(), payloads.size() / 64 * 64);
    Key key;
    std::memcpy(key.data(), point33, key.size());
    (void)save(times(point, sha256(key, secret)));
  }
  return secret;
}

Block unblind(const std::uint8_t* path_key33, const Block& node_key, const Block& rho_key, const Buffer& cipher,
              bool next) {
  auto point = parse(path_key33);
  auto secret = ecdh(point, node_key);
  (void)rho(secret);
  std::array<std::uint8_t, 1024> clear;
  (void)open(rho_key, clear.data(), cipher);
  if (next) {
    Key key;
    std::memcpy(key.data(), path_key33, key.size());
    (void)save(times(point, sha256(key, secret)));
  }
  return scalar_times(node_key, blinded_node_id(secret));
}

void build(const Block& session, const std::vector<Key>& hops, const std::vector<std::size_t>& sizes,
           Buffer& payloads) {
  auto ephemeral = session;
  std::vector<Block> secrets;
  for (const auto& hop : hops) {
    auto key = save(generator_times(ephemeral));
    secrets.push_back(ecdh(parse(hop.data()), ephemeral));
    ephemeral = scalar_times(ephemeral, sha256(key, secrets.back()));
  }
  std::size_t filler = 0;
  Buffer tail;
  for (std::size_t i = 0; i + 1 < hops.size(); ++i) {
    auto start = payloads.size() - filler;
    filler += sizes[i] + kHmacBytes;
    tail.resize(filler);
    chacha20(rho(secrets[i]), tail.data(), tail.size(), start / 64 * 64);
  }
  chacha20(pad(session), payloads.data(), payloads.size());
  for (std::size_t i = hops.size(); i-- > 0;) {
    auto shift = sizes[i] + kHmacBytes;
    std::memmove(payloads.data() + shift, payloads.data(), payloads.size() - shift);
    chacha20(rho(secrets[i]), payloads.data(), payloads.size());
    (void)hmac(mu(secrets[i]), payloads.data(), payloads.size());
  }
}

void blind(const Block& session, const secp256k1_pubkey& peer, const Block& node_key, std::size_t own,
           std::size_t data_size) {
  std::array<std::uint8_t, 1024> data{}, out;
  auto ephemeral = session;
  for (std::size_t i = 0; i <= own; ++i) {
    auto key = save(generator_times(ephemeral));
    Block secret;
    if (i == 0) {
      secret = ecdh(peer, ephemeral);
      (void)save(times(peer, blinded_node_id(secret)));
    } else {
      auto product = save(generator_times(scalar_times(node_key, ephemeral)));
      secret = sha256(product.data(), product.size());
      (void)save(generator_times(scalar_times(node_key, blinded_node_id(secret))));
    }
    seal(rho(secret), out.data(), data.data(), data_size);
    ephemeral = scalar_times(ephemeral, sha256(key, secret));
  }
}

Block merkle(std::size_t records, std::size_t size) {
  static const SHA256_CTX kTagged = [] {
    SHA256_CTX out;
    std::array<std::uint8_t, 64> twice{};
    SHA256_Init(&out);
    SHA256_Update(&out, twice.data(), twice.size());
    return out;
  }();
  auto hash = [](const std::uint8_t* data, std::size_t length) {
    auto state = kTagged;
    Block out;
    SHA256_Update(&state, data, length);
    SHA256_Final(out.data(), &state);
    return out;
  };
  Buffer record(size);
  std::array<std::uint8_t, 64> pair{};
  Block root{};
  for (std::size_t i = 0; i < records; ++i) {
    root = hash(record.data(), record.size());          // leaf
    (void)hash(record.data(), 1);                       // nonce
    root = hash(pair.data(), pair.size());              // both
    if (i != 0) root = hash(pair.data(), pair.size());  // branch
  }
  return root;
}

Block scalar(std::uint64_t seed) {
  return sha256(reinterpret_cast<const std::uint8_t*>(&seed), sizeof seed);
}

}  // namespace bench::floor
