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

/// An input of our own transaction that spends an output of a commitment, or of an HTLC transaction.
struct InputToSign {
  const bitcoin::Transaction& transaction;
  const bitcoin::SegwitHashes& hashes;  // of that transaction
  std::size_t input = 0;
  ByteView script_code;  // the witness script; p2pkh_script of the key hash for P2WPKH
  Sat amount;            // of the spent output
};

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

  // Claims on chain: ECDSA, SIGHASH_ALL. Only for outputs of a commitment of this channel that is in a block, except
  // sign_anchor, and sign_payment where to_remote has no lock: these may also be spent by a child that pays the fee of
  // a commitment in the mempool.

  /// to_local of our commitment with this point, and the output of its HTLC transactions, after their delay.
  [[nodiscard]] virtual Signature sign_delayed(const InputToSign& input,
                                               const PublicKey& per_commitment_point) const = 0;
  /// to_remote of a commitment of the peer's. It needs no point: all commitments have the same key.
  [[nodiscard]] virtual Signature sign_payment(const InputToSign& input) const = 0;
  /// An HTLC output of the commitment with this point: ours, as the second signature of its HTLC transaction, or the
  /// peer's, with the preimage or after the expiry.
  [[nodiscard]] virtual Signature sign_htlc(const InputToSign& input, const PublicKey& per_commitment_point) const = 0;
  /// A penalty. `per_commitment_secret`: the one that the peer revealed for this commitment, in revoke_and_ack; it
  /// must be a valid key.
  [[nodiscard]] virtual Signature sign_penalty(const InputToSign& input, const Secret& per_commitment_secret) const = 0;
  /// Our anchor on either side's commitment. The script and the amount are those of an anchor, so that this never signs
  /// a spend of the funding output.
  [[nodiscard]] virtual Signature sign_anchor(const bitcoin::Transaction& transaction,
                                              const bitcoin::SegwitHashes& hashes, std::size_t input) const = 0;
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
