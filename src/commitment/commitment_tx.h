// Commitment, HTLC and closing transactions. BOLT 3; bolts #1228 for zero_fee_commitments. Everything is seen from the
// owner of a commitment transaction: the side that can publish it.
#pragma once

#include <vector>

#include "base/on_disk.h"
#include "bitcoin/transaction.h"
#include "commitment/signer.h"

namespace doze::commitment {

enum class CommitmentFormat : std::uint8_t { StaticRemotekey = 1, AnchorsZeroFeeHtlc = 2, ZeroFeeCommitments = 3 };
[[nodiscard]] const char* name(CommitmentFormat format);

inline constexpr Sat kAnchorAmount{330};
/// What the shared anchor of zero_fee_commitments takes of trimmed outputs; the rest of them is a fee.
inline constexpr Sat kMaxSharedAnchor{240};
/// Each side's limit on max_accepted_htlcs with zero_fee_commitments: the largest commitment is below 10,000 vbytes,
/// what nodes relay of version 3 (BIP 431).
inline constexpr std::uint16_t kMaxZeroFeeHtlcs = 114;
inline constexpr std::uint64_t kMaxVersion3Vsize = 10'000;

/// 2-of-2 of the two keys in lexicographic order.
[[nodiscard]] Bytes funding_script(const PublicKey& a, const PublicKey& b);
/// The 48 bits that hide the commitment number. Payment basepoints of the two sides.
[[nodiscard]] std::uint64_t obscure_factor(const PublicKey& opener, const PublicKey& accepter);

/// An HTLC as the owner sees it: `offered` by the owner, or received.
struct Htlc {
  bool offered = false;
  Msat amount;
  PaymentHash payment_hash;
  CltvExpiry cltv_expiry;
  std::uint64_t id = 0;  // carried along
};

/// Whether this HTLC has no output of its own. BOLT 3, "Trimmed Outputs".
[[nodiscard]] bool is_trimmed(CommitmentFormat format, FeeratePerKw feerate, Sat dust_limit, bool offered, Msat amount);
/// The fee that the opener pays for a commitment with this many untrimmed HTLCs, anchors not counted: zero with
/// zero_fee_commitments.
[[nodiscard]] Sat commitment_fee(CommitmentFormat format, FeeratePerKw feerate, std::size_t untrimmed);
/// What both anchors cost the opener: 660 sat or nothing. The shared anchor takes from trimmed outputs only.
[[nodiscard]] Sat anchors_cost(CommitmentFormat format);
/// The fee of an HTLC transaction: zero with anchors of either kind.
[[nodiscard]] Sat htlc_fee(CommitmentFormat format, FeeratePerKw feerate, bool offered);

/// What a commitment transaction consists of.
struct CommitmentTerms {
  CommitmentFormat format = CommitmentFormat::AnchorsZeroFeeHtlc;
  Outpoint funding;
  std::uint64_t number = 0;  // from 0
  std::uint64_t obscure_factor = 0;
  bool owner_opened = false;       // the opener pays the fee
  PublicKey per_commitment_point;  // the owner's
  ChannelPublicKeys owner, other;
  Sat dust_limit;                   // the owner's
  std::uint16_t to_self_delay = 0;  // what the other side demands of the owner
  FeeratePerKw feerate;             // nothing depends on it with zero_fee_commitments
  Msat to_owner, to_other;          // before the fee and the anchors; with all HTLCs they are the capacity
  std::vector<Htlc> htlcs;
};

struct HtlcOutput {
  Htlc htlc;
  std::uint32_t output_index = 0;
  Bytes witness_script;
  /// HTLC-timeout if offered, HTLC-success if received: the owner's second stage, unsigned.
  bitcoin::Transaction transaction;
};
struct Commitment {
  bitcoin::Transaction transaction;  // unsigned
  std::vector<HtlcOutput> htlcs;     // untrimmed ones in the order of their outputs: the order of htlc_signature
  Bytes to_local_script;             // witness scripts, empty if there is no such output
  PublicKey other_htlc_key;          // with which the *other* side signs the owner's HTLC transactions
};
/// nullopt if a key cannot be derived (a basepoint or point that is no point).
[[nodiscard]] std::optional<Commitment> build_commitment(const CommitmentTerms& terms);

/// The flag under which the other side signs HTLC transactions.
[[nodiscard]] bitcoin::Sighash htlc_sighash(CommitmentFormat format);
/// The digest of an HTLC transaction that both sides sign.
[[nodiscard]] Hash32 htlc_digest(const HtlcOutput& output, bitcoin::Sighash flag);

/// The digest of a transaction that spends the funding output as its only input.
[[nodiscard]] Hash32 funding_digest(const bitcoin::Transaction& transaction, ByteView funding_script, Sat capacity);
/// 0, both signatures in the order of the keys, the script: the witness of such a transaction.
[[nodiscard]] bitcoin::Witness funding_witness(const PublicKey& key_a, const Signature& signature_a,
                                               const PublicKey& key_b, const Signature& signature_b);

/// The obscured commitment number of a transaction that spends `funding`; nullopt if it is not of a commitment's form.
[[nodiscard]] std::optional<std::uint64_t> commitment_number(const bitcoin::Transaction& transaction,
                                                             const Outpoint& funding, std::uint64_t obscure_factor);

struct ClosingTerms {
  Outpoint funding;
  Bytes script_a, script_b;
  Sat amount_a, amount_b;  // what each gets, the fee already taken off
  /// Outputs below are left out (each by the rule for its script); zero amounts always.
  Sat dust_limit_a, dust_limit_b;
};
/// BOLT 3, "Legacy Closing Transaction": BIP 69 order, locktime 0, final sequence.
[[nodiscard]] bitcoin::Transaction closing_transaction(const ClosingTerms& terms);

}  // namespace doze::commitment

namespace doze {
DOZE_ON_DISK(commitment::CommitmentFormat, StaticRemotekey, ZeroFeeCommitments)
}  // namespace doze
