// The static-invoice server: invitations, paths, slots, and answers for recipients that sleep.
#pragma once

#include "invoicing/state.h"

namespace doze::invoicing {

void invite(Work& work, RequestId request, const command::AsyncInvite& command);
void revoke(Work& work, RequestId request, const command::RevokeInvitation& command);
void on_offer_paths_request(Work& work, const OnionMessageReceived& word, const onion::OfferPathsRequest& message,
                            ByteView context);
void on_serve_static_invoice(Work& work, const OnionMessageReceived& word, const onion::ServeStaticInvoice& message,
                             ByteView context);
void serve_request(Work& work, const OnionMessageReceived& word, const onion::InvoiceRequest& message,
                   ByteView context);

}  // namespace doze::invoicing
