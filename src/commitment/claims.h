// How outputs of commitments are claimed: the path of the script, from which block on, what it weighs, its witness.
// BOLT 3, BOLT 5. The transactions are in claim_transactions.h.
//
// Weights are upper limits: signatures have low S, so DER and flag are 72 bytes at most, and 71 half of the time.
#pragma once

#include "commitment/outputs.h"

namespace doze::commitment {

// ---- one output ----

/// The way through an output's script.
enum class SpendPath : std::uint8_t {
  Payment = 1,       // to_remote of the peer's commitment: <sig> <key>, or <sig> <script> after a block
  Delayed = 2,       // <delayed sig> <>
  HtlcSuccess = 3,   // our commitment, second stage: <> <peer's sig> <sig> <preimage>
  HtlcTimeout = 4,   // our commitment, second stage: <> <peer's sig> <sig> <>
  ByPreimage = 5,    // the peer's commitment: <sig> <preimage>
  ByTimeout = 6,     // the peer's commitment: <sig> <>
  Penalty = 7,       // to_local or an output of an HTLC transaction: <revocation sig> 01
  PenaltyHtlc = 8,   // <revocation sig> <revocation key>
  Anchor = 9,        // <funding sig>
  SharedAnchor = 10  // nothing
};
/// An output and how to spend it: made by claim_of.
struct Claim {
  ChannelOutput output;
  SpendPath path = SpendPath::Payment;
  std::optional<Preimage> preimage;  // HtlcSuccess, ByPreimage
};
/// How we spend this output. nullopt: it is not ours, or not without a preimage; a preimage with another hash counts
/// for nothing. Whether a known preimage may be used for this HTLC is the caller's to know (BOLT 5: not an invoice's
/// for somebody else's HTLC).
[[nodiscard]] std::optional<Claim> claim_of(const ChannelOutput& output,
                                            const std::optional<Preimage>& preimage = std::nullopt);
/// The first block that may have the claim, with the output confirmed in this block. An output of a transaction in the
/// mempool: nullopt where the script asks for a confirmation.
[[nodiscard]] std::optional<BlockHeight> claimable_from(const Claim& claim, std::optional<BlockHeight> confirmed);
/// HtlcSuccess and HtlcTimeout: the transaction's nLockTime, nVersion and its own output are signed by the peer.
[[nodiscard]] bool is_second_stage(SpendPath path);
/// The claim's nSequence: its script's lock or the signed one; otherwise kSequenceReplaceable.
[[nodiscard]] std::uint32_t sequence_of(const Claim& claim);
/// The least nLockTime: cltv_expiry for HTLCs that time out, otherwise zero.
[[nodiscard]] std::uint32_t locktime_of(const Claim& claim);
inline constexpr std::uint32_t kSequenceReplaceable = 0xfffffffd;

// ---- weights ----

/// Version, locktime, counts below 253, marker and flag.
inline constexpr std::uint64_t kOverheadWeight = 42;
/// Outpoint, empty script_sig, sequence.
inline constexpr std::uint64_t kBareInputWeight = 164;
inline constexpr std::uint64_t kP2wpkhWitnessWeight = 108;
inline constexpr std::uint64_t kCoinWeight = kBareInputWeight + kP2wpkhWitnessWeight;
inline constexpr std::uint64_t kP2wpkhOutputWeight = 124, kP2wshOutputWeight = 172, kP2aOutputWeight = 52;

[[nodiscard]] std::uint64_t output_weight(ByteView script_pubkey);
/// Of one claim, count of items included; by the length of its own script.
[[nodiscard]] std::uint64_t witness_weight(const Claim& claim);
/// Before there is an output: with a delay of 128 to 32,767 blocks and an expiry of four bytes. `path`: PenaltyHtlc
/// takes the larger script, a received HTLC's of the peer.
[[nodiscard]] std::uint64_t witness_weight(SpendPath path, CommitmentFormat format);
/// One commitment with both signatures, both balances and all anchors.
[[nodiscard]] std::uint64_t commitment_weight(CommitmentFormat format, std::size_t untrimmed);
/// Claims of one path in one transaction that pays to one script.
[[nodiscard]] std::uint64_t claims_weight(SpendPath path, CommitmentFormat format, std::size_t claims,
                                          ByteView script_pubkey);
/// HTLC-success or HTLC-timeout: `htlcs` of one kind with P2WPKH coins and their change to P2WPKH, without change if
/// there is no coin.
[[nodiscard]] std::uint64_t second_stage_weight(SpendPath path, CommitmentFormat format, std::size_t htlcs,
                                                std::size_t coins);
/// The child of a commitment that spends an anchor and P2WPKH coins, and pays to P2WPKH.
[[nodiscard]] std::uint64_t anchor_child_weight(CommitmentFormat format, std::size_t coins);

// ---- signatures ----

/// The witness of input `input`, which spends the claim's output. The transaction's inputs, outputs and locktime must
/// be complete. `published`: the commitment that the output, or the HTLC transaction with it, comes from; `signer`: of
/// its channel. Penalty and PenaltyHtlc abort without published.secret.
[[nodiscard]] bitcoin::Witness claim_witness(const Claim& claim, const PublishedCommitment& published,
                                             const ChannelSigner& signer, const bitcoin::Transaction& transaction,
                                             const bitcoin::SegwitHashes& hashes, std::size_t input);

}  // namespace doze::commitment
