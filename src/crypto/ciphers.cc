// ChaCha20 and ChaCha20-Poly1305 through libsodium: the cheapest below about 1.2 kB.
#include <sodium.h>

#include "crypto/crypto.h"

namespace doze::crypto {

Bytes chacha20_stream(ByteView key, ByteView nonce, std::size_t length) {
  LN_ASSERT(key.size() == 32 && nonce.size() == 12);
  Bytes out(length);
  if (length != 0) crypto_stream_chacha20_ietf(out.data(), length, nonce.data(), key.data());
  return out;
}

void chacha20_xor(ByteView key, ByteView nonce, std::span<std::uint8_t> data) {
  LN_ASSERT(key.size() == 32 && nonce.size() == 12);
  if (!data.empty()) crypto_stream_chacha20_ietf_xor(data.data(), data.data(), data.size(), nonce.data(), key.data());
}

Bytes aead_encrypt(ByteView key, ByteView nonce, ByteView associated, ByteView plain) {
  LN_ASSERT(key.size() == 32 && nonce.size() == 12);
  Bytes out(plain.size() + 16);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(), associated.data(),
                                            associated.size(), nullptr, nonce.data(), key.data());
  return out;
}

std::optional<Bytes> aead_decrypt(ByteView key, ByteView nonce, ByteView associated, ByteView cipher) {
  LN_ASSERT(key.size() == 32 && nonce.size() == 12);
  if (cipher.size() < 16) return std::nullopt;
  Bytes out(cipher.size() - 16);
  if (crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, cipher.data(), cipher.size(),
                                                associated.data(), associated.size(), nonce.data(), key.data()) != 0)
    return std::nullopt;
  return out;
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

void wipe(std::span<std::uint8_t> bytes) {
  sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace doze::crypto
