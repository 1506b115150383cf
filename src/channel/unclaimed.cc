// Our money in a commitment: what a force close publishes, and what an older version left on chain.
#include "channel/unclaimed.h"

#include <algorithm>

#include "bitcoin/script.h"

namespace doze::channel {
namespace {

/// Our balance, and each HTLC that we offered, which is ours again after its expiry unless the peer has the preimage.
std::vector<Unclaimed> ours_in(const commitment::Commitment& built, bool our_commitment) {
  std::vector<Unclaimed> out;
  std::set<std::uint32_t> htlcs;
  for (const auto& item : built.htlcs) {
    htlcs.insert(item.output_index);
    if (item.htlc.offered == our_commitment)
      out.push_back({item.output_index, built.transaction.outputs[item.output_index].amount});
  }
  auto delayed = built.to_local_script.empty() ? Bytes{} : bitcoin::p2wsh_script(built.to_local_script);
  for (std::uint32_t i = 0; i < built.transaction.outputs.size(); ++i) {
    const auto& output = built.transaction.outputs[i];
    // No balance has the amount of an anchor, which is below every dust limit.
    bool to_owner = output.script_pubkey == delayed, anchor = output.amount == commitment::kAnchorAmount;
    if (!htlcs.contains(i) && !anchor && to_owner == our_commitment) out.push_back({i, output.amount});
  }
  return out;
}

std::vector<Unclaimed> as_far_as_known(const Channel& channel) {
  auto balance = to_sat_floor(channel.commitments.local.spec.to_local);
  return balance == Sat(0) ? std::vector<Unclaimed>{} : std::vector<Unclaimed>{{kUnknownOutput, balance}};
}

struct KnownCommitment {
  commitment::Commitment built;
  bool ours = false;
};
/// Our commitment as it is, the peer's, or the one that the peer may revoke its own for.
std::optional<KnownCommitment> find_commitment(const Channel& channel, const Txid& id) {
  const auto& commitments = channel.commitments;
  auto built_if_it = [&](const commitment::CommitmentTerms& terms, bool ours) -> std::optional<KnownCommitment> {
    auto built = commitment::build_commitment(terms);
    if (!built || bitcoin::txid(built->transaction) != id) return std::nullopt;
    return KnownCommitment{*std::move(built), ours};
  };
  if (auto found = built_if_it(local_terms(commitments, *channel.signer), true)) return found;
  const auto& remote = commitments.remote;
  if (auto found = built_if_it(remote_terms(channel.params(), remote.spec, remote.number, remote.point), false))
    return found;
  if (!commitments.next_remote) return std::nullopt;
  return built_if_it(
      remote_terms(channel.params(), *commitments.next_remote, remote.number + 1, commitments.remote_next_point),
      false);
}

}  // namespace

std::vector<Unclaimed> unclaimed_of_ours(const Channel& channel) {
  auto built = commitment::build_commitment(local_terms(channel.commitments, *channel.signer));
  return built ? ours_in(*built, true) : as_far_as_known(channel);
}

std::vector<Unclaimed> unclaimed_in(const Channel& channel, const bitcoin::Transaction& spend) {
  auto known = find_commitment(channel, bitcoin::txid(spend));
  return known ? ours_in(known->built, known->ours) : as_far_as_known(channel);  // a revoked one, or one that we lost
}

std::optional<bitcoin::Transaction> known_commitment(const Channel& channel, const Txid& id) {
  auto known = find_commitment(channel, id);
  return known ? std::optional(std::move(known->built.transaction)) : std::nullopt;
}

Sat sum(const std::vector<Unclaimed>& outputs) {
  Sat out;
  for (const auto& item : outputs) out += item.amount;
  return out;
}

void complete_old_row(Channel& channel) {
  if (!channel.is<Closed>() || channel.closed_by) return;
  if (channel.status == "our commitment was published") {
    auto built = commitment::build_commitment(local_terms(channel.commitments, *channel.signer));
    if (built) channel.closed_by = bitcoin::txid(built->transaction);
    channel.unclaimed = unclaimed_of_ours(channel);
  } else if (channel.status.starts_with("the peer published")) {
    channel.unclaimed = as_far_as_known(channel);
  }
}

CommandError cost_of_force(const Channel& channel) {
  auto all = sum(unclaimed_of_ours(channel));
  Sat offered, received;
  if (auto built = commitment::build_commitment(local_terms(channel.commitments, *channel.signer)))
    for (const auto& item : built->htlcs)
      if (item.htlc.offered) offered += built->transaction.outputs[item.output_index].amount;
  auto balance = sub_or_zero(all, offered);
  for (const auto& [id, htlc] : channel.commitments.local.spec.htlcs)
    if (!id.offered) received += to_sat_floor(htlc.amount);
  auto number = [](std::uint64_t amount) { return std::to_string(amount); };
  std::uint64_t delay = channel.params().remote.to_self_delay;
  std::string says = "a force close publishes our commitment: " + number(balance.value()) + " sat come to the wallet " +
                     number(delay) + " blocks after it is in a block, less on-chain fees";
  if (offered > Sat(0)) says += "; " + number(offered.value()) + " sat in HTLCs that we offered, after they expire";
  if (received > Sat(0))
    says += "; " + number(received.value()) + " sat in HTLCs that we received, if we have their preimages";
  says += ". Without force the peer is asked, which is faster and cheaper. To force-close, add yes";
  return {CommandErrorCode::Refused,
          std::move(says),
          {{"balance_sat", balance.value()},
           {"delay_blocks", delay},
           {"offered_htlcs_sat", offered.value()},
           {"received_htlcs_sat", received.value()},
           {"needs", "yes"}}};
}

}  // namespace doze::channel
