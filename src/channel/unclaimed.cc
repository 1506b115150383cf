// Our money in the outputs of a published commitment. This version cannot spend it, but never forgets it.
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

}  // namespace

std::vector<Unclaimed> unclaimed_of_ours(const Channel& channel) {
  auto built = commitment::build_commitment(local_terms(channel.commitments, *channel.signer));
  return built ? ours_in(*built, true) : as_far_as_known(channel);
}

std::vector<Unclaimed> unclaimed_in(const Channel& channel, const bitcoin::Transaction& spend) {
  auto id = bitcoin::txid(spend);
  if (auto built = commitment::build_commitment(local_terms(channel.commitments, *channel.signer));
      built && bitcoin::txid(built->transaction) == id)
    return ours_in(*built, true);
  auto try_remote = [&](const Spec& spec, std::uint64_t number,
                        const PublicKey& point) -> std::optional<std::vector<Unclaimed>> {
    auto built = commitment::build_commitment(remote_terms(channel.params(), spec, number, point));
    if (!built || bitcoin::txid(built->transaction) != id) return std::nullopt;
    return ours_in(*built, false);
  };
  if (auto found = try_remote(channel.commitments.remote.spec, channel.commitments.remote.number,
                              channel.commitments.remote.point))
    return *found;
  if (channel.commitments.next_remote)
    if (auto found = try_remote(*channel.commitments.next_remote, channel.commitments.remote.number + 1,
                                channel.commitments.remote_next_point))
      return *found;
  return as_far_as_known(channel);  // a revoked commitment, or one that our rows do not have
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
