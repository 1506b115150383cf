// Offers of ours; ordinary ones are answered by ourselves.
#pragma once

#include "invoicing/state.h"

namespace doze::invoicing {

[[nodiscard]] PrivateKey issuer_key(const Signer& signer, const Nonce& nonce);
void create_offer(Work& work, RequestId request, const command::CreateOffer& command);
void disable_offer(Work& work, RequestId request, const OfferId& id);
/// `forwarded`: our server has answered it with a static invoice already, so there is an invoice or no answer at all.
void answer_request(Work& work, const OnionMessageReceived& word, const onion::InvoiceRequest& message,
                    ByteView context, bool forwarded);
[[nodiscard]] offers::OfferTerms terms_of(const Context& context, const command::CreateOffer& command);

}  // namespace doze::invoicing
