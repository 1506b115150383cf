#include "toolbox/bolt11.h"

#include "bitcoin/address.h"
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
Value show_hint(const offers::bolt11::RouteHint& hint) {
  List hops;
  for (const auto& hop : hint.hops)
    hops.push_back(Value()
                       .set("node_id", hop.node_id.hex())
                       .set("short_channel_id", show(hop.short_channel_id))
                       .set("fee_base_msat", hop.fee_base_msat)
                       .set("fee_proportional_millionths", hop.fee_proportional_millionths)
                       .set("cltv_expiry_delta", hop.cltv_expiry_delta));
  return hops;
}
/// BOLT 11, field `f`: versions 0 to 16 are segwit programs, 17 is P2PKH, 18 P2SH. Empty for others.
Bytes script_of(const offers::bolt11::Fallback& fallback) {
  const auto& program = fallback.program;
  if (fallback.version == 17 && program.size() == 20)
    return Writer().u8(0x76).u8(0xa9).u8(20).bytes(program).u8(0x88).u8(0xac).take();
  if (fallback.version == 18 && program.size() == 20) return Writer().u8(0xa9).u8(20).bytes(program).u8(0x87).take();
  if (fallback.version > 16 || program.size() < 2 || program.size() > 40) return {};
  auto version = static_cast<std::uint8_t>(fallback.version == 0 ? 0 : 0x50 + fallback.version);
  return Writer().u8(version).u8(static_cast<std::uint8_t>(program.size())).bytes(program).take();
}
Value show_fallback(const offers::bolt11::Fallback& fallback, wire::Network network) {
  Value out;
  if (auto address = bitcoin::address_of_script(script_of(fallback), wire::address_prefix(network)))
    out.set("address", *address);
  return out.set("version", std::uint64_t{fallback.version}).set("program", to_hex(fallback.program));
}
/// Each field may occur more than once. BOLT 11, "Tagged Fields".
void set_fields(Value& out, const offers::Bolt11Invoice& invoice) {
  namespace f = offers::bolt11;
  List hints, fallbacks, unknown;
  for (const auto& field : invoice.terms().fields) {
    if (const auto* hint = std::get_if<f::RouteHint>(&field)) hints.push_back(show_hint(*hint));
    if (const auto* fallback = std::get_if<f::Fallback>(&field))
      fallbacks.push_back(show_fallback(*fallback, invoice.network()));
    if (const auto* other = std::get_if<f::Unknown>(&field))
      unknown.push_back(Value().set("type", std::uint64_t{other->type}).set("groups", to_hex(other->groups)));
  }
  if (!hints.empty()) out.set("route_hints", std::move(hints));
  if (!fallbacks.empty()) out.set("fallbacks", std::move(fallbacks));
  if (!unknown.empty()) out.set("unknown_fields", std::move(unknown));
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
  out.set("type", "bolt11_invoice");
  // `lntb` was also the prefix of testnet3.
  out.set("network", invoice->network() == wire::Network::Testnet4 ? "testnet 3 or 4 (the prefix is the same)"
                                                                   : wire::name(invoice->network()));
  if (invoice->amount()) out.set("amount_msat", invoice->amount()->value());
  set_time(out, "timestamp", invoice->timestamp());
  set_time(out, "expires_at", invoice->expires_at());
  out.set("payment_hash", invoice->payment_hash().hex()).set("payment_secret", invoice->payment_secret().hex());
  if (auto description = invoice->description()) out.set("description", std::string(*description));
  if (auto hash = invoice->description_hash()) out.set("description_hash", hash->hex());
  if (auto metadata = invoice->metadata()) out.set("metadata", to_hex(*metadata));
  out.set("payee", invoice->payee().hex());
  out.set("min_final_cltv_expiry_delta", invoice->min_final_cltv_expiry_delta().value());
  out.set("features", show(invoice->features()));
  set_fields(out, *invoice);
  return out;
}

}  // namespace doze::toolbox
