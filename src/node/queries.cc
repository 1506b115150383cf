#include "node/queries.h"

#include "base/texts.h"
#include "base/version.h"
#include "bitcoin/address.h"
#include "bitcoin/script.h"
#include "effects/limits.h"

namespace doze::node {

namespace {
/// Nothing happens in it any more, and nothing of ours is left.
bool is_over(const ChannelView& channel) {
  return channel.phase == ChannelPhase::Closed && channel.unclaimed == Sat(0);
}
}  // namespace

Value describe_node(const Node::Inside& node) {
  std::uint64_t local = 0, remote = 0, usable = 0, open = 0;
  Sat unclaimed;
  for (const auto& [id, channel] : channel::views(node.channels)) {
    unclaimed += channel.unclaimed;
    open += is_over(channel) ? 0 : 1;
    if (channel.phase == ChannelPhase::Closed || channel.phase == ChannelPhase::ForceClosing) continue;
    local += channel.local_balance.value();
    remote += channel.remote_balance.value();
    usable += channel.usable ? 1 : 0;
  }
  auto funds = wallet::balance(node.wallet);
  Value chain;
  chain.set("connected", node.chain.connected).set("synced", node.chain.synced);
  if (!node.chain.trouble.empty()) chain.set("trouble", node.chain.trouble);
  if (node.chain_since) chain.set("since", time_text(*node.chain_since));
  if (!node.chain.detail.empty()) chain.set("detail", node.chain.detail);
  Value out;
  out.set("node_id", node.signer.node_id().hex()).set("alias", node.config.alias);
  out.set("version", kVersion);
  out.set("network", wire::name(node.config.network));
  out.set("role", node.config.role == Role::Client ? "client" : "server");
  out.set("block_height", node.height().value());
  if (!node.chain_tail.empty()) out.set("block_hash", bitcoin::block_hash_to_string(node.chain_tail.back().hash));
  out.set("chain", std::move(chain));
  out.set("peers", std::uint64_t{peer::views(node.peers).size()});
  out.set("channels", open).set("channels_usable", usable);
  out.set("channel_balance_msat", local).set("channel_inbound_msat", remote);
  out.set("unclaimed_sat", unclaimed.value());
  out.set("onchain_confirmed_sat", funds.confirmed.value())
      .set("onchain_unconfirmed_change_sat", funds.unconfirmed.value())
      .set("onchain_unconfirmed_deposits_sat", funds.deposits.value());
  List addresses;
  for (const auto& address : node.config.announced_addresses) addresses.push_back(wire::to_text(address));
  out.set("addresses", std::move(addresses));
  const auto& graph = gossip::graph(node.gossip);
  std::uint64_t dialable = 0;
  graph.for_each_node(
      [&](const graph::Node& known) { dialable += known.announced && !known.announced->addresses.empty() ? 1 : 0; });
  out.set("graph_channels", std::uint64_t{graph.channels().size()}).set("graph_nodes_with_address", dialable);
  return out;
}

Value describe_channels(const Views& views, BlockHeight height, bool closed) {
  List list;
  auto since = [&](BlockHeight block) { return height < block ? 0 : height.value() - block.value() + 1; };
  for (const auto& [id, channel] : views.channels) {
    if (is_over(channel) && !closed) continue;
    bool left = channel.phase == ChannelPhase::Closed && channel.unclaimed > Sat(0);
    bool young = channel.phase == ChannelPhase::Opening && channel.scid;
    auto confirmations = young ? since(BlockHeight(channel.scid->block())) : 0;
    auto status = channel.status;
    if (young && confirmations < channel.minimum_depth)
      status = std::to_string(confirmations) + " of " + std::to_string(channel.minimum_depth) + " confirmations";
    if (left) status += ": this version cannot claim our money in it";
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
    if (channel.closing_txid) out.set("closing_txid", bitcoin::txid_to_string(*channel.closing_txid));
    if (channel.closing_height)
      out.set("closing_height", channel.closing_height->value())
          .set("closing_confirmations", since(*channel.closing_height));
    list.push_back(std::move(out));
  }
  return Value().set("channels", std::move(list));
}

Result<Bytes, CommandError> closing_script(const Node::Inside& node, const command::CloseChannel& command) {
  if (!channel::views(node.channels).contains(command.channel_id))
    return fail(CommandError{CommandErrorCode::NotFound, "channel_id: no such channel: see listchannels", {}});
  if (!command.address) return Bytes();  // the channel takes a closing script of the wallet
  auto script = bitcoin::script_of_address(*command.address, wire::address_prefix(node.config.network));
  if (!script)
    return fail(
        CommandError{CommandErrorCode::BadRequest, "address: not a valid address: " + describe(script.error()), {}});
  return *std::move(script);
}

}  // namespace doze::node
