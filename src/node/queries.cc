#include "node/queries.h"

#include "base/texts.h"
#include "base/version.h"
#include "effects/limits.h"

namespace doze::node {

Value describe_node(const Node::Inside& node) {
  std::uint64_t local = 0, remote = 0, usable = 0, open = 0;
  Sat unclaimed, pending_close, at_risk;
  for (const auto& [id, channel] : channel::views(node.channels)) {
    unclaimed += channel.unclaimed;
    pending_close += channel.pending_close;
    at_risk += channel.at_risk;
    open += channel.over() ? 0 : 1;
    if (channel.phase == ChannelPhase::Closed || channel.phase == ChannelPhase::ForceClosing ||
        channel.phase == ChannelPhase::OnChain)
      continue;
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
  out.set("pending_close_sat", pending_close.value()).set("at_risk_sat", at_risk.value());
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

}  // namespace doze::node
