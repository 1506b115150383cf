#include "channel/describe.h"

#include "base/texts.h"
#include "channel/unclaimed.h"
#include "crypto/crypto.h"
#include "effects/limits.h"

namespace doze::channel {

ShortChannelId local_alias(const Signer& signer, const ChannelId& id) {  // [B2-ready-04]
  auto digest = crypto::hmac_sha256(signer.secret(SecretUse::ScidAlias).reveal(), id.view());
  Reader in(digest.view());
  // A height that no block will have for a century, so that an alias is never a real scid.
  return ShortChannelId::of(16'000'000 + in.u32() % 700'000, in.u32() & 0xff'ffff, in.u16());
}

void update_balances(ChannelView& view, const Channel& channel) {
  if (!channel.usable()) return;
  view.spendable = commitment::spendable(channel.commitments);
  view.receivable = commitment::receivable(channel.commitments);
}

namespace {
/// One line for people: what the channel waits for, or how it closed.
std::string status_of(const Channel& channel, const ChannelView& view) {
  if (!channel.status.empty()) return channel.status;
  std::string out = name(view.phase);
  if (channel.is<AwaitingReady>()) {
    out = !channel.confirmed()  ? "waits for the funding transaction"
          : !channel.sent_ready ? "waits for confirmations"
                                : "waits for the peer's channel_ready";
  } else if (channel.is<Normal>()) {
    out = channel.reorganised
              ? "the funding transaction was reorganised out of the chain: nothing is accepted until it has " +
                    std::to_string(channel.minimum_depth) + " confirmations again"
          : view.usable          ? "open"
          : !channel.connected() ? "the peer is offline"
                                 : "re-establishing";
  }

  if (channel.held_back) out = "force close waits for the peer's channel_reestablish: " + channel.held_back->why;
  if (const auto* talk = std::get_if<Negotiating>(&channel.state); talk != nullptr && !talk->stuck.empty())
    out = "closing: " + talk->stuck;
  if (channel.low_since) out += "; the feerate is below the mempool's minimum: only the peer can raise it";
  if (auto pending = pending_htlcs(channel.commitments); channel.closing() && pending.count != 0)
    out = "closing: waits for " + std::to_string(pending.count) + " HTLCs, which end by height " +
          std::to_string(pending.last_expiry.value());
  return out;
}
}  // namespace

ChannelView view_of(const Channel& channel, const Signer& signer) {
  ChannelView out;
  out.channel_id = channel.id;
  out.peer = channel.peer;
  out.phase = phase_of(channel.state);
  out.announced = channel.announce;
  out.usable = channel.usable();
  out.reorganised = channel.reorganised;
  if (channel.confirmed()) out.scid = channel.scid();
  out.alias_only = channel.scid_alias_type;
  out.local_alias = local_alias(signer, channel.id);
  out.remote_alias = channel.remote_alias;

  const auto& c = channel.commitments;
  out.capacity = c.params.capacity;
  const auto& remote = signable_remote(c).spec;
  const auto& local = signable_local(c).spec;
  out.local_balance = c.local.spec.to_local;
  out.remote_balance = c.local.spec.to_remote;
  update_balances(out, channel);
  out.htlc_minimum_remote = c.params.remote.htlc_minimum;
  out.max_held_received = kMaxHeldPerChannel;
  for (const Spec* spec : std::initializer_list<const Spec*>{&c.local.spec, &c.remote.spec, &remote, &local})
    for (const auto& [id, htlc] : spec->htlcs) (id.offered ? out.offered_htlcs : out.received_htlcs).insert(id.id);

  out.format = c.params.format;
  out.funder = c.params.funder;
  out.funding = c.params.funding;
  out.feerate = c.local.spec.feerate;
  out.key_index = channel.key_index;
  out.usable_since = channel.usable_since;
  out.minimum_depth = channel.minimum_depth;

  out.closing_txid = channel.closed_by;
  if (!out.closing_txid && !channel.closing_transaction.empty())
    if (auto closing = bitcoin::parse_transaction(channel.closing_transaction))
      out.closing_txid = bitcoin::txid(*closing);
  if (channel.closed_height != BlockHeight(0)) out.closing_height = channel.closed_height;
  if (channel.is<Closed>()) out.unclaimed = sum(channel.unclaimed);
  if (channel.is<Unilateral>()) out.pending_close = sum(unclaimed_of_ours(channel));
  if (channel.close) {
    auto sums = onchain::sums(*channel.close);
    out.pending_close = sums.pending;
    out.at_risk = sums.at_risk;
    out.claimed = sums.claimed;
    out.lost = sums.lost;
    out.received_htlcs.clear();
    for (const auto& [id, in_balance] : channel.close->received) out.received_htlcs.insert(id);
    out.offered_htlcs.clear();
    for (const auto& [id, item] : channel.offered) out.offered_htlcs.insert(id);
  }
  out.status = status_of(channel, out);
  return out;
}

void list_channels(Work& work, RequestId request, const command::ListChannels& command) {
  List list;
  auto height = work.context.tip;
  auto since = [&](BlockHeight block) { return height < block ? 0 : height.value() - block.value() + 1; };
  for (const auto& [id, channel] : work.context.views.channels) {
    if (channel.over() && !command.closed) continue;
    bool left = channel.phase == ChannelPhase::Closed && channel.unclaimed > Sat(0);
    bool young = channel.phase == ChannelPhase::Opening && channel.scid;
    auto confirmations = young ? since(BlockHeight(channel.scid->block())) : 0;
    auto status = channel.status;
    if (young && confirmations < channel.minimum_depth)
      status = std::to_string(confirmations) + " of " + std::to_string(channel.minimum_depth) + " confirmations";
    if (left) status += ": an older version kept too little of it to claim our money";
    Value out;
    out.set("channel_id", id.hex()).set("peer", channel.peer.hex());
    out.set("phase", left ? "unclaimed" : name(channel.phase));
    out.set("usable", channel.usable).set("status", std::move(status));
    if (channel.phase == ChannelPhase::Opening)
      out.set("confirmations", confirmations).set("confirmations_needed", channel.minimum_depth);
    if (channel.scid) out.set("short_channel_id", scid_text(*channel.scid));
    out.set("announced", channel.announced).set("channel_type", commitment::name(channel.format));
    out.set("funder", channel.funder).set("capacity_sat", channel.capacity.value());
    out.set("local_balance_msat", channel.local_balance.value())
        .set("remote_balance_msat", channel.remote_balance.value());
    out.set("spendable_msat", channel.spendable.value()).set("receivable_msat", channel.receivable.value());
    out.set("offered_htlcs", std::uint64_t{channel.offered_htlcs.size()});
    out.set("received_htlcs", std::uint64_t{channel.received_htlcs.size()});
    out.set("feerate_per_kw", channel.feerate.value());
    if (channel.funding) out.set("funding", bitcoin::outpoint_to_string(*channel.funding));
    out.set("unclaimed_sat", channel.unclaimed.value());
    out.set("pending_close_sat", channel.pending_close.value()).set("at_risk_sat", channel.at_risk.value());
    if (channel.phase == ChannelPhase::OnChain)
      out.set("claimed_sat", channel.claimed.value()).set("lost_sat", channel.lost.value());
    if (channel.closing_txid) out.set("closing_txid", bitcoin::txid_to_string(*channel.closing_txid));
    if (channel.closing_height)
      out.set("closing_height", channel.closing_height->value())
          .set("closing_confirmations", since(*channel.closing_height));
    list.push_back(std::move(out));
  }
  work.reply(request, Value().set("channels", std::move(list)));
}

}  // namespace doze::channel
