// Feature bits. BOLT 9.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace doze::wire {

/// A set of bits; on the wire big endian, bit 0 last, without leading zero bytes.
class FeatureBits {
 public:
  FeatureBits() = default;
  explicit FeatureBits(ByteView wire);
  FeatureBits(std::initializer_list<std::size_t> bits);
  FeatureBits& set(std::size_t bit);
  [[nodiscard]] bool has(std::size_t bit) const;
  /// Either bit of the pair: `bit` may be the even or the odd one.
  [[nodiscard]] bool supports(std::size_t bit) const { return has(bit & ~std::size_t{1}) || has(bit | 1); }
  [[nodiscard]] std::vector<std::size_t> bits() const;  // ascending
  [[nodiscard]] Bytes to_bytes() const;
  [[nodiscard]] bool empty() const { return bits().empty(); }
  [[nodiscard]] FeatureBits operator|(const FeatureBits& other) const;
  friend bool operator==(const FeatureBits& a, const FeatureBits& b) { return a.bits() == b.bits(); }

 private:
  Bytes little_;  // byte i holds bits 8i to 8i+7
};

// Even bit of each pair (compulsory); +1 is optional.
inline constexpr std::size_t kDataLossProtect = 0, kUpfrontShutdownScript = 4, kGossipQueries = 6, kVarOnion = 8,
                             kGossipQueriesEx = 10, kStaticRemotekey = 12, kPaymentSecret = 14, kBasicMpp = 16,
                             kLargeChannel = 18, kAnchors = 22, kRouteBlinding = 24, kShutdownAnysegwit = 26,
                             kDualFund = 28, kQuiescence = 34, kOnionMessages = 38, kProvideStorage = 42,
                             kChannelType = 44, kScidAlias = 46, kPaymentMetadata = 48, kZeroConf = 50,
                             kHtlcHoldDraft = 52, kSimpleClose = 60, kHtlcHoldLdk = 152;

/// "option_anchors", …; nullptr for an unassigned pair.
[[nodiscard]] const char* feature_name(std::size_t bit);
/// The smallest even bit that we do not understand in init or node_announcement, if any: the peer must be disconnected.
[[nodiscard]] std::optional<std::size_t> unknown_even(const FeatureBits& features);
/// A set feature whose dependency (BOLT 9) is not set, if any.
[[nodiscard]] std::optional<std::size_t> missing_dependency(const FeatureBits& features);

}  // namespace doze::wire
