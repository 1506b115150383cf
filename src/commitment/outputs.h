// What a commitment on chain consists of for us: each output as a value that says what it is, who can spend it, and
// everything but keys that its claim needs. BOLT 5. These values are facts of a block: a later claim needs no HTLC, no
// spec and no signature of the peer's from elsewhere.
//
// "Ours", "offered" and "received" are said from our side, no matter whose commitment it is. HTLCs are told apart by
// id: of several with equal hash and amount each has the output that its place says (BOLT 3: cltv_expiry, then id).
#pragma once

#include <span>

#include "base/on_disk.h"
#include "commitment/commitments.h"
#include "commitment/committed_htlc.h"

namespace doze::commitment {

enum class WhoseCommitment : std::uint8_t {
  Ours = 1,
  Theirs = 2,
  TheirsNext = 3,   // signed by us; the peer has not yet revoked the one before it
  Revoked = 4,      // of the peer's: everything in it is ours
  Unknown = 5,      // the peer's, newer than we know: we have lost state, and to_remote is what is left
  OursUnknown = 6,  // published by another copy of this node. If older than ours the peer can take everything in it
};
[[nodiscard]] const char* name(WhoseCommitment whose);

/// A commitment that spends the funding output.
struct PublishedCommitment {
  WhoseCommitment whose = WhoseCommitment::Unknown;
  std::uint64_t number = 0;
  PublicKey point;               // per-commitment point; zero with Unknown
  std::optional<Secret> secret;  // of Revoked: the peer revealed it, and it is a valid key
};
/// `spend` spends the funding output. nullopt: it is not a commitment, so a mutual close or something foreign. Builds
/// up to three commitments: call it once for each spend.
[[nodiscard]] std::optional<PublishedCommitment> identify(const Commitments& c, const ChannelSigner& signer,
                                                          const bitcoin::Transaction& spend);

enum class OutputKind : std::uint8_t {
  ToUs = 1,                 // to_remote of the peer's commitment
  ToUsDelayed = 2,          // to_local of our commitment, the output of our HTLC transaction
  Peers = 3,                // the peer's balance, the output of its HTLC transaction: never ours
  HtlcOffered = 4,          // by us: ours after its expiry, the peer's with the preimage
  HtlcReceived = 5,         // ours with the preimage, the peer's after its expiry
  RevokedToLocal = 6,       // to_local, or the output of an HTLC transaction: ours until the peer's delay is over
  RevokedHtlcOffered = 7,   // by us: ours until the peer spends it, which it can with the preimage
  RevokedHtlcReceived = 8,  // ours until the peer spends it, which it can after the expiry
  AnchorOurs = 9,
  AnchorTheirs = 10,
  AnchorShared = 11,  // anybody's
  Unknown = 12,       // of a commitment that we do not know, or by nobody's rules
};
[[nodiscard]] const char* name(OutputKind kind);

struct HtlcFacts {
  HtlcId id;
  Hash20 hash160;  // RIPEMD160 of the payment hash, which is HASH160 of the preimage
  CltvExpiry cltv_expiry;
  friend bool operator==(const HtlcFacts&, const HtlcFacts&) = default;
};
/// The HTLC transaction of our own commitment: its output, and the peer's signature for it.
struct SecondStage {
  bitcoin::TxOut output;
  Signature signature;
  friend bool operator==(const SecondStage&, const SecondStage&) = default;
};

struct ChannelOutput {
  Outpoint outpoint;
  OutputKind kind = OutputKind::Unknown;
  CommitmentFormat format = CommitmentFormat::AnchorsZeroFeeHtlc;
  bitcoin::TxOut output;
  Bytes witness_script;         // of everything that is or may be ours; empty for P2WPKH and P2A
  std::uint16_t csv_delay = 0;  // blocks from its confirmation for which the script's paths without revocation wait
  /// Set for HTLCs and for outputs of HTLC transactions. In a revoked commitment, where several HTLCs of all times can
  /// be this output, it is one of them: their hashes are the same, and none that it can be expires earlier.
  std::optional<HtlcFacts> htlc;
  std::optional<SecondStage> second_stage;  // HTLCs of our own commitment
  friend bool operator==(const ChannelOutput&, const ChannelOutput&) = default;
};
using ChannelOutputs = std::vector<ChannelOutput>;

// Each gives one value per output of `transaction`, in its order. nullopt: this is not the transaction that the facts
// give, or keys do not combine.

/// Our commitment. `point`: of local.number.
[[nodiscard]] std::optional<ChannelOutputs> outputs_of_ours(const ChannelParams& params, const LocalCommitment& local,
                                                            const PublicKey& point,
                                                            const bitcoin::Transaction& transaction);
/// The peer's commitment, current or next.
[[nodiscard]] std::optional<ChannelOutputs> outputs_of_theirs(const ChannelParams& params, const Spec& spec,
                                                              std::uint64_t number, const PublicKey& point,
                                                              const bitcoin::Transaction& transaction);
/// A revoked one of the peer's. `log`: every HTLC that ever had an output in a commitment of the peer's, in any order.
/// What fits none of them is Unknown.
[[nodiscard]] std::optional<ChannelOutputs> outputs_of_revoked(const ChannelParams& params, const Secret& secret,
                                                               std::span<const CommittedHtlc> log,
                                                               const bitcoin::Transaction& transaction);
/// One of the peer's of which we know nothing: to_remote and anchors, which need no point.
[[nodiscard]] ChannelOutputs outputs_of_unknown(const ChannelParams& params, const bitcoin::Transaction& transaction);
/// One of ours of which we know the number alone. `point`: of that number. to_local is ours after the delay, HTLCs are
/// Unknown: without the peer's signatures nobody can claim them for us.
[[nodiscard]] std::optional<ChannelOutputs> outputs_of_ours_unknown(const ChannelParams& params, const PublicKey& point,
                                                                    const bitcoin::Transaction& transaction);
/// The one of these that fits `published`, which identify gave for `transaction`.
[[nodiscard]] ChannelOutputs outputs_of(const Commitments& c, const PublishedCommitment& published,
                                        std::span<const CommittedHtlc> log, const bitcoin::Transaction& transaction);

/// Outputs of HTLC transactions in `spend`, which spends some of `outputs`: to us after the delay, by penalty, or the
/// peer's. It may spend any number of them, and have inputs and outputs of others.
[[nodiscard]] ChannelOutputs outputs_of_second_stage(const ChannelParams& params, const PublishedCommitment& published,
                                                     std::span<const ChannelOutput> outputs,
                                                     const bitcoin::Transaction& spend);

struct SeenPreimage {
  Outpoint outpoint;  // the HTLC output that was spent with it
  HtlcFacts htlc;
  Preimage preimage;
};
/// Preimages with which a transaction, in a block or not, spends HTLC outputs: by a claim of the peer's, or by an
/// HTLC-success transaction. Only 32 bytes that hash to the output's hash.
[[nodiscard]] std::vector<SeenPreimage> preimages_in(const bitcoin::Transaction& spend,
                                                     std::span<const ChannelOutput> outputs);

/// The first block that may have a spend of this output by the peer (of AnchorShared: by anybody), who has every
/// preimage. nullopt: the peer can never spend it. `confirmed`: the height of the output's own block.
[[nodiscard]] std::optional<BlockHeight> peer_can_spend_from(const ChannelOutput& output, BlockHeight confirmed);

}  // namespace doze::commitment

namespace doze {
DOZE_ON_DISK(commitment::WhoseCommitment, Ours, OursUnknown)
DOZE_ON_DISK(commitment::OutputKind, ToUs, Unknown)
}  // namespace doze
