#include "onchain/claims.h"

#include <algorithm>

#include "bitcoin/script.h"

namespace doze::onchain {
namespace {

using commitment::OutputKind;
using commitment::SpendPath;

std::optional<commitment::Claim> claim_for(const Close& close, const Output& output) {
  return commitment::claim_of(output.facts, preimage_for(close, output.facts));
}

bool is_forwarded(const commitment::ChannelOutput& output, const Now& now) {
  return output.htlc && output.htlc->id.offered && now.fail_back_by(output.htlc->id.id).has_value();
}

Share share_of(const commitment::ChannelOutput& output, const Now& now) {
  switch (output.kind) {
    case OutputKind::HtlcReceived:
      return kShareOfHtlc;
    case OutputKind::HtlcOffered:
      return is_forwarded(output, now) ? kShareOfHtlc : kShareOfOwnTimeout;
    case OutputKind::RevokedToLocal:
    case OutputKind::RevokedHtlcOffered:
    case OutputKind::RevokedHtlcReceived:
      return kShareOfPenalty;
    default:
      return kShareOfBalance;
  }
}

std::uint64_t weight_of(const commitment::Claim& claim, const Bytes& script) {
  auto weight = commitment::kOverheadWeight + commitment::kBareInputWeight + commitment::witness_weight(claim);
  return weight + commitment::output_weight(claim.output.second_stage ? claim.output.second_stage->output.script_pubkey
                                                                      : script);
}

Terms terms_of(const Close& close, const Output& output, const commitment::Claim& claim, bool coins, const Now& now) {
  Terms out;
  out.deadline = deadline(close, output, now);
  out.weight = weight_of(claim, close.script);
  if (coins) out.weight += commitment::kCoinWeight + commitment::kP2wpkhOutputWeight;
  auto share = share_of(output.facts, now);
  bool last = out.deadline && out.deadline->value() <= now.tip.value() + kLastBlocks;
  auto value = output.facts.output.amount.value();
  // A small one may pay the lowest feerate that nodes relay, as long as half of it is left.
  auto floor = std::min(value / 2, (out.weight * kFeerateFloor.value() + 999) / 1'000);
  out.budget = Sat(std::max(value * (last ? share.in_last_blocks : share.usual) / 100, floor));
  return out;
}

/// One coin and its change are in the terms: what a fee for an HTLC transaction usually takes.
std::uint64_t weight_with_coins(const Due& due, std::size_t coins) {
  return due.terms.weight + (coins > 1 ? (coins - 1) * commitment::kCoinWeight : 0);
}

struct Price {
  FeeratePerKw feerate;
  Sat least;          // the whole fee at least
  bool same = false;  // as the last one
};
Price price_of(const Close& close, const Due& due, const Now& now, std::uint64_t weight) {
  auto sent = close.sent.find(due.claim.output.outpoint);
  if (sent == close.sent.end()) return {feerate(now.fees, due.terms, std::nullopt, now.tip), Sat(0), false};
  const auto& last = sent->second;
  auto next = feerate(now.fees, due.terms, last.attempt, now.tip);
  if (next == last.attempt.feerate) return {FeeratePerKw(0), last.fee, true};
  return {next, replacement_fee(now.fees, weight, next, last.fee), false};
}

}  // namespace

std::optional<BlockHeight> claimable_from(const Close& close, const Output& output) {
  auto claim = claim_for(close, output);
  return claim ? commitment::claimable_from(*claim, output.height) : std::nullopt;
}

std::optional<BlockHeight> deadline(const Close& close, const Output& output, const Now& now) {
  const auto& facts = output.facts;
  switch (facts.kind) {
    case OutputKind::HtlcReceived:
      return BlockHeight(facts.htlc->cltv_expiry.value());
    case OutputKind::HtlcOffered:
      return now.fail_back_by(facts.htlc->id.id);
    case OutputKind::RevokedToLocal: {
      auto open = output.height.value() + facts.csv_delay;
      return BlockHeight(open > kSecurityDelay ? open - kSecurityDelay : 0);
    }
    case OutputKind::RevokedHtlcOffered:
    case OutputKind::RevokedHtlcReceived:
      return BlockHeight(close.height.value() + kSecurityDelay);
    default:
      return std::nullopt;
  }
}

std::vector<Due> due(const Close& close, const Now& now) {
  std::vector<Due> out;
  if (close.height == BlockHeight(0)) return out;
  for (const auto& [outpoint, output] : close.outputs) {
    if (output.spend) continue;
    auto claim = claim_for(close, output);
    if (!claim) continue;
    auto from = commitment::claimable_from(*claim, output.height);
    if (!from || from->value() > now.tip.value() + 1) continue;
    bool coins = commitment::is_second_stage(claim->path) &&
                 output.facts.format != commitment::CommitmentFormat::StaticRemotekey;
    auto terms = terms_of(close, output, *claim, coins, now);
    out.push_back({*std::move(claim), terms, coins});
  }
  std::ranges::stable_sort(out, {}, [](const Due& one) {
    return one.terms.deadline ? one.terms.deadline->value() : std::uint32_t{UINT32_MAX};
  });
  return out;
}

CoinsNeeded coins_needed(const Close& close, const Due& due, const Now& now) {
  auto weight = weight_with_coins(due, 1);
  auto price = price_of(close, due, now, weight);
  return {std::max(Sat((weight * price.feerate.value() + 999) / 1'000), price.least), price.feerate};
}

Result<Made, commitment::ClaimRefusal> make(Close& close, const Due& due, const Now& now,
                                            const commitment::ChannelSigner& signer, const Coins& coins) {
  auto outpoint = due.claim.output.outpoint;
  auto weight = weight_with_coins(due, due.coins ? coins.coins.size() : 0);
  auto price = price_of(close, due, now, weight);
  std::span claims(&due.claim, 1);
  bool pays = due.coins || !commitment::is_second_stage(due.claim.path);
  if (pays && !price.same && price.feerate < kFeerateFloor)
    return fail(commitment::ClaimRefusal{commitment::ClaimRefusal::Code::BelowDust,
                                         weight * kFeerateFloor.value() / 1'000, due.terms.budget.value()});
  commitment::FeeRule rule{price.feerate, price.least};
  auto built = commitment::is_second_stage(due.claim.path)
                   ? commitment::build_second_stage(claims, coins.coins, coins.change_script, rule)
                   : commitment::build_claims(claims, close.script, rule);
  if (!built) return fail(built.error());

  commitment::sign_claims(built->transaction, claims, close.published, signer, coins.coins, coins.sign);
  auto txid = bitcoin::txid(built->transaction);
  auto& sent = close.sent[outpoint];
  bool is_new = sent.txid != txid;
  if (is_new) {
    bool first = sent.times == 0;
    sent.txid = txid;
    sent.attempt.feerate = first || !price.same ? price.feerate : sent.attempt.feerate;
    sent.attempt.first = first ? now.tip : sent.attempt.first;
    sent.attempt.last = now.tip;
    sent.fee = built->fee;
    ++sent.times;
  }
  return Made{std::move(built->transaction), is_new};
}

}  // namespace doze::onchain
