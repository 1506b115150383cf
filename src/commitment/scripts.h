// Keys and scripts of a commitment's outputs. BOLT 3, "Commitment Transaction Outputs"; bolts #1228 for
// zero_fee_commitments. As in commitment_tx.h the owner is the side that can publish the commitment.
#pragma once

#include "commitment/commitment_tx.h"

namespace doze::commitment {

/// One anchor for each side, and a lock of one block on everything that can be spent without a revocation.
[[nodiscard]] bool has_own_anchors(CommitmentFormat format);
/// One anchor that anybody can spend.
[[nodiscard]] bool has_shared_anchor(CommitmentFormat format);
/// nVersion of the commitment, of its HTLC transactions, and of a child of its anchor.
[[nodiscard]] std::uint32_t transaction_version(CommitmentFormat format);

/// Keys of one commitment.
struct CommitmentKeys {
  PublicKey revocation, delayed, owner_htlc, other_htlc;
  Hash20 revocation_hash;  // HASH160 of the revocation key, as in HTLC scripts
};
/// nullopt if a basepoint or the per-commitment point is not a point.
[[nodiscard]] std::optional<CommitmentKeys> commitment_keys(const ChannelPublicKeys& owner,
                                                            const ChannelPublicKeys& other,
                                                            const PublicKey& per_commitment_point);

/// Witness script of to_local and of the outputs of HTLC transactions. `to_self_delay`: blocks.
[[nodiscard]] Bytes delayed_script(const CommitmentKeys& keys, std::uint16_t to_self_delay);
/// Witness script of to_remote with anchors of each side. `key`: the other side's payment basepoint.
[[nodiscard]] Bytes locked_to_remote_script(const PublicKey& key);
/// scriptPubKey of to_remote: P2WSH of the above with anchors of each side, otherwise P2WPKH.
[[nodiscard]] Bytes to_remote_output(CommitmentFormat format, const PublicKey& key);
/// Witness script of the anchor of the side with this funding key.
[[nodiscard]] Bytes anchor_script(const PublicKey& funding_key);
/// Witness script of an HTLC that the owner offered or received. `hash160`: RIPEMD160 of the payment hash. The expiry
/// is in the script of received HTLCs alone.
[[nodiscard]] Bytes htlc_script(CommitmentFormat format, const CommitmentKeys& keys, bool offered,
                                const Hash20& hash160, CltvExpiry cltv_expiry);

}  // namespace doze::commitment
