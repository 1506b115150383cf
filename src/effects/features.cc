#include "effects/features.h"

namespace doze {

wire::FeatureBits own_features(const Config& config) {
  wire::FeatureBits out{wire::kDataLossProtect,       wire::kGossipQueries + 1, wire::kVarOnion,
                        wire::kStaticRemotekey,       wire::kPaymentSecret,     wire::kRouteBlinding + 1,
                        wire::kShutdownAnysegwit + 1, wire::kOnionMessages + 1, wire::kChannelType + 1,
                        wire::kScidAlias + 1};
  if (config.anchors) out.set(wire::kAnchors + 1);
  if (config.role == Role::Server && config.hold_window_blocks > 0) {
    if (config.offers_ldk_hold) out.set(wire::numbers(Profile::Ldk).feature_htlc_hold);  // [AP-num-01]
    if (config.offers_draft_hold) out.set(wire::numbers(Profile::Draft).feature_htlc_hold);
  }
  return out;
}

}  // namespace doze
