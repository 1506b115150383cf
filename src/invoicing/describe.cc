#include "invoicing/describe.h"

#include <algorithm>
#include "invoicing/recipient.h"
#include "invoicing/records.h"

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
    out.set("message",
            "the server does not know yet and may still send payers to this offer: it is told as soon as it can be "
            "reached");
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

// ---- lists ----

namespace {

/// The kinds of rows in the list of static invoices. Other lists have one.
constexpr std::uint8_t kServed = 1, kOwn = 2;

PageSource offers_of(const ByTime<OfferId>& rows, std::uint8_t kind, const std::optional<Place>& before,
                     std::function<Value(const OfferId&)> describe) {
  return page_source<OfferId>(
      rows, kind, before, [](const OfferId& id) { return to_bytes(id.view()); },
      [](ByteView bytes) { return OfferId::from(bytes); }, std::move(describe));
}

Bytes bytes_of_id(const Nonce& id) {
  return to_bytes(ByteView(id));
}
std::optional<Nonce> read_id(ByteView bytes) {
  Nonce out{};
  if (bytes.size() != out.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}
std::optional<SlotKey> read_slot(ByteView bytes) {
  Reader in(bytes);
  SlotKey out{in.array<16>(), in.u16()};
  return in.done() ? std::optional(out) : std::nullopt;
}

Value describe(const Invited& invitation, UnixTime now) {
  bool expired = invitation.expires_at && now > *invitation.expires_at;
  Value out;
  out.set("id", to_hex(invitation.id)).set("label", invitation.label).set("profile", name(invitation.profile));
  out.set("status", invitation.revoked ? "revoked" : invitation.recipient ? "used" : expired ? "expired" : "open");
  out.set("created_at", time_text(invitation.created_at));
  if (invitation.expires_at) out.set("expires_at", time_text(*invitation.expires_at));
  if (invitation.recipient) out.set("recipient", invitation.recipient->hex());
  return out;
}

Value describe(const SlotKey& key, const Invoicing::Inside& state, UnixTime now) {
  const auto& served = state.served.find(key)->second;
  Value out;
  out.set("invitation", to_hex(key.invitation)).set("slot", key.slot);
  if (auto it = state.invitations.find(key.invitation); it != state.invitations.end() && it->second.recipient)
    out.set("recipient", it->second.recipient->hex());
  out.set("offer_id", served.offer_id.hex())
      .set("profile", name(served.profile))
      .set("bytes", std::uint64_t{served.invoice.size()});
  out.set("created_at", time_text(served.created_at)).set("expires_at", time_text(served.expires_at));
  out.set("status", served.withdrawn ? "withdrawn" : served.expired(now) ? "expired" : "served");
  out.set("requests", served.requests);
  return out;
}

/// Ours, at a server that we joined.
Value describe_at_server(const OwnOffer& own, const Context& context) {
  Value out;
  out.set("server", own.server.hex()).set("slot", own.slot).set("offer_id", own.offer.id().hex());
  out.set("profile", name(own.profile)).set("status", status_of(own, context));
  if (own.acknowledged.value() != 0) out.set("created_at", time_text(own.acknowledged));
  return out;
}

}  // namespace

void list_offers(Work& work, RequestId request, const command::Page& page) {
  const auto& state = work.state;
  auto row = [&](const OfferId& id) { return describe(state.own.at(id), work.context); };
  work.say(Reply{request, page_of("offers", page, [&](const auto& before) {
                   return std::vector{offers_of(state.own_by_time, 0, before, row)};
                 })});
}

void list_invitations(Work& work, RequestId request, const command::Page& page) {
  const auto& state = work.state;
  auto row = [&](const Nonce& id) { return describe(state.invitations.find(id)->second, work.context.wall); };
  work.say(Reply{request, page_of("invitations", page, [&](const auto& before) {
                   return std::vector{
                       page_source<Nonce>(state.invitations_by_time, 0, before, bytes_of_id, read_id, row)};
                 })});
}

void list_served(Work& work, RequestId request, const command::Page& page) {
  const auto& state = work.state;
  auto own = [&](const OfferId& id) { return describe_at_server(state.own.at(id), work.context); };
  auto row = [&](const SlotKey& key) { return describe(key, state, work.context.wall); };
  auto servers = [&](Value& out) {
    List list;
    for (const auto& [id, joined] : state.joined)
      list.push_back(Value()
                         .set("server", id.hex())
                         .set("profile", name(joined.profile))
                         .set("status", joined.left ? "leaving" : "joined")
                         .set("joined_at", time_text(joined.joined_at)));
    out.set("servers", std::move(list));
  };
  auto sources = [&](const std::optional<Place>& before) {
    auto write = [](const SlotKey& key) { return key_of(key); };
    return std::vector{page_source<SlotKey>(state.served_by_time, kServed, before, write, read_slot, row),
                       offers_of(state.async_by_time, kOwn, before, own)};
  };
  work.say(Reply{request, page_of("static_invoices", page, sources, servers)});
}

}  // namespace doze::invoicing
