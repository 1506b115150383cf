// The secrets of one channel, behind an interface: what they sign and what they reveal.
#pragma once

#include <memory>

#include "base/parallel.h"
#include "bitcoin/sighash.h"
#include "commitment/keys.h"

namespace doze::commitment {

struct ChannelPublicKeys {
  PublicKey funding, revocation_basepoint, payment_basepoint, delayed_payment_basepoint, htlc_basepoint;
  friend bool operator==(const ChannelPublicKeys&, const ChannelPublicKeys&) = default;
};

struct HtlcOutput;  // commitment_tx.h

class ChannelSigner {
 public:
  virtual ~ChannelSigner() = default;
  [[nodiscard]] virtual const ChannelPublicKeys& public_keys() const = 0;
  /// Of our commitment `number`, counting up from 0.
  [[nodiscard]] virtual PublicKey per_commitment_point(std::uint64_t number) const = 0;
  /// Revokes our commitment `number`: only after its successor is durable.
  [[nodiscard]] virtual Secret release_per_commitment_secret(std::uint64_t number) const = 0;
  /// ECDSA, SIGHASH_ALL, over a transaction whose only input spends the funding output.
  [[nodiscard]] virtual Signature sign_funding_input(const bitcoin::Transaction& transaction, ByteView funding_script,
                                                     Sat capacity) const = 0;
  /// Over the HTLC transactions of a commitment with this point, in their order, with our HTLC key for it. On as many
  /// cores as there are: each one costs as much as the whole rest.
  [[nodiscard]] virtual std::vector<Signature> sign_htlcs(const std::vector<HtlcOutput>& outputs, bitcoin::Sighash flag,
                                                          const PublicKey& per_commitment_point,
                                                          const ParallelMap& parallel) const = 0;
  /// With the funding key, the digest of a channel_announcement. BOLT 7.
  [[nodiscard]] virtual Signature sign_announcement(const Hash32& digest) const = 0;
};

/// All keys of a channel from one seed; the same seed gives the same keys for ever.
[[nodiscard]] std::unique_ptr<ChannelSigner> make_signer(const Secret& seed);

/// The given secrets instead: for test vectors and restored keys.
struct ChannelSecrets {
  PrivateKey funding, revocation_basepoint, payment_basepoint, delayed_payment_basepoint, htlc_basepoint;
  Secret commitment_seed;
};
[[nodiscard]] std::unique_ptr<ChannelSigner> make_signer(const ChannelSecrets& secrets);

}  // namespace doze::commitment
