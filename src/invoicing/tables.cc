#include "invoicing/tables.h"

namespace doze::invoicing {

OwnOffer& add(Invoicing::Inside& state, OwnOffer own) {
  auto id = own.offer.id();
  auto [it, fresh] = state.own.emplace(id, std::move(own));
  if (fresh) state.own_by_time.emplace(it->second.created_at, id);
  if (fresh && it->second.async) state.async_by_time.emplace(it->second.created_at, id);
  return it->second;
}

void add(Invoicing::Inside& state, Invited invitation) {
  state.invitations_by_time.emplace(invitation.created_at, invitation.id);
  state.invitations.emplace(invitation.id, std::move(invitation));
}

void put(Invoicing::Inside& state, const SlotKey& key, Served served) {
  erase(state, key);
  state.served_bytes += served.bytes();
  state.served_by_time.emplace(served.received_at, key);
  state.served.emplace(key, std::move(served));
}

void erase(Invoicing::Inside& state, const SlotKey& key) {
  auto it = state.served.find(key);
  if (it == state.served.end()) return;
  state.served_bytes -= it->second.bytes();
  state.served_by_time.erase({it->second.received_at, key});
  state.served.erase(key);
}

void refresh_views(Invoicing::Inside& state) {
  state.views.clear();
  for (const auto& [id, o] : state.own) state.views.emplace(id, OfferView{o.offer, o.async, o.disabled});
  state.clients.clear();
  for (const auto& [id, invitation] : state.invitations)
    if (!invitation.revoked && invitation.recipient) state.clients.insert(*invitation.recipient);
}

}  // namespace doze::invoicing
