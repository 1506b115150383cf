// What a height decides: HTLCs that did not come back, fundings that never came, transactions that mempools drop. The
// chain driver tells of blocks while it is behind its backend and says "synced" afterwards, so nothing here happens at
// a block: a height that is known to be stale decides nothing. BOLT 2, "`cltv_expiry_delta` Selection".
#include <algorithm>

#include "channel/inside.h"

namespace doze::channel {
namespace {

/// An HTLC that we offered and that should have come back. One of our own payments waits until the peer had the chance
/// to hand it back, which it has after channel_reestablish only; for one that we forward the incoming HTLC presses.
bool overdue(const Channel& channel, std::uint64_t id, CltvExpiry cltv_expiry, BlockHeight height) {
  auto expiry = cltv_expiry.value();
  auto it = channel.offered.find(id);
  bool own = it != channel.offered.end() && std::holds_alternative<LocalOrigin>(it->second.origin);
  if (!own) return height.value() >= expiry + kOfferedGrace.value();  // [B2-dead-01]
  if (height.value() >= expiry + kExpiredGraceMax) return true;
  return channel.reestablished_at &&
         height.value() >= std::max(channel.reestablished_at->value(), expiry) + kExpiredGraceBlocks;
}

/// In any commitment that could be published: BOLT 2 says "either node's". Not one that the peer settled and that is
/// gone from ours: we have the preimage, and only the peer's revocation is missing.
std::optional<CltvExpiry> first_overdue(const Channel& channel, BlockHeight height) {  // [B2-dead-02]
  auto settled = [&](std::uint64_t id) {
    auto it = channel.offered.find(id);
    return !channel.commitments.local.spec.htlcs.contains({true, id}) &&
           (it == channel.offered.end() || it->second.fulfilled);
  };
  for (const auto* spec : {&channel.commitments.local.spec, &channel.commitments.remote.spec,
                           channel.commitments.next_remote ? &*channel.commitments.next_remote : nullptr}) {
    if (spec == nullptr) continue;
    for (const auto& [htlc, info] : spec->htlcs)
      if (htlc.offered && !settled(htlc.id) && overdue(channel, htlc.id, info.cltv_expiry, height))
        return info.cltv_expiry;
  }
  return std::nullopt;
}

}  // namespace

void on_synced(Work& work) {
  auto& state = work.state;
  auto tip = work.context.tip;
  if (!state.broadcast_height) state.broadcast_height = tip;
  bool again = tip.value() >= state.broadcast_height->value() + kRebroadcastBlocks;
  if (again) state.broadcast_height = tip;
  std::vector<ChannelId> forgotten;
  for (auto& [id, channel] : state.channels) {
    if (again) rebroadcast(work, channel);
    if (channel.never_funded() && tip.value() > channel.created_height.value() + kForgetUnfundedBlocks)
      forgotten.push_back(id);
    if (!channel.alive()) continue;
    if (channel.reestablished && !channel.reestablished_at) channel.reestablished_at = tip;
    auto expiry = first_overdue(channel, tip);
    if (!expiry) continue;
    auto why =
        "an HTLC that we offered expired at height " + std::to_string(expiry->value()) + " and did not come back";
    may_publish(work, channel) ? break_channel(work, channel, why) : hold_back(work, channel, {why, false});
  }
  for (const auto& id : forgotten) forget_unfunded(work, id, "the peer never funded it");
}

}  // namespace doze::channel
