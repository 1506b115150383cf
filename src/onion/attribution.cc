#include "onion/attribution.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "onion/failures.h"
#include "onion/sphinx.h"

namespace doze::onion {

namespace {
constexpr std::size_t kWord = 4;  // bytes of a hold time, and of a MAC cut short
constexpr std::size_t kMacsAt = kAttributionHops * kWord;

/// Offset of one MAC: made by the node that is `hop` nodes behind this one, and covering `behind` more nodes.
constexpr std::size_t mac_at(std::size_t hop, std::size_t behind) {
  auto earlier = hop * kAttributionHops - hop * (hop - 1) / 2;
  return kMacsAt + (earlier + kAttributionHops - 1 - hop - behind) * kWord;
}
static_assert(mac_at(0, kAttributionHops - 1) == kMacsAt && mac_at(1, 18) == kMacsAt + kAttributionHops * kWord &&
              mac_at(kAttributionHops - 1, 0) + kWord == kAttributionBytes);

std::uint8_t* word(AttributionData& data, std::size_t at) {
  return data.bytes.data() + at;
}

void toggle(AttributionData& data, const SharedSecret& secret) {
  crypto::chacha20_xor(generate_key("ammagext", secret.reveal()).view(), kZeroNonce, data.bytes);
}

/// Covers the failure, the hold times of this node and of `behind` more, and their MACs for a route that ends there.
Hash32 mac(const SharedSecret& secret, ByteView clear_reason, const AttributionData& data, std::size_t behind) {
  Writer macs;
  for (std::size_t hop = 1; hop <= behind; ++hop) macs.bytes(data.view().subspan(mac_at(hop, behind - hop), kWord));
  return crypto::hmac_sha256(generate_key("um", secret.reveal()).view(),
                             {clear_reason, data.view().first((behind + 1) * kWord), macs.view()});
}

/// Makes room for one more node at the front. The MACs for the longest routes are dropped.
AttributionData moved_back(const AttributionData& from) {
  AttributionData out;
  std::copy_n(from.bytes.begin(), kMacsAt - kWord, out.bytes.begin() + kWord);
  for (std::size_t hop = 1; hop < kAttributionHops; ++hop)
    std::copy_n(from.bytes.data() + mac_at(hop - 1, kAttributionHops - 1 - hop), (kAttributionHops - hop) * kWord,
                word(out, mac_at(hop, kAttributionHops - 1 - hop)));
  return out;
}

/// The inverse. The dropped MACs become zero; no MAC that is still needed covers them.
AttributionData moved_forward(const AttributionData& from) {
  AttributionData out;
  std::copy_n(from.bytes.begin() + kWord, kMacsAt - kWord, out.bytes.begin());
  for (std::size_t hop = 1; hop < kAttributionHops; ++hop)
    std::copy_n(from.bytes.data() + mac_at(hop, kAttributionHops - 1 - hop), (kAttributionHops - hop) * kWord,
                word(out, mac_at(hop - 1, kAttributionHops - 1 - hop)));
  return out;
}
}  // namespace

AttributionData attribute(const SharedSecret& secret, HoldTime hold_time, ByteView reason,
                          const std::optional<AttributionData>& downstream) {
  auto out = downstream ? moved_back(*downstream) : AttributionData{};
  auto time = Writer().u32(hold_time.value()).take();
  std::copy(time.begin(), time.end(), out.bytes.begin());
  auto clear = wrap_failure(secret, reason);  // applied twice, a layer is removed
  for (std::size_t behind = 0; behind < kAttributionHops; ++behind)
    std::copy_n(mac(secret, clear, out, behind).bytes.begin(), kWord, word(out, mac_at(0, behind)));
  toggle(out, secret);
  return out;
}

std::vector<HoldTime> read_attribution(const std::vector<SharedSecret>& secrets, ByteView reason,
                                       const AttributionData& data) {
  std::vector<HoldTime> out;
  auto current = data;
  auto clear = to_bytes(reason);
  auto nodes = std::min(secrets.size(), kAttributionHops);
  for (std::size_t hop = 0; hop < nodes; ++hop) {
    toggle(current, secrets[hop]);
    clear = wrap_failure(secrets[hop], clear);
    auto behind = nodes - 1 - hop;
    auto expected = mac(secrets[hop], clear, current, behind);
    if (!crypto::equal_constant_time(expected.view().first(kWord), current.view().subspan(mac_at(0, behind), kWord)))
      return out;
    out.emplace_back(Reader(current.view()).u32());
    current = moved_forward(current);
  }
  return out;
}

}  // namespace doze::onion
