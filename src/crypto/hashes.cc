// Hashes through OpenSSL 3's low-level calls: a quarter of the cost of EVP for short inputs.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ripemd.h>
#include <openssl/sha.h>

#include <new>

#include "crypto/crypto.h"

namespace doze::crypto {

namespace {
SHA256_CTX& context_of(std::array<std::uint8_t, 128>& state) {
  static_assert(sizeof(SHA256_CTX) <= 128);
  return *std::launder(reinterpret_cast<SHA256_CTX*>(state.data()));
}

/// HMAC over any of the SHA-2 contexts.
template <std::size_t kBlock, std::size_t kDigest, class Ctx, auto kInit, auto kUpdate, auto kFinal>
std::array<std::uint8_t, kDigest> hmac(ByteView key, std::initializer_list<ByteView> parts) {
  std::array<std::uint8_t, kBlock> pad{};
  Ctx ctx;
  if (key.size() > kBlock) {
    kInit(&ctx);
    kUpdate(&ctx, key.data(), key.size());
    kFinal(pad.data(), &ctx);
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (auto& byte : pad) byte ^= 0x36;
  kInit(&ctx);
  kUpdate(&ctx, pad.data(), kBlock);
  for (auto part : parts) kUpdate(&ctx, part.data(), part.size());
  std::array<std::uint8_t, kDigest> inner{};
  kFinal(inner.data(), &ctx);
  for (auto& byte : pad) byte ^= 0x36 ^ 0x5c;
  kInit(&ctx);
  kUpdate(&ctx, pad.data(), kBlock);
  kUpdate(&ctx, inner.data(), kDigest);
  kFinal(inner.data(), &ctx);
  OPENSSL_cleanse(pad.data(), pad.size());
  OPENSSL_cleanse(&ctx, sizeof ctx);
  return inner;
}
}  // namespace

Sha256::Sha256() {
  new (state_.data()) SHA256_CTX;
  SHA256_Init(&context_of(state_));
}
Sha256::~Sha256() {
  OPENSSL_cleanse(state_.data(), state_.size());
}
Sha256::Sha256(const Sha256&) = default;
Sha256& Sha256::operator=(const Sha256&) = default;
Sha256& Sha256::add(ByteView data) {
  SHA256_Update(&context_of(state_), data.data(), data.size());
  return *this;
}
Hash32 Sha256::finish() const {
  auto copy = state_;
  Hash32 out;
  SHA256_Final(out.bytes.data(), &context_of(copy));
  return out;
}

Hash32 sha256(ByteView data) {
  // The library's one-shot function looks its own algorithm up by name each time: as dear as the hash.
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, data.data(), data.size());
  Hash32 out;
  SHA256_Final(out.bytes.data(), &context);
  return out;
}
Hash32 sha256(std::initializer_list<ByteView> parts) {
  Sha256 hash;
  for (auto part : parts) hash.add(part);
  return hash.finish();
}
Hash32 sha256d(ByteView data) {
  return sha256(sha256(data).view());
}
Sha256 tagged_sha256(std::initializer_list<ByteView> tag) {
  auto tag_hash = sha256(tag);
  return Sha256().add(tag_hash.view()).add(tag_hash.view());
}
Hash32 tagged_hash(ByteView tag, std::initializer_list<ByteView> parts) {
  auto hash = tagged_sha256({tag});
  for (auto part : parts) hash.add(part);
  return hash.finish();
}
Hash20 ripemd160(ByteView data) {
  Hash20 out;
  RIPEMD160(data.data(), data.size(), out.bytes.data());
  return out;
}
Hash20 sha1(ByteView data) {
  Hash20 out;
  SHA1(data.data(), data.size(), out.bytes.data());
  return out;
}
Hash20 hash160(ByteView data) {
  return ripemd160(sha256(data).view());
}
Hash32 hmac_sha256(ByteView key, ByteView data) {
  return hmac_sha256(key, {data});
}
Hash32 hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  Hash32 out;
  out.bytes = hmac<64, 32, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final>(key, parts);
  return out;
}
HmacSha256::HmacSha256(ByteView key) {
  std::array<std::uint8_t, 64> pad{};
  if (key.size() > pad.size()) {
    auto digest = sha256(key);
    std::copy(digest.bytes.begin(), digest.bytes.end(), pad.begin());
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (auto& byte : pad) byte ^= 0x36;
  inner_.add(pad);
  for (auto& byte : pad) byte ^= 0x36 ^ 0x5c;
  outer_.add(pad);
  OPENSSL_cleanse(pad.data(), pad.size());
}
Hash32 HmacSha256::of(std::initializer_list<ByteView> parts) const {
  auto inner = inner_, outer = outer_;
  for (auto part : parts) inner.add(part);
  return outer.add(inner.finish().view()).finish();
}
std::array<std::uint8_t, 64> hmac_sha512(ByteView key, ByteView data) {
  return hmac<128, 64, SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final>(key, {data});
}

Bytes hkdf_sha256(ByteView salt, ByteView ikm, ByteView info, std::size_t length) {
  LN_ASSERT(length <= 255 * 32);
  auto prk = hmac_sha256(salt, ikm);
  Bytes out;
  Hash32 block;
  for (std::uint8_t counter = 1; out.size() < length; ++counter) {
    ByteView previous = counter == 1 ? ByteView{} : block.view();
    block = hmac_sha256(prk.view(), {previous, info, ByteView(&counter, 1)});
    append(out, block.view());
  }
  out.resize(length);
  OPENSSL_cleanse(prk.bytes.data(), 32);
  return out;
}

std::array<std::uint8_t, 64> pbkdf2_sha512(ByteView password, ByteView salt, std::uint32_t rounds) {
  std::array<std::uint8_t, 64> out{};
  int good =
      PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), static_cast<int>(password.size()), salt.data(),
                        static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha512(), 64, out.data());
  LN_ASSERT(good == 1);
  return out;
}

PaymentHash payment_hash(const Preimage& preimage) {
  return convert<PaymentHash>(sha256(preimage.reveal()));
}

}  // namespace doze::crypto
