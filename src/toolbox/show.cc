#include "toolbox/show.h"

#include "base/texts.h"
#include "toolbox/streams.h"
#include "wire/chains.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {
constexpr wire::Network kNetworks[] = {wire::Network::Mainnet, wire::Network::Testnet4, wire::Network::Signet,
                                       wire::Network::Regtest};
}  // namespace

void set_time(Value& out, const std::string& name, UnixTime time) {
  out.set(name, time_text(time)).set(name + "_unix", time.value());
}

Value show(const wire::FeatureBits& features) {
  List out;
  for (auto bit : features.bits()) {
    const auto* name = wire::feature_name(bit);
    out.push_back(std::to_string(bit) + " " + (name == nullptr ? "unassigned" : name) +
                  (bit % 2 == 0 ? " compulsory" : " optional"));
  }
  return out;
}

std::string show(ShortChannelId scid) {
  return scid_text(scid);
}

std::string show(const ChainHash& chain) {
  for (auto network : kNetworks)
    if (wire::chain_hash(network) == chain) return std::string(wire::name(network)) + " (" + chain.hex() + ")";
  return chain.hex();
}

Value show(const wire::BlindedPath& path) {
  Value out;
  if (const auto* node = std::get_if<NodeId>(&path.first_node_id)) {
    out.set("first_node_id", node->hex());
  } else {
    const auto& channel = std::get<wire::ScidDir>(path.first_node_id);
    out.set("first_node_channel", show(channel.scid)).set("first_node_direction", std::uint64_t{channel.direction});
  }
  out.set("first_path_key", path.first_path_key.hex());
  List hops;
  for (const auto& hop : path.path)
    hops.push_back(Value()
                       .set("blinded_node_id", hop.blinded_node_id.hex())
                       .set("encrypted_recipient_data", to_hex(hop.encrypted_recipient_data)));
  return out.set("path", std::move(hops));
}

Value show(const std::vector<wire::BlindedPath>& paths) {
  List out;
  for (const auto& path : paths) out.push_back(show(path));
  return out;
}

Value show(const wire::BlindedPayInfo& info) {
  Value out;
  out.set("fee_base_msat", info.fee_base_msat).set("fee_proportional_millionths", info.fee_proportional_millionths);
  out.set("cltv_expiry_delta", info.cltv_expiry_delta);
  out.set("htlc_minimum_msat", info.htlc_minimum_msat.value()).set("htlc_maximum_msat", info.htlc_maximum_msat.value());
  return out.set("features", show(wire::FeatureBits(info.features)));
}

Value show(const onion::RecipientData& data) {
  Value out = Fields{};
  if (data.padding != 0) out.set("padding_bytes", std::uint64_t{data.padding});
  if (data.short_channel_id) out.set("short_channel_id", show(*data.short_channel_id));
  if (data.next_node_id) out.set("next_node_id", data.next_node_id->hex());
  if (data.path_id) out.set("path_id", to_hex(*data.path_id));
  if (data.next_path_key_override) out.set("next_path_key_override", data.next_path_key_override->hex());
  if (data.payment_relay)
    out.set("payment_relay", Value()
                                 .set("cltv_expiry_delta", data.payment_relay->cltv_expiry_delta.value())
                                 .set("fee_proportional_millionths", data.payment_relay->fee_proportional_millionths)
                                 .set("fee_base_msat", data.payment_relay->fee_base_msat.value()));
  if (data.payment_constraints)
    out.set("payment_constraints", Value()
                                       .set("max_cltv_expiry", data.payment_constraints->max_cltv_expiry.value())
                                       .set("htlc_minimum_msat", data.payment_constraints->htlc_minimum_msat.value()));
  if (data.allowed_features) out.set("allowed_features", show(wire::FeatureBits(*data.allowed_features)));
  return out;
}

Value show(const onion::Payload& payload) {
  Value out;
  if (const auto* forward = std::get_if<onion::ForwardPayload>(&payload)) {
    out.set("hop", "forward").set("amt_to_forward_msat", forward->amt_to_forward.value());
    out.set("outgoing_cltv_value", forward->outgoing_cltv_value.value());
    return out.set("short_channel_id", show(forward->short_channel_id));
  }
  if (const auto* blinded = std::get_if<onion::BlindedForwardPayload>(&payload)) {
    out.set("hop", "blinded forward").set("encrypted_recipient_data", to_hex(blinded->encrypted_recipient_data));
    if (blinded->current_path_key) out.set("current_path_key", blinded->current_path_key->hex());
    return out;
  }
  const auto& last = std::get<onion::FinalPayload>(payload);
  out.set("hop", "final").set("amt_to_forward_msat", last.amt_to_forward.value());
  out.set("outgoing_cltv_value", last.outgoing_cltv_value.value());
  if (last.total_amount_msat) out.set("total_amount_msat", last.total_amount_msat->value());
  if (last.encrypted_recipient_data) out.set("encrypted_recipient_data", to_hex(*last.encrypted_recipient_data));
  if (last.current_path_key) out.set("current_path_key", last.current_path_key->hex());
  if (last.payment_secret) out.set("payment_secret", last.payment_secret->hex());
  if (last.payment_metadata) out.set("payment_metadata", to_hex(*last.payment_metadata));
  if (last.invoice_request)
    out.set("invoice_request_profile", name(last.invoice_request_profile))
        .set("invoice_request", to_hex(*last.invoice_request));
  if (last.payment_preimage) out.set("payment_preimage", to_hex(last.payment_preimage->reveal()));
  return out;
}

namespace {
void fill(Value& out, const onion::InvoiceRequest& c) {
  out.set("invoice_request", to_hex(c.bytes));
}
void fill(Value& out, const onion::Invoice& c) {
  out.set("invoice", to_hex(c.bytes));
}
void fill(Value& out, const onion::StaticInvoice& c) {
  out.set("static_invoice", to_hex(c.bytes));
}
void fill(Value& out, const onion::InvoiceError& c) {
  out.set("profile", name(c.profile)).set("invoice_error", to_hex(c.bytes));
}
void fill(Value& out, const onion::OfferPathsRequest& c) {
  out.set("profile", name(c.profile)).set("invoice_slot", c.invoice_slot);
}
void fill(Value& out, const onion::OfferPaths& c) {
  out.set("profile", name(c.profile)).set("paths", show(c.paths));
  if (c.paths_absolute_expiry) set_time(out, "paths_absolute_expiry", *c.paths_absolute_expiry);
}
void fill(Value& out, const onion::ServeStaticInvoice& c) {
  out.set("profile", name(c.profile)).set("invoice", to_hex(c.invoice));
  out.set("forward_invoice_request_path", show(c.forward_invoice_request_path));
}
template <class T>
void fill(Value& out, const T& c) {
  out.set("profile", name(c.profile));
}
}  // namespace

Value show(const onion::MessageContents& contents) {
  Value out;
  out.set("message", onion::name(contents)).set("tlv_type", onion::encode(contents).type);
  std::visit([&](const auto& each) { fill(out, each); }, contents);
  return out;
}

void join(Value& to, const Value& more) {
  if (const auto* fields = std::get_if<Fields>(&more.inner()))
    for (const auto& [name, value] : *fields) to.set(name, value);
}

}  // namespace doze::toolbox
