// The features that this node offers, the same in init and in its node_announcement. BOLT 9.
#pragma once

#include "effects/config.h"
#include "wire/features.h"

namespace doze {

/// Features that BOLT 9 assumes of every node are compulsory, the others optional. No basic_mpp: we pay and are paid
/// with one HTLC. Only servers with a hold window have hold bits, one per profile that they offer.
[[nodiscard]] wire::FeatureBits own_features(const Config& config);

}  // namespace doze
