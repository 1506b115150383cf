// ChaCha20 and ChaCha20-Poly1305: libsodium for what is small, OpenSSL for what is long. OpenSSL has the faster loops
// and the more expensive start.
#include <openssl/evp.h>
#include <sodium.h>

#include <memory>

#include "crypto/crypto.h"

namespace doze::crypto {

namespace {
// Where the two cost the same, measured with AVX-512.
constexpr std::size_t kLongStream = 512, kLongAead = 1'200;
constexpr std::size_t kBlock = 64, kTag = 16;

/// OpenSSL's cipher with a context that is used again. Its key does not stay; what is left of a block of key stream
/// may, until the next use.
class LongCipher {
 public:
  explicit LongCipher(const char* name)
      : cipher_(EVP_CIPHER_fetch(nullptr, name, nullptr), EVP_CIPHER_free),
        context_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
    LN_ASSERT(context_ != nullptr);
  }
  /// A system may allow fewer ciphers than OpenSSL has.
  [[nodiscard]] bool allowed() const { return cipher_ != nullptr; }
  void start(bool encrypt, ByteView key, ByteView iv) {
    must(EVP_CipherInit_ex2(context_.get(), fresh_ ? cipher_.get() : nullptr, key.data(), iv.data(), encrypt, nullptr));
    fresh_ = false;
  }
  /// In place is allowed; `out` may be null for associated data.
  void update(std::uint8_t* out, ByteView in) {
    int size = 0;
    if (!in.empty()) must(EVP_CipherUpdate(context_.get(), out, &size, in.data(), static_cast<int>(in.size())));
  }
  [[nodiscard]] bool finish() {
    std::array<std::uint8_t, kBlock> nothing{};
    int size = 0;
    return EVP_CipherFinal_ex(context_.get(), nothing.data(), &size) == 1;
  }
  void tag(int action, std::uint8_t* tag) { must(EVP_CIPHER_CTX_ctrl(context_.get(), action, kTag, tag)); }
  void forget_key() {
    static constexpr std::array<std::uint8_t, 32> kZero{};
    start(true, kZero, ByteView(kZero).first(16));
  }

 private:
  static void must(int result) { LN_ASSERT(result == 1); }
  std::unique_ptr<EVP_CIPHER, void (*)(EVP_CIPHER*)> cipher_;
  std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context_;
  bool fresh_ = true;
};
LongCipher& long_stream() {
  static thread_local LongCipher cipher("ChaCha20");
  return cipher;
}
LongCipher& long_aead() {
  static thread_local LongCipher cipher("ChaCha20-Poly1305");
  return cipher;
}

/// From a whole block on.
void xor_blocks(ByteView key, ByteView nonce, std::span<std::uint8_t> data, std::uint32_t block) {
  if (data.size() < kLongStream || !long_stream().allowed()) {
    crypto_stream_chacha20_ietf_xor_ic(data.data(), data.data(), data.size(), nonce.data(), block, key.data());
    return;
  }
  auto iv = Writer().u32_le(block).bytes(nonce).take();
  auto& cipher = long_stream();
  cipher.start(true, key, iv);
  cipher.update(data.data(), data);
  cipher.forget_key();
}
}  // namespace

Bytes chacha20_stream(ByteView key, ByteView nonce, std::size_t length) {
  Bytes out(length);
  chacha20_xor(key, nonce, out);
  return out;
}

void chacha20_xor(ByteView key, ByteView nonce, std::span<std::uint8_t> data, std::size_t offset) {
  LN_ASSERT(key.size() == 32 && nonce.size() == 12);
  auto block = static_cast<std::uint32_t>(offset / kBlock);
  if (auto skip = offset % kBlock; skip != 0) {
    std::array<std::uint8_t, kBlock> stream{};
    xor_blocks(key, nonce, stream, block++);
    auto head = data.first(std::min(data.size(), kBlock - skip));
    for (std::size_t i = 0; i < head.size(); ++i) head[i] ^= stream[skip + i];
    data = data.subspan(head.size());
    wipe(stream);
  }
  if (!data.empty()) xor_blocks(key, nonce, data, block);
}

Bytes aead_encrypt(ByteView key, ByteView nonce, ByteView associated, ByteView plain) {
  LN_ASSERT(key.size() == 32 && nonce.size() == 12);
  Bytes out(plain.size() + kTag);
  if (plain.size() < kLongAead || !long_aead().allowed()) {
    crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(), associated.data(),
                                              associated.size(), nullptr, nonce.data(), key.data());
    return out;
  }
  auto& cipher = long_aead();
  cipher.start(true, key, nonce);
  cipher.update(nullptr, associated);
  cipher.update(out.data(), plain);
  bool good = cipher.finish();
  LN_ASSERT(good);
  cipher.tag(EVP_CTRL_AEAD_GET_TAG, out.data() + plain.size());
  cipher.forget_key();
  return out;
}

std::optional<Bytes> aead_decrypt(ByteView key, ByteView nonce, ByteView associated, ByteView cipher_text) {
  LN_ASSERT(key.size() == 32 && nonce.size() == 12);
  if (cipher_text.size() < kTag) return std::nullopt;
  auto body = cipher_text.first(cipher_text.size() - kTag);
  Bytes out(body.size());
  bool good = false;
  if (body.size() < kLongAead || !long_aead().allowed()) {
    good =
        crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, cipher_text.data(), cipher_text.size(),
                                                  associated.data(), associated.size(), nonce.data(), key.data()) == 0;
  } else {
    auto tag = to_bytes(cipher_text.last(kTag));
    auto& cipher = long_aead();
    cipher.start(false, key, nonce);
    cipher.update(nullptr, associated);
    cipher.update(out.data(), body);
    cipher.tag(EVP_CTRL_AEAD_SET_TAG, tag.data());
    good = cipher.finish();
    cipher.forget_key();
  }
  if (good) return out;
  wipe(out);  // data that is not authenticated
  return std::nullopt;
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

void wipe(std::span<std::uint8_t> bytes) {
  sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace doze::crypto
