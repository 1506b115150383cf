#include "bitcoin/base58.h"

#include <algorithm>

#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
constexpr std::string_view kBase58Characters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::size_t kBase58ChecksumLength = 4;

/// Multiplies the number (most significant digit first, in base `base`) and adds, growing at the front by need.
void multiply_add(Bytes& digits, std::uint32_t base, std::uint32_t factor, std::uint32_t carry) {
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    carry += *digit * factor;
    *digit = static_cast<std::uint8_t>(carry % base);
    carry /= base;
  }
  for (; carry != 0; carry /= base) digits.insert(digits.begin(), static_cast<std::uint8_t>(carry % base));
}

ByteView checksum_of(const Hash32& hash) {
  return hash.view().first(kBase58ChecksumLength);
}
}  // namespace

std::string base58check_encode(ByteView payload) {
  auto all = to_bytes(payload);
  append(all, checksum_of(crypto::sha256d(payload)));
  Bytes digits;
  for (auto byte : all) multiply_add(digits, 58, 256, byte);
  // Leading zero bytes do not change the number: each is a character of its own.
  auto zeros = static_cast<std::size_t>(
      std::find_if(all.begin(), all.end(), [](std::uint8_t byte) { return byte != 0; }) - all.begin());
  std::string out(zeros, kBase58Characters[0]);
  for (auto digit : digits) out.push_back(kBase58Characters[digit]);
  return out;
}

Result<Bytes, ParseError> base58check_decode(std::string_view text) {
  if (text.size() > kMaxBase58Length) return fail(ParseError{ParseCode::TooLarge, kMaxBase58Length, "base58"});
  Bytes number;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto digit = kBase58Characters.find(text[i]);
    if (digit == std::string_view::npos) return fail(ParseError{ParseCode::BadEncoding, i, "base58 character"});
    multiply_add(number, 256, 58, static_cast<std::uint32_t>(digit));
  }
  auto zeros = std::min(text.find_first_not_of(kBase58Characters[0]), text.size());
  Bytes out(zeros, 0);
  append(out, number);
  if (out.size() < kBase58ChecksumLength) return fail(ParseError{ParseCode::BadChecksum, 0, "base58"});
  auto payload = ByteView(out).first(out.size() - kBase58ChecksumLength);
  if (!equal(ByteView(out).last(kBase58ChecksumLength), checksum_of(crypto::sha256d(payload))))
    return fail(ParseError{ParseCode::BadChecksum, payload.size(), "base58"});
  return to_bytes(payload);
}

}  // namespace doze::bitcoin
