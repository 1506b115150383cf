// In front of crypto's functions (the linker's --wrap): their results are no secrets, whatever they were made from.
#include <valgrind/memcheck.h>

#include "crypto/crypto.h"

#define VIEW "St4spanIKhLm18446744073709551615EE"
#define KEY "RKNS_8Secret32INS_13PrivateKeyTagEEE"
#define POINT "RKNS_6OpaqueINS_12PublicKeyTagELm33EEE"
/// __real_ is crypto's own function, __wrap_ is called in its place.
#define REAL(NAME) __asm__("__real__ZN4doze6crypto" NAME)
#define WRAP(NAME) __asm__("__wrap__ZN4doze6crypto" NAME)

namespace doze::secrets {
namespace {
template <class T>
T known(T value) {
  VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
  return value;
}
void know(std::span<const std::uint8_t> bytes) {
  if (!bytes.empty()) VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size());
}
}  // namespace

bool equal_real(ByteView a, ByteView b) REAL("19equal_constant_timeE" VIEW "S3_");
bool equal_known(ByteView a, ByteView b) WRAP("19equal_constant_timeE" VIEW "S3_");
bool equal_known(ByteView a, ByteView b) {
  return known(equal_real(a, b));
}

PublicKey public_key_real(const PrivateKey& key) REAL("10public_keyE" KEY);
PublicKey public_key_known(const PrivateKey& key) WRAP("10public_keyE" KEY);
PublicKey public_key_known(const PrivateKey& key) {
  return known(public_key_real(key));
}

std::optional<PublicKey> tweak_mul_real(const PublicKey& point, ByteView scalar) REAL("9tweak_mulE" POINT VIEW);
std::optional<PublicKey> tweak_mul_known(const PublicKey& point, ByteView scalar) WRAP("9tweak_mulE" POINT VIEW);
std::optional<PublicKey> tweak_mul_known(const PublicKey& point, ByteView scalar) {
  return known(tweak_mul_real(point, scalar));
}

Bytes encrypt_real(ByteView key, ByteView nonce, ByteView associated, ByteView plain)
    REAL("12aead_encryptE" VIEW "S3_S3_S3_");
Bytes encrypt_known(ByteView key, ByteView nonce, ByteView associated, ByteView plain)
    WRAP("12aead_encryptE" VIEW "S3_S3_S3_");
Bytes encrypt_known(ByteView key, ByteView nonce, ByteView associated, ByteView plain) {
  auto out = encrypt_real(key, nonce, associated, plain);
  know(out);
  return out;
}

std::optional<Bytes> decrypt_real(ByteView key, ByteView nonce, ByteView associated, ByteView cipher)
    REAL("12aead_decryptE" VIEW "S3_S3_S3_");
std::optional<Bytes> decrypt_known(ByteView key, ByteView nonce, ByteView associated, ByteView cipher)
    WRAP("12aead_decryptE" VIEW "S3_S3_S3_");
std::optional<Bytes> decrypt_known(ByteView key, ByteView nonce, ByteView associated, ByteView cipher) {
  auto out = decrypt_real(key, nonce, associated, cipher);
  if (out) know(*out);
  return out;
}

Bytes stream_real(ByteView key, ByteView nonce, std::size_t length) REAL("15chacha20_streamE" VIEW "S3_m");
Bytes stream_known(ByteView key, ByteView nonce, std::size_t length) WRAP("15chacha20_streamE" VIEW "S3_m");
Bytes stream_known(ByteView key, ByteView nonce, std::size_t length) {
  auto out = stream_real(key, nonce, length);
  know(out);
  return out;
}

void xor_real(ByteView key, ByteView nonce, std::span<std::uint8_t> data, std::size_t offset)
    REAL("12chacha20_xorE" VIEW "S3_S1_IhLm18446744073709551615EEm");
void xor_known(ByteView key, ByteView nonce, std::span<std::uint8_t> data, std::size_t offset)
    WRAP("12chacha20_xorE" VIEW "S3_S1_IhLm18446744073709551615EEm");
void xor_known(ByteView key, ByteView nonce, std::span<std::uint8_t> data, std::size_t offset) {
  xor_real(key, nonce, data, offset);
  know(data);
}

}  // namespace doze::secrets
