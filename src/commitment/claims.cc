#include "commitment/claims.h"

#include <algorithm>

#include "bitcoin/compact_size.h"
#include "bitcoin/script.h"
#include "commitment/scripts.h"
#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

using namespace bitcoin;

bool fits(const ChannelOutput& output, const std::optional<Preimage>& preimage) {
  return preimage && output.htlc && crypto::hash160(preimage->reveal()) == output.htlc->hash160;
}

/// Blocks for which this path waits after the output's confirmation. BOLT 3.
std::uint16_t lock_of(const Claim& claim) {
  switch (claim.path) {
    case SpendPath::Payment:
    case SpendPath::Delayed:
    case SpendPath::HtlcSuccess:
    case SpendPath::HtlcTimeout:
    case SpendPath::ByPreimage:
    case SpendPath::ByTimeout:
      return claim.output.csv_delay;
    case SpendPath::Penalty:
    case SpendPath::PenaltyHtlc:
    case SpendPath::Anchor:
    case SpendPath::SharedAnchor:
      break;
  }
  return 0;
}

constexpr std::uint64_t kSignatureWeight = 1 + 72;  // length, DER of low S, flag
constexpr std::uint64_t kKeyWeight = 1 + 33, kPreimageWeight = 1 + 32, kCountWeight = 1, kEmptyWeight = 1;

std::uint64_t sized(std::size_t bytes) {
  return compact_size_length(bytes) + bytes;
}

/// `script`: its bytes.
std::uint64_t path_weight(SpendPath path, std::size_t script) {
  constexpr auto kOneSignature = kCountWeight + kSignatureWeight;
  constexpr auto kTwoSignatures = kCountWeight + kEmptyWeight + 2 * kSignatureWeight;
  switch (path) {
    case SpendPath::Payment:
      return kOneSignature + (script == 0 ? kKeyWeight : sized(script));
    case SpendPath::Delayed:
    case SpendPath::ByTimeout:
      return kOneSignature + kEmptyWeight + sized(script);
    case SpendPath::HtlcSuccess:
      return kTwoSignatures + kPreimageWeight + sized(script);
    case SpendPath::HtlcTimeout:
      return kTwoSignatures + kEmptyWeight + sized(script);
    case SpendPath::ByPreimage:
      return kOneSignature + kPreimageWeight + sized(script);
    case SpendPath::Penalty:
      return kOneSignature + 2 + sized(script);
    case SpendPath::PenaltyHtlc:
      return kOneSignature + kKeyWeight + sized(script);
    case SpendPath::Anchor:
      return kOneSignature + sized(script);
    case SpendPath::SharedAnchor:
      break;
  }
  return kCountWeight;
}

/// Bytes of the script that a path goes through.
std::size_t usual_script(SpendPath path, CommitmentFormat format) {
  constexpr std::size_t kDelayedScript = 77, kAnchorScript = 40, kToRemoteScript = 37;
  const std::size_t lock = has_own_anchors(format) ? 3 : 0, offered = 133 + lock, received = 139 + lock;
  switch (path) {
    case SpendPath::Payment:
      return has_own_anchors(format) ? kToRemoteScript : 0;
    case SpendPath::Delayed:
    case SpendPath::Penalty:
      return kDelayedScript;
    case SpendPath::HtlcTimeout:
    case SpendPath::ByPreimage:
      return offered;
    case SpendPath::HtlcSuccess:
    case SpendPath::ByTimeout:
    case SpendPath::PenaltyHtlc:
      return received;
    case SpendPath::Anchor:
      return kAnchorScript;
    case SpendPath::SharedAnchor:
      break;
  }
  return 0;
}

Witness second_stage_witness(const Claim& claim, Bytes ours) {
  LN_ASSERT(claim.output.second_stage.has_value());
  auto theirs = signature_item(claim.output.second_stage->signature, htlc_sighash(claim.output.format));
  auto preimage = claim.preimage ? to_bytes(claim.preimage->reveal()) : Bytes{};
  return {Bytes{}, std::move(theirs), std::move(ours), std::move(preimage), claim.output.witness_script};
}

}  // namespace

std::optional<Claim> claim_of(const ChannelOutput& output, const std::optional<Preimage>& preimage) {
  bool our_commitment = output.second_stage.has_value();
  switch (output.kind) {
    case OutputKind::ToUs:
      return Claim{output, SpendPath::Payment, {}};
    case OutputKind::ToUsDelayed:  // [B5-ours-01]
      return Claim{output, SpendPath::Delayed, {}};
    case OutputKind::HtlcOffered:  // [B5-ours-03, B5-theirs-02]
      return Claim{output, our_commitment ? SpendPath::HtlcTimeout : SpendPath::ByTimeout, {}};
    case OutputKind::HtlcReceived:  // [B5-ours-05, B5-ours-06, B5-theirs-04]
      if (!fits(output, preimage)) return std::nullopt;
      return Claim{output, our_commitment ? SpendPath::HtlcSuccess : SpendPath::ByPreimage, preimage};
    case OutputKind::RevokedToLocal:  // [B5-pen-02]
      return Claim{output, SpendPath::Penalty, {}};
    case OutputKind::RevokedHtlcOffered:
    case OutputKind::RevokedHtlcReceived:
      return Claim{output, SpendPath::PenaltyHtlc, {}};
    case OutputKind::AnchorOurs:
      return Claim{output, SpendPath::Anchor, {}};
    case OutputKind::AnchorShared:
      return Claim{output, SpendPath::SharedAnchor, {}};
    case OutputKind::Peers:
    case OutputKind::AnchorTheirs:
    case OutputKind::Unknown:
      break;
  }
  return std::nullopt;
}

std::optional<BlockHeight> claimable_from(const Claim& claim, std::optional<BlockHeight> confirmed) {  // [B5-ours-02]
  const std::uint32_t lock = lock_of(claim), locktime = locktime_of(claim);
  if (!confirmed && lock > 0) return std::nullopt;
  auto unlocked = confirmed ? confirmed->value() + lock : 0;
  return BlockHeight(std::max(unlocked, locktime > 0 ? locktime + 1 : 0));
}

bool is_second_stage(SpendPath path) {
  return path == SpendPath::HtlcSuccess || path == SpendPath::HtlcTimeout;
}

std::uint32_t sequence_of(const Claim& claim) {
  auto lock = lock_of(claim);
  bool given = lock > 0 || claim.path == SpendPath::Delayed || is_second_stage(claim.path);
  return given ? lock : kSequenceReplaceable;
}

std::uint32_t locktime_of(const Claim& claim) {
  bool waits = claim.path == SpendPath::HtlcTimeout || claim.path == SpendPath::ByTimeout;
  return waits && claim.output.htlc ? claim.output.htlc->cltv_expiry.value() : 0;
}

std::uint64_t output_weight(ByteView script_pubkey) {
  return 4 * (8 + sized(script_pubkey.size()));
}

std::uint64_t witness_weight(const Claim& claim) {
  return path_weight(claim.path, claim.output.witness_script.size());
}

std::uint64_t witness_weight(SpendPath path, CommitmentFormat format) {
  return path_weight(path, usual_script(path, format));
}

std::uint64_t commitment_weight(CommitmentFormat format, std::size_t untrimmed) {
  constexpr std::size_t kFundingScript = 71;
  std::size_t outputs = untrimmed + 2;
  auto weight = kBareInputWeight + (untrimmed + 1) * kP2wshOutputWeight;
  weight += has_own_anchors(format) ? 3 * kP2wshOutputWeight : kP2wpkhOutputWeight;
  if (has_own_anchors(format)) outputs += 2;
  if (has_shared_anchor(format)) {
    weight += kP2aOutputWeight;
    outputs += 1;
  }
  auto counts = 4 * (compact_size_length(outputs) - 1);
  return kOverheadWeight + counts + weight + kCountWeight + kEmptyWeight + 2 * kSignatureWeight + sized(kFundingScript);
}

std::uint64_t claims_weight(SpendPath path, CommitmentFormat format, std::size_t claims, ByteView script_pubkey) {
  auto counts = 4 * (compact_size_length(claims) - 1);
  return kOverheadWeight + counts + claims * (kBareInputWeight + witness_weight(path, format)) +
         output_weight(script_pubkey);
}

std::uint64_t second_stage_weight(SpendPath path, CommitmentFormat format, std::size_t htlcs, std::size_t coins) {
  LN_ASSERT(is_second_stage(path));
  auto counts = 8 * (compact_size_length(htlcs + coins + 1) - 1);
  auto each = kBareInputWeight + witness_weight(path, format) + kP2wshOutputWeight;
  return kOverheadWeight + counts + htlcs * each + coins * kCoinWeight + (coins > 0 ? kP2wpkhOutputWeight : 0);
}

std::uint64_t anchor_child_weight(CommitmentFormat format, std::size_t coins) {
  auto path = has_shared_anchor(format) ? SpendPath::SharedAnchor : SpendPath::Anchor;
  auto counts = 4 * (compact_size_length(coins + 1) - 1);
  return kOverheadWeight + counts + kBareInputWeight + witness_weight(path, format) + coins * kCoinWeight +
         kP2wpkhOutputWeight;
}

Witness claim_witness(const Claim& claim, const PublishedCommitment& published, const ChannelSigner& signer,
                      const Transaction& transaction, const SegwitHashes& hashes, std::size_t input) {
  const auto& script = claim.output.witness_script;
  InputToSign spend{transaction, hashes, input, script, claim.output.output.amount};
  auto item = [](const Signature& signature) { return signature_item(signature, Sighash::All); };
  switch (claim.path) {
    case SpendPath::Payment: {
      if (!script.empty()) return {item(signer.sign_payment(spend)), script};
      const auto& key = signer.public_keys().payment_basepoint;
      auto script_code = p2pkh_script(crypto::hash160(key.view()));
      spend.script_code = script_code;
      return {item(signer.sign_payment(spend)), to_bytes(key.view())};
    }
    case SpendPath::Delayed:
      return {item(signer.sign_delayed(spend, published.point)), Bytes{}, script};
    case SpendPath::HtlcSuccess:
    case SpendPath::HtlcTimeout:
      return second_stage_witness(claim, item(signer.sign_htlc(spend, published.point)));
    case SpendPath::ByPreimage:
      LN_ASSERT(claim.preimage.has_value());
      return {item(signer.sign_htlc(spend, published.point)), to_bytes(claim.preimage->reveal()), script};
    case SpendPath::ByTimeout:
      return {item(signer.sign_htlc(spend, published.point)), Bytes{}, script};
    case SpendPath::Penalty:
      LN_ASSERT(published.secret.has_value());
      return {item(signer.sign_penalty(spend, *published.secret)), Bytes{1}, script};
    case SpendPath::PenaltyHtlc: {
      LN_ASSERT(published.secret.has_value());
      auto key = derive_revocation_public_key(signer.public_keys().revocation_basepoint, published.point);
      LN_ASSERT(key.has_value());
      return {item(signer.sign_penalty(spend, *published.secret)), to_bytes(key->view()), script};
    }
    case SpendPath::Anchor:
      return {item(signer.sign_anchor(transaction, hashes, input)), script};
    case SpendPath::SharedAnchor:
      break;
  }
  return {};
}

}  // namespace doze::commitment
