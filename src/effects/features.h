// The features that this node offers, the same in init and in its node_announcement. BOLT 9.
#pragma once

#include "effects/config.h"
#include "wire/features.h"

namespace doze {

/// Compulsory where BOLT 9 assumes a feature of everybody, optional otherwise. No basic_mpp: we pay and are paid with
/// one HTLC. The hold bits are a server's only, one a profile that it offers, and only with a hold window.
[[nodiscard]] wire::FeatureBits own_features(const Config& config);

}  // namespace doze
