#include "commitment/commitment_tx.h"

#include <algorithm>

#include "bitcoin/script.h"
#include "commitment/scripts.h"
#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

using namespace bitcoin;

// BOLT 3, "Fees": expected weights.
constexpr std::uint64_t kHtlcOutputWeight = 172;
constexpr std::uint64_t base_weight(CommitmentFormat format) {
  return format == CommitmentFormat::AnchorsZeroFeeHtlc ? 1124 : 724;
}
constexpr std::uint64_t kTimeoutWeight = 663, kSuccessWeight = 703;

Sat fee(std::uint64_t weight, FeeratePerKw feerate) {
  return Sat(weight * feerate.value() / 1000);
}

/// An output on its way into BIP 69 order, with what an HTLC output is needed for.
struct Planned {
  TxOut output;
  std::optional<Htlc> htlc;
  Bytes script;
};

bool before(const Planned& a, const Planned& b) {
  if (a.output.amount != b.output.amount) return a.output.amount < b.output.amount;
  if (a.output.script_pubkey != b.output.script_pubkey) return a.output.script_pubkey < b.output.script_pubkey;
  // Equal offered HTLCs: by expiry, so that both sides agree whose signature is whose.
  auto expiry = [](const Planned& p) { return p.htlc ? p.htlc->cltv_expiry.value() : 0; };
  return expiry(a) < expiry(b);
}

Transaction htlc_transaction(const CommitmentTerms& terms, const Bytes& output_script, const Txid& commitment,
                             const HtlcOutput& from, Sat amount) {
  Transaction out;
  out.version = transaction_version(terms.format);
  out.locktime = from.htlc.offered ? from.htlc.cltv_expiry.value() : 0;
  out.inputs.push_back({{commitment, from.output_index}, {}, has_own_anchors(terms.format) ? 1U : 0U, {}});
  auto charge = htlc_fee(terms.format, terms.feerate, from.htlc.offered);
  out.outputs.push_back({sub_or_zero(amount, charge), output_script});
  return out;
}

/// What the other outputs leave of the capacity, up to the limit: below it the transaction pays no fee at all.
Planned shared_anchor(const CommitmentTerms& terms, const std::vector<Planned>& others) {
  auto capacity = terms.to_owner + terms.to_other;
  for (const auto& htlc : terms.htlcs) capacity += htlc.amount;
  auto left = to_sat_floor(capacity);
  for (const auto& item : others) left -= item.output.amount;
  return {{std::min(left, kMaxSharedAnchor), p2a_script()}, {}, {}};
}

}  // namespace

const char* name(CommitmentFormat format) {
  switch (format) {
    case CommitmentFormat::StaticRemotekey:
      return "static_remotekey";
    case CommitmentFormat::AnchorsZeroFeeHtlc:
      return "anchors_zero_fee_htlc_tx";
    case CommitmentFormat::ZeroFeeCommitments:
      return "zero_fee_commitments";
  }
  return "unknown";
}

Bytes funding_script(const PublicKey& a, const PublicKey& b) {
  const auto& first = a < b ? a : b;
  const auto& second = a < b ? b : a;
  return ScriptBuilder().number(2).push(first.view()).push(second.view()).number(2).op(OP_CHECKMULTISIG).take();
}

std::uint64_t obscure_factor(const PublicKey& opener, const PublicKey& accepter) {
  auto digest = crypto::sha256({opener.view(), accepter.view()});
  std::uint64_t out = 0;
  for (std::size_t i = 26; i < 32; ++i) out = out << 8 | digest.bytes[i];
  return out;
}

Sat htlc_fee(CommitmentFormat format, FeeratePerKw feerate, bool offered) {
  if (has_own_anchors(format) || has_shared_anchor(format)) return Sat(0);
  return fee(offered ? kTimeoutWeight : kSuccessWeight, feerate);
}

bool is_trimmed(CommitmentFormat format, FeeratePerKw feerate, Sat dust_limit, bool offered, Msat amount) {
  return to_sat_floor(amount) < dust_limit + htlc_fee(format, feerate, offered);
}

Sat commitment_fee(CommitmentFormat format, FeeratePerKw feerate, std::size_t untrimmed) {
  if (has_shared_anchor(format)) return Sat(0);
  return fee(base_weight(format) + kHtlcOutputWeight * untrimmed, feerate);
}

Sat anchors_cost(CommitmentFormat format) {
  return has_own_anchors(format) ? Sat(2 * kAnchorAmount.value()) : Sat(0);
}

std::optional<Commitment> build_commitment(const CommitmentTerms& terms) {
  auto keys = commitment_keys(terms.owner, terms.other, terms.per_commitment_point);
  if (!keys) return std::nullopt;
  const bool anchors = has_own_anchors(terms.format);
  Commitment built;
  built.other_htlc_key = keys->other_htlc;
  const auto delayed = delayed_script(*keys, terms.to_self_delay);
  const auto to_delayed = p2wsh_script(delayed);
  std::vector<Planned> planned;
  planned.reserve(terms.htlcs.size() + 4);
  for (const auto& htlc : terms.htlcs) {
    if (is_trimmed(terms.format, terms.feerate, terms.dust_limit, htlc.offered, htlc.amount)) continue;
    auto hash160 = crypto::ripemd160(htlc.payment_hash.view());
    auto script = htlc_script(terms.format, *keys, htlc.offered, hash160, htlc.cltv_expiry);
    planned.push_back({{to_sat_floor(htlc.amount), p2wsh_script(script)}, htlc, std::move(script)});
  }
  const auto untrimmed = planned.size();
  auto owner = to_sat_floor(terms.to_owner), other = to_sat_floor(terms.to_other);
  auto cost = commitment_fee(terms.format, terms.feerate, untrimmed) + anchors_cost(terms.format);
  auto& payer = terms.owner_opened ? owner : other;
  payer = sub_or_zero(payer, cost);

  if (owner >= terms.dust_limit) {
    built.to_local_script = delayed;
    planned.push_back({{owner, to_delayed}, {}, {}});
  }
  if (other >= terms.dust_limit) {
    planned.push_back({{other, to_remote_output(terms.format, terms.other.payment_basepoint)}, {}, {}});
  }
  if (anchors) {
    if (owner >= terms.dust_limit || untrimmed > 0)
      planned.push_back({{kAnchorAmount, p2wsh_script(anchor_script(terms.owner.funding))}, {}, {}});
    if (other >= terms.dust_limit || untrimmed > 0)
      planned.push_back({{kAnchorAmount, p2wsh_script(anchor_script(terms.other.funding))}, {}, {}});
  }
  if (has_shared_anchor(terms.format)) planned.push_back(shared_anchor(terms, planned));
  std::stable_sort(planned.begin(), planned.end(), before);

  auto obscured = (terms.number ^ terms.obscure_factor) & 0xffff'ffff'ffffULL;
  auto& transaction = built.transaction;
  transaction.version = transaction_version(terms.format);
  transaction.locktime = static_cast<std::uint32_t>(0x2000'0000U | (obscured & 0xff'ffff));
  transaction.inputs.push_back({terms.funding, {}, static_cast<std::uint32_t>(0x8000'0000U | (obscured >> 24)), {}});
  transaction.outputs.reserve(planned.size());
  for (const auto& item : planned) transaction.outputs.push_back(item.output);
  auto id = txid(transaction);
  for (std::uint32_t index = 0; index < planned.size(); ++index) {
    auto& item = planned[index];
    if (!item.htlc) continue;
    HtlcOutput output{*item.htlc, index, std::move(item.script), {}};
    output.transaction = htlc_transaction(terms, to_delayed, id, output, item.output.amount);
    built.htlcs.push_back(std::move(output));
  }
  return built;
}

Sighash htlc_sighash(CommitmentFormat format) {  // [B5-htlc-01]
  return has_own_anchors(format) || has_shared_anchor(format) ? Sighash::SingleAnyoneCanPay : Sighash::All;
}

Hash32 htlc_digest(const HtlcOutput& output, Sighash flag) {
  return segwit_sighash(output.transaction, 0, output.witness_script, to_sat_floor(output.htlc.amount), flag);
}

Hash32 funding_digest(const Transaction& transaction, ByteView script, Sat capacity) {
  return segwit_sighash(transaction, 0, script, capacity, Sighash::All);
}

Witness funding_witness(const PublicKey& key_a, const Signature& signature_a, const PublicKey& key_b,
                        const Signature& signature_b) {
  auto first = signature_item(key_a < key_b ? signature_a : signature_b, Sighash::All);
  auto second = signature_item(key_a < key_b ? signature_b : signature_a, Sighash::All);
  return {Bytes{}, std::move(first), std::move(second), funding_script(key_a, key_b)};
}

std::optional<std::uint64_t> commitment_number(const Transaction& transaction, const Outpoint& funding,
                                               std::uint64_t factor) {
  if (transaction.inputs.size() != 1 || transaction.inputs[0].previous_output != funding) return std::nullopt;
  auto sequence = transaction.inputs[0].sequence;
  if (sequence >> 24 != 0x80 || transaction.locktime >> 24 != 0x20) return std::nullopt;
  auto obscured = std::uint64_t{sequence & 0xff'ffff} << 24 | (transaction.locktime & 0xff'ffff);
  return obscured ^ factor;
}

Transaction closing_transaction(const ClosingTerms& terms) {
  std::vector<Planned> planned;
  if (terms.amount_a.value() > 0 && terms.amount_a >= terms.dust_limit_a)
    planned.push_back({{terms.amount_a, terms.script_a}, {}, {}});
  if (terms.amount_b.value() > 0 && terms.amount_b >= terms.dust_limit_b)
    planned.push_back({{terms.amount_b, terms.script_b}, {}, {}});
  std::stable_sort(planned.begin(), planned.end(), before);
  Transaction out;
  out.inputs.push_back({terms.funding, {}, kSequenceFinal, {}});
  for (auto& item : planned) out.outputs.push_back(std::move(item.output));
  return out;
}

}  // namespace doze::commitment
