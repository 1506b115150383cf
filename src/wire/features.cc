#include "wire/features.h"

#include <algorithm>

namespace doze::wire {

namespace {
struct Feature {
  std::size_t even;
  const char* name;
  std::initializer_list<std::size_t> needs;
  bool understood = true;  // false: we know its name only
};
/// BOLT 9's table names what a feature needs. What is ASSUMED there needs not be set and is asked of nobody.
const Feature kFeatures[] = {
    {kDataLossProtect, "option_data_loss_protect", {}},
    {kUpfrontShutdownScript, "option_upfront_shutdown_script", {}},
    {kGossipQueries, "gossip_queries", {}},
    {kVarOnion, "var_onion_optin", {}},
    {kGossipQueriesEx, "gossip_queries_ex", {}},
    {kStaticRemotekey, "option_static_remotekey", {}},
    {kPaymentSecret, "payment_secret", {}},
    {kBasicMpp, "basic_mpp", {kPaymentSecret}},
    {kLargeChannel, "option_support_large_channel", {}},
    {kAnchors, "option_anchors", {}},
    {kRouteBlinding, "option_route_blinding", {}},
    {kShutdownAnysegwit, "option_shutdown_anysegwit", {}},
    {kDualFund, "option_dual_fund", {}},
    {kQuiescence, "option_quiesce", {}},
    {36, "option_attribution_data", {}, false},
    {kOnionMessages, "option_onion_messages", {}},
    {kProvideStorage, "option_provide_storage", {}},
    {kChannelType, "option_channel_type", {}},
    {kScidAlias, "option_scid_alias", {}},
    {kPaymentMetadata, "option_payment_metadata", {}},
    {kZeroConf, "option_zeroconf", {kScidAlias}},
    {kHtlcHoldDraft, "option_htlc_hold", {kOnionMessages}},
    {kSimpleClose, "option_simple_close", {kShutdownAnysegwit}},
    {62, "option_splice", {}, false},
    {kHtlcHoldLdk, "option_htlc_hold (LDK's number)", {}},
};
const Feature* find(std::size_t bit) {
  for (const auto& feature : kFeatures)
    if (feature.even == (bit & ~std::size_t{1})) return &feature;
  return nullptr;
}
}  // namespace

FeatureBits::FeatureBits(ByteView wire) : little_(wire.rbegin(), wire.rend()) {}
FeatureBits::FeatureBits(std::initializer_list<std::size_t> bits) {
  for (auto bit : bits) set(bit);
}
FeatureBits& FeatureBits::set(std::size_t bit) {
  if (little_.size() <= bit / 8) little_.resize(bit / 8 + 1);
  little_[bit / 8] = static_cast<std::uint8_t>(little_[bit / 8] | (1U << (bit % 8)));
  return *this;
}
bool FeatureBits::has(std::size_t bit) const {
  return bit / 8 < little_.size() && ((little_[bit / 8] >> (bit % 8)) & 1) != 0;
}
std::vector<std::size_t> FeatureBits::bits() const {
  std::vector<std::size_t> out;
  for (std::size_t bit = 0; bit < little_.size() * 8; ++bit)
    if (has(bit)) out.push_back(bit);
  return out;
}
Bytes FeatureBits::to_bytes() const {
  Bytes out(little_.rbegin(), little_.rend());
  out.erase(out.begin(), std::find_if(out.begin(), out.end(), [](auto byte) { return byte != 0; }));
  return out;
}
FeatureBits FeatureBits::operator|(const FeatureBits& other) const {
  FeatureBits out = *this;
  for (auto bit : other.bits()) out.set(bit);
  return out;
}

const char* feature_name(std::size_t bit) {
  const auto* feature = find(bit);
  return feature == nullptr ? nullptr : feature->name;
}

std::optional<std::size_t> unknown_even(const FeatureBits& features) {
  for (auto bit : features.bits())
    if (const auto* feature = find(bit); bit % 2 == 0 && (feature == nullptr || !feature->understood)) return bit;
  return std::nullopt;
}

std::optional<std::size_t> missing_dependency(const FeatureBits& features) {
  for (auto bit : features.bits())
    if (const auto* feature = find(bit))
      for (auto need : feature->needs)
        if (!features.supports(need)) return bit;
  return std::nullopt;
}

}  // namespace doze::wire
