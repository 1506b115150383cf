// Keys of a commitment, from basepoints and per-commitment points. BOLT 3, "Key Derivation".
#pragma once

#include <optional>

#include "base/ids.h"

namespace doze::commitment {

/// htlc and delayed keys: basepoint + SHA256(per_commitment_point ‖ basepoint)·G. nullopt if either is no point.
[[nodiscard]] std::optional<PublicKey> derive_public_key(const PublicKey& basepoint,
                                                         const PublicKey& per_commitment_point);
/// `basepoint`: of basepoint_secret.
[[nodiscard]] std::optional<PrivateKey> derive_private_key(const PrivateKey& basepoint_secret,
                                                           const PublicKey& basepoint,
                                                           const PublicKey& per_commitment_point);
/// Known to whoever has both the revocation basepoint secret and the per-commitment secret.
[[nodiscard]] std::optional<PublicKey> derive_revocation_public_key(const PublicKey& revocation_basepoint,
                                                                    const PublicKey& per_commitment_point);
[[nodiscard]] std::optional<PrivateKey> derive_revocation_private_key(const PrivateKey& revocation_basepoint_secret,
                                                                      const PrivateKey& per_commitment_secret);

}  // namespace doze::commitment
