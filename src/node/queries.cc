#include "node/queries.h"

#include "base/version.h"
#include "bitcoin/address.h"
#include "bitcoin/script.h"
#include "effects/limits.h"
#include "offers/bolt11.h"
#include "offers/invitation.h"
#include "offers/invoice.h"
#include "offers/invoice_request.h"
#include "offers/offer.h"

namespace doze::node {
namespace {

std::string scid_text(ShortChannelId scid) {
  return std::to_string(scid.block()) + "x" + std::to_string(scid.tx()) + "x" + std::to_string(scid.output());
}

Value describe(const offers::Offer& offer) {
  Value out;
  out.set("type", "offer").set("offer_id", offer.id().hex());
  if (offer.description()) out.set("description", escape_untrusted(*offer.description()));
  if (offer.issuer()) out.set("issuer", escape_untrusted(*offer.issuer()));
  if (auto amount = offer.amount()) out.set("amount_msat", amount->value());
  if (offer.currency()) out.set("currency", escape_untrusted(*offer.currency()));
  if (auto amount = offer.currency_amount()) out.set("currency_amount", *amount);
  if (offer.quantity_max()) out.set("quantity_max", *offer.quantity_max());
  if (offer.absolute_expiry()) out.set("expires_at", time_text(*offer.absolute_expiry()));
  if (offer.issuer_id()) out.set("issuer_id", offer.issuer_id()->hex());
  List chains;
  for (const auto& chain : offer.chains()) chains.push_back(chain.hex());
  if (!chains.empty()) out.set("chains", std::move(chains));
  List paths;
  for (const auto& path : offer.paths()) {
    Value item;
    if (const auto* node = std::get_if<NodeId>(&path.first_node_id)) item.set("first_node_id", node->hex());
    item.set("hops", std::uint64_t{path.path.size()});
    paths.push_back(std::move(item));
  }
  out.set("paths", std::move(paths));
  return out;
}

Value describe(const offers::Invitation& invitation) {
  Value out;
  out.set("type", "invitation").set("profile", name(invitation.profile)).set("raw", invitation.raw);
  if (invitation.server) out.set("server", invitation.server->hex());
  List addresses;
  for (const auto& address : invitation.addresses) addresses.push_back(wire::to_text(address));
  out.set("addresses", std::move(addresses)).set("paths", std::uint64_t{invitation.paths.size()});
  if (invitation.absolute_expiry) out.set("expires_at", time_text(*invitation.absolute_expiry));
  return out;
}

Value describe(const offers::Invoice& invoice) {
  Value out;
  out.set("type", "invoice")
      .set("offer_id", invoice.offer().id().hex())
      .set("payment_hash", invoice.payment_hash().hex());
  out.set("amount_msat", invoice.amount().value()).set("created_at", time_text(invoice.created_at()));
  out.set("expires_at", time_text(invoice.expires_at())).set("node_id", invoice.node_id().hex());
  return out;
}

Value describe(const offers::Bolt11Invoice& invoice) {
  Value out;
  out.set("type", "bolt11_invoice").set("network", wire::name(invoice.network()));
  out.set("payment_hash", invoice.payment_hash().hex()).set("payee", invoice.payee().hex());
  if (invoice.amount()) out.set("amount_msat", invoice.amount()->value());
  if (invoice.description()) out.set("description", escape_untrusted(*invoice.description()));
  if (invoice.description_hash()) out.set("description_hash", invoice.description_hash()->hex());
  out.set("created_at", invoice.timestamp().value()).set("expires_at", invoice.expires_at().value());
  out.set("min_final_cltv_expiry_delta", invoice.min_final_cltv_expiry_delta().value());
  if (invoice.metadata()) out.set("payment_metadata", to_hex(*invoice.metadata()));
  List features, hints, fallbacks;
  for (auto bit : invoice.features().bits()) features.push_back(std::uint64_t{bit});
  out.set("features", std::move(features));
  for (const auto& hint : invoice.route_hints()) {
    List hops;
    for (const auto& hop : hint.hops)
      hops.push_back(Value()
                         .set("node_id", hop.node_id.hex())
                         .set("short_channel_id", scid_text(hop.short_channel_id))
                         .set("fee_base_msat", hop.fee_base_msat)
                         .set("fee_proportional_millionths", hop.fee_proportional_millionths)
                         .set("cltv_expiry_delta", hop.cltv_expiry_delta));
    hints.push_back(Value().set("hops", std::move(hops)));
  }
  if (!hints.empty()) out.set("route_hints", std::move(hints));
  for (const auto& fallback : invoice.fallbacks())
    fallbacks.push_back(
        Value().set("version", std::uint64_t{fallback.version}).set("program", to_hex(fallback.program)));
  if (!fallbacks.empty()) out.set("fallbacks", std::move(fallbacks));
  return out;
}

Value describe(const offers::InvoiceRequest& request) {
  Value out;
  out.set("type", "invoice_request")
      .set("offer_id", request.offer_id().hex())
      .set("payer_id", request.payer_id().hex());
  if (request.amount()) out.set("amount_msat", request.amount()->value());
  if (request.quantity()) out.set("quantity", *request.quantity());
  if (request.payer_note()) out.set("payer_note", escape_untrusted(*request.payer_note()));
  return out;
}

template <class T>
Reply reply_of(RequestId id, const Result<T, ParseError>& read, const char* what) {
  if (read) return {id, describe(*read)};
  return {id, CommandError{
                  CommandErrorCode::BadRequest, std::string("no valid ") + what + ": " + describe(read.error()), {}}};
}

}  // namespace

Value describe_node(const Node::Inside& node) {
  std::uint64_t local = 0, remote = 0, usable = 0;
  for (const auto& [id, channel] : channel::views(node.channels)) {
    if (channel.phase == ChannelPhase::Closed) continue;
    local += channel.local_balance.value();
    remote += channel.remote_balance.value();
    usable += channel.usable ? 1 : 0;
  }
  auto funds = wallet::balance(node.wallet);
  Value chain;
  chain.set("connected", node.chain.connected).set("synced", node.chain.synced);
  if (!node.chain.detail.empty()) chain.set("detail", node.chain.detail);
  Value out;
  out.set("node_id", node.signer.node_id().hex()).set("alias", escape_untrusted(node.config.alias));
  out.set("version", kVersion);
  out.set("network", wire::name(node.config.network));
  out.set("role", node.config.role == Role::Client ? "client" : "server");
  out.set("block_height", node.height().value());
  if (!node.chain_tail.empty()) out.set("block_hash", bitcoin::block_hash_to_string(node.chain_tail.back().hash));
  out.set("chain", std::move(chain));
  out.set("peers", std::uint64_t{peer::views(node.peers).size()});
  out.set("channels", std::uint64_t{channel::views(node.channels).size()}).set("channels_usable", usable);
  out.set("channel_balance_msat", local).set("channel_inbound_msat", remote);
  out.set("onchain_confirmed_sat", funds.confirmed.value()).set("onchain_unconfirmed_sat", funds.unconfirmed.value());
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

Value describe_channels(const Views& views) {
  List list;
  for (const auto& [id, channel] : views.channels) {
    Value out;
    out.set("channel_id", id.hex()).set("peer", channel.peer.hex()).set("phase", name(channel.phase));
    out.set("usable", channel.usable).set("status", channel.status);
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
    list.push_back(std::move(out));
  }
  return Value().set("channels", std::move(list));
}

Reply decode_text(RequestId request, const std::string& text) {
  if (text.starts_with("lno") || text.starts_with("LNO")) return reply_of(request, offers::Offer::parse(text), "offer");
  if (text.starts_with("lnai") || text.starts_with("LNAI"))
    return reply_of(request, offers::Invitation::parse(text), "invitation");
  if (text.starts_with("lnr")) return reply_of(request, offers::InvoiceRequest::parse_text(text), "invoice_request");
  if (text.starts_with("lni")) return reply_of(request, offers::Invoice::parse_text(text), "invoice");
  if (auto bolt11 = offers::bolt11_text(text))
    return reply_of(request, offers::Bolt11Invoice::parse(*bolt11), "BOLT 11 invoice");
  if (from_hex(text) && text.size() >= 8) return reply_of(request, offers::Invitation::parse(text), "raw invitation");
  return {request,
          CommandError{CommandErrorCode::BadRequest,
                       "expected an offer (lno1…), an invitation (lnai1… or hex), an invoice_request (lnr1…), an "
                       "invoice (lni1…) or a BOLT 11 invoice (lnbc…, lntb…, lntbs…, lnbcrt…)",
                       {}}};
}

Result<Bytes, CommandError> closing_script(const Node::Inside& node, const command::CloseChannel& command) {
  const auto& channels = channel::views(node.channels);
  auto channel = channels.find(command.channel_id);
  if (channel == channels.end())
    return fail(CommandError{CommandErrorCode::NotFound, "no such channel: see listchannels", {}});
  if (!command.address)
    return bitcoin::p2wpkh_script(
        node.signer.wallet_key(false, kChannelScriptIndexBase + static_cast<std::uint32_t>(channel->second.key_index)));
  auto script = bitcoin::script_of_address(*command.address, wire::address_prefix(node.config.network));
  if (!script)
    return fail(CommandError{CommandErrorCode::BadRequest, "no valid address: " + describe(script.error()), {}});
  return *std::move(script);
}

}  // namespace doze::node
