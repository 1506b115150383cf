#include "commitment/claim_transactions.h"

#include <algorithm>

#include "bitcoin/compact_size.h"
#include "bitcoin/interpreter.h"
#include "bitcoin/script.h"
#include "commitment/limits.h"
#include "commitment/scripts.h"

namespace doze::commitment {
namespace {

using namespace bitcoin;
using Why = ClaimRefusal::Code;

Failure<ClaimRefusal> refused(Why code, std::uint64_t needed = 0, std::uint64_t there = 0) {
  return {ClaimRefusal{code, needed, there}};
}
Failure<ClaimRefusal> refused(Why code, Sat needed, Sat there) {
  return refused(code, needed.value(), there.value());
}

Sat at_feerate(std::uint64_t weight, FeeratePerKw feerate) {
  return Sat((weight * feerate.value() + 999) / 1000);
}
Sat fee_of(std::uint64_t weight, const FeeRule& rule) {
  return std::max(at_feerate(weight, rule.feerate), rule.least);
}

/// A transaction that grows, and what it will weigh and has.
struct Draft {
  Transaction transaction;
  std::uint64_t weight = kOverheadWeight;  // counts of inputs and outputs as if below 253
  Sat in, out;

  void add(const Claim& claim) {
    transaction.inputs.push_back({claim.output.outpoint, {}, sequence_of(claim), {}});
    transaction.locktime = std::max(transaction.locktime, locktime_of(claim));
    weight += kBareInputWeight + witness_weight(claim);
    in += claim.output.output.amount;
  }
  void add(const Coin& coin) {
    LN_ASSERT(is_p2wpkh(coin.output.script_pubkey));
    transaction.inputs.push_back({coin.outpoint, {}, kSequenceReplaceable, {}});
    weight += kCoinWeight;
    in += coin.output.amount;
  }
  void add(TxOut output) {
    weight += output_weight(output.script_pubkey);
    out += output.amount;
    transaction.outputs.push_back(std::move(output));
  }
  [[nodiscard]] std::uint64_t total_weight(std::size_t more_outputs = 0) const {
    return weight + 4 * (compact_size_length(transaction.inputs.size()) - 1) +
           4 * (compact_size_length(transaction.outputs.size() + more_outputs) - 1);
  }
  [[nodiscard]] std::uint64_t weight_with(ByteView script_pubkey) const {
    return total_weight(1) + output_weight(script_pubkey);
  }
  /// `most`: weight.
  [[nodiscard]] Result<Unsigned, ClaimRefusal> finish(std::uint64_t most) && {
    auto total = total_weight();
    if (total > most) return refused(Why::TooHeavy, total, most);
    return Unsigned{std::move(transaction), total, in - out};
  }
};

/// These second stages have one version, one locktime, and signatures that allow other inputs.
bool go_together(std::span<const Claim> claims, std::span<const Coin> coins) {
  const auto& first = claims.front();
  bool complete = htlc_sighash(first.output.format) == Sighash::All;
  if (complete && (claims.size() > 1 || !coins.empty())) return false;
  return std::ranges::all_of(claims, [&](const Claim& claim) {
    return is_second_stage(claim.path) && claim.path == first.path && claim.output.format == first.output.format &&
           locktime_of(claim) == locktime_of(first) && claim.output.second_stage.has_value();
  });
}

/// Whether an unconfirmed commitment may have this spend as its child. With a shared anchor the child must take it: it
/// may be dust (BIP 431, ephemeral anchors).
bool lifts(const Claim& claim) {
  if (has_shared_anchor(claim.output.format)) return claim.path == SpendPath::SharedAnchor;
  return !is_second_stage(claim.path) && claimable_from(claim, std::nullopt).has_value();
}

std::uint64_t most_weight(CommitmentFormat format, bool child) {
  if (!has_shared_anchor(format)) return kMaxStandardWeight;
  return 4 * (child ? kMaxVersion3ChildVsize : kMaxVersion3Vsize);
}

}  // namespace

const char* name(ClaimRefusal::Code code) {
  switch (code) {
    case Why::Nothing:
      return "nothing to claim";
    case Why::NotTogether:
      return "cannot be in one transaction";
    case Why::BelowDust:
      return "worth less than its fee and the least output";
    case Why::CoinsShort:
      return "coins do not suffice";
    case Why::NotNeeded:
      return "the commitment alone pays enough";
    case Why::TooHeavy:
      return "too heavy";
  }
  return "unknown";
}

Result<Unsigned, ClaimRefusal> build_claims(std::span<const Claim> claims, const Bytes& script_pubkey, FeeRule rule) {
  if (claims.empty()) return refused(Why::Nothing);
  Draft draft;
  for (const auto& claim : claims) {
    if (is_second_stage(claim.path)) return refused(Why::NotTogether);
    draft.add(claim);
  }
  auto fee = fee_of(draft.weight_with(script_pubkey), rule);
  if (draft.in < fee + dust_limit(script_pubkey))
    return refused(Why::BelowDust, fee + dust_limit(script_pubkey), draft.in);
  draft.add({draft.in - fee, script_pubkey});
  return std::move(draft).finish(kMaxStandardWeight);
}

// [B5-htlc-02]
Result<Unsigned, ClaimRefusal> build_second_stage(std::span<const Claim> claims, std::span<const Coin> coins,
                                                  const Bytes& change_script, FeeRule rule) {
  if (claims.empty()) return refused(Why::Nothing);
  if (!go_together(claims, coins)) return refused(Why::NotTogether);
  auto format = claims.front().output.format;
  Draft draft;
  draft.transaction.version = transaction_version(format);
  for (const auto& claim : claims) {
    draft.add(claim);
    draft.add(claim.output.second_stage->output);
  }
  if (htlc_sighash(format) == Sighash::All) return std::move(draft).finish(kMaxStandardWeight);
  for (const auto& coin : coins) draft.add(coin);
  auto left = sub_or_zero(draft.in, draft.out), fee = fee_of(draft.total_weight(), rule);
  if (left < fee) return refused(Why::CoinsShort, draft.out + fee, draft.in);
  auto change = sub_or_zero(left, fee_of(draft.weight_with(change_script), rule));
  if (!coins.empty() && change >= dust_limit(change_script)) draft.add({change, change_script});
  return std::move(draft).finish(most_weight(format, false));
}

// [B5-fail-05]
Result<Unsigned, ClaimRefusal> build_child(const Claim& claim, const Parent& parent, std::span<const Coin> coins,
                                           const Bytes& script_pubkey, FeeRule rule) {
  if (!lifts(claim)) return refused(Why::NotTogether);
  auto alone = at_feerate(parent.weight, rule.feerate);
  if (parent.fee >= alone) return refused(Why::NotNeeded, alone, parent.fee);
  auto format = claim.output.format;
  Draft draft;
  draft.transaction.version = transaction_version(format);
  draft.add(claim);
  for (const auto& coin : coins) draft.add(coin);
  auto together = at_feerate(parent.weight + draft.weight_with(script_pubkey), rule.feerate);
  auto fee = std::max(sub_or_zero(together, parent.fee), rule.least);
  auto least = std::max(kLeastChildOutput, dust_limit(script_pubkey));
  if (draft.in < fee + least) return refused(Why::CoinsShort, fee + least, draft.in);
  draft.add({draft.in - fee, script_pubkey});
  return std::move(draft).finish(most_weight(format, true));
}

void sign_claims(Transaction& transaction, std::span<const Claim> claims, const PublishedCommitment& published,
                 const ChannelSigner& signer, std::span<const Coin> coins, const CoinSigner& sign_coin) {
  LN_ASSERT(transaction.inputs.size() == claims.size() + coins.size());
  const SegwitHashes hashes(transaction);
  for (std::size_t i = 0; i < claims.size(); ++i)
    transaction.inputs[i].witness = claim_witness(claims[i], published, signer, transaction, hashes, i);
  for (std::size_t i = claims.size(); i < transaction.inputs.size(); ++i)
    transaction.inputs[i].witness = sign_coin(coins[i - claims.size()], transaction, hashes, i);
}

}  // namespace doze::commitment
