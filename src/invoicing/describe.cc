#include "invoicing/inside.h"

namespace doze::invoicing {
namespace {

const char* status_of(const OwnOffer& own) {
  return own.disabled                    ? "disabled"
         : !own.async                    ? "active"
         : own.acknowledged.value() != 0 ? "served"
                                         : "waiting for the server";
}

}  // namespace

Value describe(const OwnOffer& own) {
  Value out;
  out.set("offer_id", own.offer.id().hex());
  out.set("offer", own.offer.text());
  out.set("status", status_of(own));
  out.set("async", own.async);
  if (auto amount = own.offer.amount()) out.set("amount_msat", amount->value());
  out.set("description", escape_untrusted(own.offer.description().value_or("")));
  if (own.offer.absolute_expiry()) out.set("expires_at", time_text(*own.offer.absolute_expiry()));
  if (own.async) {
    out.set("profile", name(own.profile)).set("server", own.server.hex()).set("slot", own.slot);
    if (own.acknowledged.value() != 0) out.set("invoice_acknowledged_at", time_text(own.acknowledged));
  }
  out.set("payments", own.payments).set("received_msat", own.received.value());
  return out;
}

Value describe_offers(const Invoicing::Inside& state) {
  List offers;
  for (const auto& [id, own] : state.own) offers.push_back(describe(own));
  return Value().set("offers", std::move(offers));
}

Value describe_invitations(const Invoicing::Inside& state, UnixTime now) {
  List list;
  for (const auto& [id, invitation] : state.invitations) {
    bool expired = invitation.expires_at && now > *invitation.expires_at;
    Value out;
    out.set("id", to_hex(id)).set("label", escape_untrusted(invitation.label)).set("profile", name(invitation.profile));
    out.set("status", invitation.revoked ? "revoked" : invitation.recipient ? "used" : expired ? "expired" : "open");
    out.set("created_at", time_text(invitation.created_at));
    if (invitation.expires_at) out.set("expires_at", time_text(*invitation.expires_at));
    if (invitation.recipient) out.set("recipient", invitation.recipient->hex());
    list.push_back(std::move(out));
  }
  return Value().set("invitations", std::move(list));
}

Value describe_served(const Invoicing::Inside& state, UnixTime now) {
  List list;
  for (const auto& [key, served] : state.served) {
    Value out;
    out.set("invitation", to_hex(key.invitation)).set("slot", key.slot);
    if (auto it = state.invitations.find(key.invitation); it != state.invitations.end() && it->second.recipient)
      out.set("recipient", it->second.recipient->hex());
    out.set("offer_id", served.offer_id.hex())
        .set("profile", name(served.profile))
        .set("bytes", std::uint64_t{served.invoice.size()});
    out.set("created_at", time_text(served.created_at)).set("expires_at", time_text(served.expires_at));
    out.set("status", served.expired(now) ? "expired" : "served");
    out.set("requests", served.requests);
    list.push_back(std::move(out));
  }
  for (const auto& [id, own] : state.own) {  // ours, at servers that we joined
    if (!own.async) continue;
    Value out;
    out.set("server", own.server.hex()).set("slot", own.slot).set("offer_id", id.hex());
    out.set("profile", name(own.profile)).set("status", status_of(own));
    if (own.acknowledged.value() != 0) out.set("created_at", time_text(own.acknowledged));
    list.push_back(std::move(out));
  }
  return Value().set("static_invoices", std::move(list));
}

}  // namespace doze::invoicing
