#include "toolbox/bolt11.h"

#include "offers/bolt11.h"
#include "toolbox/show.h"

namespace doze::toolbox {

bool is_bolt11(std::string_view lower_text) {
  for (std::string_view prefix : {"lnbcrt", "lnbc", "lntbs", "lntb"}) {
    if (!lower_text.starts_with(prefix)) continue;
    auto rest = lower_text.substr(prefix.size());
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return true;
  }
  return false;
}

namespace {
void set_bolt11_field(Value& out, const offers::bolt11::Field& field) {
  namespace f = offers::bolt11;
  if (const auto* hint = std::get_if<f::RouteHint>(&field)) {
    List hops;
    for (const auto& hop : hint->hops)
      hops.push_back(Value()
                         .set("node_id", hop.node_id.hex())
                         .set("short_channel_id", show(hop.short_channel_id))
                         .set("fee_base_msat", hop.fee_base_msat)
                         .set("fee_proportional_millionths", hop.fee_proportional_millionths)
                         .set("cltv_expiry_delta", hop.cltv_expiry_delta));
    out.set("route_hint", std::move(hops));
  } else if (const auto* fallback = std::get_if<f::Fallback>(&field)) {
    out.set("fallback_version", std::uint64_t{fallback->version}).set("fallback_program", to_hex(fallback->program));
  } else if (const auto* unknown = std::get_if<f::Unknown>(&field)) {
    out.set("unknown_" + std::to_string(unknown->type), to_hex(unknown->groups));
  }
}
}  // namespace

Result<Value, Problem> decode_bolt11(std::string_view text) {
  auto invoice = offers::Bolt11Invoice::parse(text);
  if (!invoice) {
    auto out = problem("bolt11_invoice", rule_of(invoice.error()));
    if (invoice.error().code == ParseCode::UnknownEven)
      out.rule += " (feature bit " + std::to_string(invoice.error().where) + ")";
    else
      out.character = static_cast<std::size_t>(invoice.error().where) + 1;
    return fail(std::move(out));
  }
  Value out;
  out.set("type", "bolt11_invoice").set("network", wire::name(invoice->network()));
  if (invoice->amount()) out.set("amount_msat", invoice->amount()->value());
  set_time(out, "timestamp", invoice->timestamp());
  set_time(out, "expires_at", invoice->expires_at());
  out.set("payment_hash", invoice->payment_hash().hex()).set("payment_secret", invoice->payment_secret().hex());
  if (auto description = invoice->description()) out.set("description", show_text(*description));
  if (auto hash = invoice->description_hash()) out.set("description_hash", hash->hex());
  if (auto metadata = invoice->metadata()) out.set("metadata", to_hex(*metadata));
  out.set("payee", invoice->payee().hex());
  out.set("min_final_cltv_expiry_delta", invoice->min_final_cltv_expiry_delta().value());
  out.set("features", show(invoice->features()));
  for (const auto& field : invoice->terms().fields) set_bolt11_field(out, field);
  return out;
}

}  // namespace doze::toolbox
