#include "commitment/keys.h"

#include "crypto/crypto.h"

namespace doze::commitment {

std::optional<PublicKey> derive_public_key(const PublicKey& basepoint, const PublicKey& per_commitment_point) {
  return crypto::tweak_add(basepoint, crypto::sha256({per_commitment_point.view(), basepoint.view()}).view());
}

std::optional<PrivateKey> derive_private_key(const PrivateKey& basepoint_secret, const PublicKey& basepoint,
                                             const PublicKey& per_commitment_point) {
  return crypto::tweak_add(basepoint_secret, crypto::sha256({per_commitment_point.view(), basepoint.view()}).view());
}

std::optional<PublicKey> derive_revocation_public_key(const PublicKey& revocation_basepoint,
                                                      const PublicKey& per_commitment_point) {
  auto left = crypto::tweak_mul(revocation_basepoint,
                                crypto::sha256({revocation_basepoint.view(), per_commitment_point.view()}).view());
  auto right = crypto::tweak_mul(per_commitment_point,
                                 crypto::sha256({per_commitment_point.view(), revocation_basepoint.view()}).view());
  if (!left || !right) return std::nullopt;
  return crypto::combine(*left, *right);
}

std::optional<PrivateKey> derive_revocation_private_key(const PrivateKey& revocation_basepoint_secret,
                                                        const PrivateKey& per_commitment_secret) {
  auto basepoint = crypto::public_key(revocation_basepoint_secret);
  auto point = crypto::public_key(per_commitment_secret);
  auto left = crypto::tweak_mul(revocation_basepoint_secret, crypto::sha256({basepoint.view(), point.view()}).view());
  auto right = crypto::tweak_mul(per_commitment_secret, crypto::sha256({point.view(), basepoint.view()}).view());
  if (!left || !right) return std::nullopt;
  return crypto::tweak_add(*left, right->reveal());
}

}  // namespace doze::commitment
