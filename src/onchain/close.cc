#include "onchain/close.h"

#include <algorithm>
#include <set>
#include <utility>

#include "crypto/crypto.h"

namespace doze::onchain {
namespace {

using commitment::ChannelOutput;
using commitment::OutputKind;
using commitment::WhoseCommitment;

bool may_be_ours(OutputKind kind) {
  switch (kind) {
    case OutputKind::ToUs:
    case OutputKind::ToUsDelayed:
    case OutputKind::HtlcOffered:
    case OutputKind::HtlcReceived:
    case OutputKind::RevokedToLocal:
    case OutputKind::RevokedHtlcOffered:
    case OutputKind::RevokedHtlcReceived:
      return true;
    case OutputKind::Peers:
    case OutputKind::AnchorOurs:
    case OutputKind::AnchorTheirs:
    case OutputKind::AnchorShared:
    case OutputKind::Unknown:
      return false;
  }
  return false;
}
bool is_balance(OutputKind kind) {
  return kind == OutputKind::ToUs || kind == OutputKind::ToUsDelayed;
}
bool is_htlc(const Close& close, const Outpoint& outpoint, const Output& output) {
  return outpoint.txid == close.txid && output.facts.htlc.has_value();
}

std::uint32_t depth(BlockHeight height, BlockHeight tip) {
  return height == BlockHeight(0) || tip < height ? 0 : tip.value() - height.value() + 1;
}

bool pays_us(const Close& close, const bitcoin::Transaction& transaction) {
  return std::ranges::any_of(transaction.outputs, [&](const auto& out) { return out.script_pubkey == close.script; });
}

/// Whether what others take of it is lost to us. Not an HTLC that was offered to us and whose preimage we do not have.
bool is_ours(const Close& close, const Output& output) {
  return output.facts.kind != OutputKind::HtlcReceived || preimage_for(close, output.facts);
}

std::vector<ChannelOutput> facts_of(const Close& close) {
  std::vector<ChannelOutput> out;
  for (const auto& [outpoint, output] : close.outputs) out.push_back(output.facts);
  return out;
}

bool spends_any(const Close& close, const bitcoin::Transaction& transaction) {
  return std::ranges::any_of(transaction.inputs,
                             [&](const auto& input) { return close.outputs.contains(input.previous_output); });
}

/// HTLCs of ours that have an output in a commitment.
std::set<std::uint64_t> offered_in(const std::optional<commitment::Commitment>& built, bool ours) {
  std::set<std::uint64_t> out;
  if (!built) return out;
  for (const auto& item : built->htlcs)
    if (item.htlc.offered == ours) out.insert(item.htlc.id);
  return out;
}

}  // namespace

std::optional<Preimage> preimage_for(const Close& close, const ChannelOutput& output) {
  if (!output.htlc) return std::nullopt;
  auto it = close.preimages.find(output.htlc->hash160);
  return it == close.preimages.end() ? std::nullopt : std::optional(it->second);
}

Close begin(const commitment::Commitments& c, const commitment::PublishedCommitment& published,
            std::span<const commitment::CommittedHtlc> log, const bitcoin::Transaction& transaction, BlockHeight height,
            Bytes script) {
  Close close;
  close.published = published;
  close.txid = bitcoin::txid(transaction);
  close.height = height;
  close.script = std::move(script);
  for (auto& facts : commitment::outputs_of(c, published, log, transaction))
    if (may_be_ours(facts.kind)) {
      auto outpoint = facts.outpoint;
      close.outputs.emplace(outpoint, Output{std::move(facts), height, std::nullopt});
    }
  return close;
}

void note_offered(Close& close, const commitment::Commitments& c, const commitment::ChannelSigner& signer,
                  const std::map<std::uint64_t, PaymentHash>& offered) {
  using commitment::build_commitment;
  std::set<std::uint64_t> anywhere = offered_in(build_commitment(local_terms(c, signer)), true);
  anywhere.merge(
      offered_in(build_commitment(remote_terms(c.params, c.remote.spec, c.remote.number, c.remote.point)), false));
  if (c.next_remote)
    anywhere.merge(offered_in(
        build_commitment(remote_terms(c.params, *c.next_remote, c.remote.number + 1, c.remote_next_point)), false));
  std::map<std::uint64_t, Outpoint> here;
  for (const auto& [outpoint, output] : close.outputs)
    if (is_htlc(close, outpoint, output) && output.facts.htlc->id.offered)
      here.emplace(output.facts.htlc->id.id, outpoint);
  for (const auto& [id, hash] : offered) {
    auto at = here.find(id);
    close.open[id] = Open{crypto::ripemd160(hash.view()), at == here.end() ? std::nullopt : std::optional(at->second),
                          anywhere.contains(id)};
  }
}

void note_log(Close& close, const commitment::ChannelParams& params, std::span<const commitment::CommittedHtlc> log) {
  if (close.unread.empty() || !close.published.secret) return;
  auto commitment = bitcoin::parse_transaction(close.unread.front().transaction);
  if (!commitment) return;
  auto outputs = commitment::outputs_of_revoked(params, *close.published.secret, log, *commitment);
  if (!outputs) return;
  for (auto& facts : *outputs)
    if (may_be_ours(facts.kind)) {
      auto outpoint = facts.outpoint;
      close.outputs.try_emplace(outpoint, Output{std::move(facts), close.height, std::nullopt});
    }
  for (std::size_t i = 1; i < close.unread.size(); ++i)
    if (auto spend = bitcoin::parse_transaction(close.unread[i].transaction))
      see(close, params, *spend, close.unread[i].height);
}

void confirm_again(Close& close, BlockHeight height) {
  close.height = height;
  for (auto& [outpoint, output] : close.outputs)
    if (outpoint.txid == close.txid) output.height = height;
}

bool see(Close& close, const commitment::ChannelParams& params, const bitcoin::Transaction& transaction,
         BlockHeight height) {
  if (!spends_any(close, transaction)) return false;
  auto known = facts_of(close);
  bool changed = false;
  for (const auto& seen : commitment::preimages_in(transaction, known)) changed |= learn(close, seen.preimage);

  bool makes_ours = false;
  for (auto& facts : commitment::outputs_of_second_stage(params, close.published, known, transaction)) {
    makes_ours |= facts.kind == OutputKind::ToUsDelayed;
    if (!may_be_ours(facts.kind)) continue;
    auto [at, is_new] = close.outputs.try_emplace(facts.outpoint, Output{facts, height, std::nullopt});
    changed |= is_new || at->second.height != height;
    at->second.height = height;  // it may have been mined again
  }

  Spend spend{bitcoin::txid(transaction), height, makes_ours || pays_us(close, transaction)};
  for (const auto& input : transaction.inputs) {  // each one: it may spend several [B5-pen-02]
    auto it = close.outputs.find(input.previous_output);
    if (it == close.outputs.end() || it->second.spend == spend) continue;
    it->second.spend = spend;
    changed = true;
  }
  return changed;
}

bool undo(Close& close, BlockHeight height) {
  bool changed = false;
  auto gone = [&](BlockHeight at) { return at != BlockHeight(0) && at >= height; };
  if (gone(close.height)) {
    close.height = BlockHeight(0);
    changed = true;
  }
  for (auto& [outpoint, output] : close.outputs)
    if (output.spend && gone(output.spend->height)) {
      output.spend.reset();
      changed = true;
    }
  auto& unread = close.unread;  // the first one is the commitment
  if (!unread.empty())
    unread.erase(std::remove_if(unread.begin() + 1, unread.end(), [&](const Unread& one) { return gone(one.height); }),
                 unread.end());
  // Those of HTLC transactions come back with their transaction, if it comes back.
  auto made = [&](const auto& entry) { return entry.first.txid != close.txid && gone(entry.second.height); };
  return std::erase_if(close.outputs, made) > 0 || changed;
}

bool learn(Close& close, const Preimage& preimage) {
  auto hash160 = crypto::hash160(preimage.reveal());
  return close.preimages.emplace(hash160, preimage).second;
}

std::vector<Outcome> take_outcomes(Close& close, BlockHeight tip) {
  std::vector<Outcome> out;
  auto closed = depth(close.height, tip);
  auto has_failed = [&](const Open& htlc) {
    if (!htlc.output) return closed >= (htlc.elsewhere ? kDeep : 1);
    // We take everything that is in it, and nothing that the peer does brings the HTLC back.
    if (close.published.whose == WhoseCommitment::Revoked) return closed >= kDeep;
    const auto& spend = close.outputs.at(*htlc.output).spend;
    return spend && spend->ours && depth(spend->height, tip) >= kDeep;
  };
  for (const auto& [id, htlc] : close.open) {
    auto preimage = close.preimages.find(htlc.hash160);
    if (preimage != close.preimages.end())
      out.push_back({id, preimage->second});
    else if (has_failed(htlc))
      out.push_back({id, std::nullopt});
  }
  for (const auto& outcome : out) close.open.erase(outcome.id);
  return out;
}

std::optional<bool> received_outcome(const Close& close, std::uint64_t id, BlockHeight tip) {
  auto closed = depth(close.height, tip);
  for (const auto& [outpoint, output] : close.outputs) {
    if (!is_htlc(close, outpoint, output) || output.facts.htlc->id != commitment::HtlcId{false, id}) continue;
    if (!output.spend || depth(output.spend->height, tip) < kDeep) return std::nullopt;
    return output.spend->ours;
  }
  if (closed < kDeep) return std::nullopt;
  auto known = close.received.find(id);
  return known != close.received.end() && known->second;  // without an output nobody can claim it
}

bool is_resolved(const Close& close, BlockHeight tip) {
  if (depth(close.height, tip) < kIrrevocable || !close.open.empty()) return false;
  return std::ranges::all_of(close.outputs, [&](const auto& entry) {
    const auto& output = entry.second;
    if (output.spend) return depth(output.spend->height, tip) >= kIrrevocable;
    return !is_ours(close, output) && tip.value() >= output.facts.htlc->cltv_expiry.value() + kIrrevocable;
  });
}

Sums sums(const Close& close) {
  Sums out;
  auto goes_on = [&](const Txid& txid) {  // its outputs are counted instead
    auto it = close.outputs.lower_bound({txid, 0});
    return it != close.outputs.end() && it->first.txid == txid;
  };
  for (const auto& [outpoint, output] : close.outputs) {
    auto amount = output.facts.output.amount;
    bool paid = output.facts.kind == OutputKind::HtlcOffered && preimage_for(close, output.facts);
    if (!output.spend) {
      if (is_ours(close, output)) (is_balance(output.facts.kind) ? out.pending : out.at_risk) += amount;
    } else if (!goes_on(output.spend->txid) && (output.spend->ours || (is_ours(close, output) && !paid))) {
      (output.spend->ours ? out.claimed : out.lost) += amount;
    }
  }
  return out;
}

}  // namespace doze::onchain
