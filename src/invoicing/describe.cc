#include "invoicing/inside.h"

namespace doze::invoicing {
namespace {

std::uint64_t seconds_left(UnixTime expiry, UnixTime now) {
  return expiry > now ? expiry.value() - now.value() : 0;
}

}  // namespace

Value describe(const OwnOffer& own) {
  Value out;
  out.set("offer_id", own.offer.id().hex());
  out.set("offer", own.offer.text());
  const char* status = own.disabled                    ? "disabled"
                       : !own.async                    ? "active"
                       : own.acknowledged.value() != 0 ? "served"
                                                       : "waiting for the server";
  out.set("status", status);
  out.set("async", own.async);
  if (auto amount = own.offer.amount()) out.set("amount_msat", amount->value());
  out.set("description", escape_untrusted(own.offer.description().value_or("")));
  if (own.offer.absolute_expiry()) out.set("expires_at", own.offer.absolute_expiry()->value());
  if (own.async) {
    out.set("profile", name(own.profile)).set("server", own.server.hex()).set("slot", own.slot);
    out.set("invoice_acknowledged_at", own.acknowledged.value());
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
    out.set("created_at", invitation.created_at.value());
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
    out.set("offer_id", served.invoice.offer_id().hex()).set("profile", name(served.invoice.profile()));
    out.set("bytes", std::uint64_t{served.invoice.bytes().size()});
    out.set("created_at", served.invoice.created_at().value());
    out.set("expires_in_s", seconds_left(served.invoice.expires_at(), now));
    out.set("requests", served.requests);
    list.push_back(std::move(out));
  }
  return Value().set("static_invoices", std::move(list));
}

}  // namespace doze::invoicing
