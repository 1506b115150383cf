#include "invoicing/inside.h"

namespace doze::invoicing {
namespace {

const char* status_of(const OwnOffer& own, const Context& context) {
  if (own.disabled) return wants_withdrawal(own, context) ? "withdrawing" : "disabled";
  if (own.offer.expired(context.wall)) return "expired";
  if (!own.async) return "active";
  return own.acknowledged.value() != 0 ? "served" : "waiting for the server";
}

}  // namespace

Value describe(const OwnOffer& own, const Context& context) {
  Value out;
  out.set("offer_id", own.offer.id().hex());
  out.set("offer", own.offer.text());
  out.set("status", status_of(own, context));
  if (wants_withdrawal(own, context))
    out.set("message", "the server does not know yet and may lead payers to it: it is told when it can be reached");
  out.set("async", own.async);
  if (auto amount = own.offer.amount()) out.set("amount_msat", amount->value());
  out.set("description", own.offer.description().value_or(""));
  if (own.offer.absolute_expiry()) out.set("expires_at", time_text(*own.offer.absolute_expiry()));
  if (own.async) {
    out.set("profile", name(own.profile)).set("server", own.server.hex()).set("slot", own.slot);
    if (own.acknowledged.value() != 0) out.set("invoice_acknowledged_at", time_text(own.acknowledged));
  }
  out.set("payments", own.payments).set("received_msat", own.received.value());
  return out;
}

Value describe_offers(const Invoicing::Inside& state, const Context& context) {
  List offers;
  for (const auto& [id, own] : state.own) offers.push_back(describe(own, context));
  return Value().set("offers", std::move(offers));
}

Value describe_invitations(const Invoicing::Inside& state, UnixTime now) {
  List list;
  for (const auto& [id, invitation] : state.invitations) {
    bool expired = invitation.expires_at && now > *invitation.expires_at;
    Value out;
    out.set("id", to_hex(id)).set("label", invitation.label).set("profile", name(invitation.profile));
    out.set("status", invitation.revoked ? "revoked" : invitation.recipient ? "used" : expired ? "expired" : "open");
    out.set("created_at", time_text(invitation.created_at));
    if (invitation.expires_at) out.set("expires_at", time_text(*invitation.expires_at));
    if (invitation.recipient) out.set("recipient", invitation.recipient->hex());
    list.push_back(std::move(out));
  }
  return Value().set("invitations", std::move(list));
}

Value describe_served(const Invoicing::Inside& state, const Context& context) {
  List list, servers;
  for (const auto& [key, served] : state.served) {
    Value out;
    out.set("invitation", to_hex(key.invitation)).set("slot", key.slot);
    if (auto it = state.invitations.find(key.invitation); it != state.invitations.end() && it->second.recipient)
      out.set("recipient", it->second.recipient->hex());
    out.set("offer_id", served.offer_id.hex())
        .set("profile", name(served.profile))
        .set("bytes", std::uint64_t{served.invoice.size()});
    out.set("created_at", time_text(served.created_at)).set("expires_at", time_text(served.expires_at));
    out.set("status", served.withdrawn ? "withdrawn" : served.expired(context.wall) ? "expired" : "served");
    out.set("requests", served.requests);
    list.push_back(std::move(out));
  }
  for (const auto& [id, own] : state.own) {  // ours, at servers that we joined
    if (!own.async) continue;
    Value out;
    out.set("server", own.server.hex()).set("slot", own.slot).set("offer_id", id.hex());
    out.set("profile", name(own.profile)).set("status", status_of(own, context));
    if (own.acknowledged.value() != 0) out.set("created_at", time_text(own.acknowledged));
    list.push_back(std::move(out));
  }
  for (const auto& [id, joined] : state.joined)
    servers.push_back(Value()
                          .set("server", id.hex())
                          .set("profile", name(joined.profile))
                          .set("status", joined.left ? "leaving" : "joined")
                          .set("joined_at", time_text(joined.joined_at)));
  return Value().set("static_invoices", std::move(list)).set("servers", std::move(servers));
}

}  // namespace doze::invoicing
