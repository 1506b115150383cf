// Names of things: 32-byte ids that do not convert into each other, public keys, signatures, and secrets.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/check.h"

namespace doze {

/// N bytes with a meaning. Ordered bytewise.
template <class Tag, std::size_t N>
struct Opaque {
  static constexpr std::size_t kSize = N;
  std::array<std::uint8_t, N> bytes{};

  friend auto operator<=>(const Opaque&, const Opaque&) = default;
  [[nodiscard]] ByteView view() const { return bytes; }
  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  [[nodiscard]] bool is_zero() const { return bytes == std::array<std::uint8_t, N>{}; }
  /// nullopt unless `in` is exactly N bytes.
  [[nodiscard]] static std::optional<Opaque> from(ByteView in) {
    if (in.size() != N) return std::nullopt;
    Opaque out;
    std::copy(in.begin(), in.end(), out.bytes.begin());
    return out;
  }
  /// For constants and tests: aborts unless the hex is exactly N bytes.
  [[nodiscard]] static Opaque from_hex_or_die(std::string_view text) {
    auto out = from(doze::hex(text));
    LN_ASSERT(out.has_value());
    return *out;
  }
};

using Hash32 = Opaque<struct Hash32Tag, 32>;  // a digest without further meaning
using PaymentHash = Opaque<struct PaymentHashTag, 32>;
using PaymentId = Opaque<struct PaymentIdTag, 32>;  // ours, random, names an outgoing payment
using ChannelId = Opaque<struct ChannelIdTag, 32>;  // temporary or final (BOLT 2)
using Txid = Opaque<struct TxidTag, 32>;            // internal byte order; shown reversed (bitcoin::txid_to_string)
using BlockHash = Opaque<struct BlockHashTag, 32>;  // internal byte order; shown reversed
using OfferId = Opaque<struct OfferIdTag, 32>;      // merkle root of the offer's TLVs (BOLT 12)
using ChainHash = Opaque<struct ChainHashTag, 32>;  // genesis block hash, internal byte order (as on the wire)
using PublicKey = Opaque<struct PublicKeyTag, 33>;  // compressed; not necessarily on the curve: crypto::is_valid
using NodeId = PublicKey;
using XOnlyKey = Opaque<struct XOnlyKeyTag, 32>;                  // BIP 340
using Signature = Opaque<struct SignatureTag, 64>;                // ECDSA, compact r ‖ s
using SchnorrSignature = Opaque<struct SchnorrSignatureTag, 64>;  // BIP 340
using Hash20 = Opaque<struct Hash20Tag, 20>;

struct Outpoint {
  Txid txid;
  std::uint32_t index = 0;
  friend auto operator<=>(const Outpoint&, const Outpoint&) = default;
};

/// 32 secret bytes: wiped on destruction, compared in constant time, not printable, not ordered.
template <class Tag>
class Secret32 {
 public:
  Secret32() = default;
  explicit Secret32(const std::array<std::uint8_t, 32>& bytes) : bytes_(bytes) {}
  Secret32(const Secret32&) = default;
  Secret32& operator=(const Secret32&) = default;
  ~Secret32() { explicit_bzero(bytes_.data(), bytes_.size()); }
  [[nodiscard]] static std::optional<Secret32> from(ByteView in) {
    if (in.size() != 32) return std::nullopt;
    Secret32 out;
    std::copy(in.begin(), in.end(), out.bytes_.begin());
    return out;
  }
  [[nodiscard]] static Secret32 from_hex_or_die(std::string_view text) {
    auto out = from(doze::hex(text));
    LN_ASSERT(out.has_value());
    return *out;
  }
  /// The bytes themselves: for a computation or a durable record, never for a log.
  [[nodiscard]] ByteView reveal() const { return bytes_; }
  [[nodiscard]] std::array<std::uint8_t, 32>& raw() { return bytes_; }
  friend bool operator==(const Secret32& a, const Secret32& b) {
    std::uint8_t difference = 0;
    for (std::size_t i = 0; i < 32; ++i) difference |= static_cast<std::uint8_t>(a.bytes_[i] ^ b.bytes_[i]);
    return difference == 0;
  }

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

using PrivateKey = Secret32<struct PrivateKeyTag>;
using SharedSecret = Secret32<struct SharedSecretTag>;
using Preimage = Secret32<struct PreimageTag>;
using Secret = Secret32<struct PlainSecretTag>;  // key material for HMACs and derivations

template <class To, class Tag, std::size_t N>
[[nodiscard]] To convert(const Opaque<Tag, N>& from) {
  static_assert(To::kSize == N);
  To out;
  out.bytes = from.bytes;
  return out;
}

}  // namespace doze
