// What is told of our offers, invitations and the invoices that we serve; lists in pages: effects/pages.h.
#pragma once

#include "invoicing/state.h"

namespace doze::invoicing {

[[nodiscard]] Value describe(const OwnOffer& offer, const Context& context);
void list_offers(Work& work, RequestId request, const command::Page& page);
void list_invitations(Work& work, RequestId request, const command::Page& page);
void list_served(Work& work, RequestId request, const command::Page& page);

}  // namespace doze::invoicing
