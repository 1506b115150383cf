// Offers, invitations and invoices with what lists and views go by: both change here, and together.
#pragma once

#include "invoicing/state.h"

namespace doze::invoicing {

/// Offers and invitations stay for ever; a slot has one invoice, the newest.
OwnOffer& add(Invoicing::Inside& state, OwnOffer own);
void add(Invoicing::Inside& state, Invited invitation);
void put(Invoicing::Inside& state, const SlotKey& key, Served served);
/// Does nothing if there is none.
void erase(Invoicing::Inside& state, const SlotKey& key);
/// OfferView of each offer, and the recipients that we invited.
void refresh_views(Invoicing::Inside& state);

}  // namespace doze::invoicing
