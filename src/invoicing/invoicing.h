// BOLT 12 conversations: payer, issuer, static-invoice client (recipient) and static-invoice server; invitations.
//
// Sources: BOLT 12; bolts #1149; bLIP-66; ADR 9, 19, 27, 28, 29.
// Rules that cost money if broken: an acknowledgement (static_invoice_persisted) leaves only with the batch that stores
// the invoice; a slot belongs to the offer key that filled it first while that invoice lives, and only takes newer
// invoices; never an invoice_error after a static invoice went out for that request, neither by the server nor by the
// recipient that the request is passed on to; a payer takes the first good answer to its own live request only.
#pragma once

#include <map>
#include <set>
#include <span>

#include "base/variant.h"
#include "effects/machine.h"

namespace doze::invoicing {

struct Input : std::variant<Started, PeerReady, PeerGone, ChannelUsable, ChannelUnusable, OnionMessageReceived,
                            OnionMessageOutcome, RequestInvoice, CancelInvoiceRequest, OfferPaid, DeadlineReached,
                            CommandReceived> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class Invoicing {
 public:
  Invoicing();
  struct Inside;
  Hidden<Inside> inside;
};

/// Rows of Table::Offer, Invitation, Joined, StaticInvoice.
[[nodiscard]] Result<Invoicing, LoadError> load(std::span<const Row> rows);
/// CommandReceived: CreateOffer, ListOffers, DisableOffer, AsyncInvite, ListInvitations, RevokeInvitation, AsyncJoin,
/// AsyncLeave, ListStaticInvoices. CreateOffer{async} replies once the server has acknowledged, or with NotReady naming
/// what is missing.
[[nodiscard]] Transition<Invoicing> step(Invoicing state, const Input& input, const Context& context);
[[nodiscard]] std::optional<MonoTime> deadline(const Invoicing& state);
[[nodiscard]] const std::map<OfferId, OfferView>& offers(const Invoicing& state);
[[nodiscard]] const std::set<NodeId>& invited(const Invoicing& state);

}  // namespace doze::invoicing
