// The often-offline recipient: joins a server, asks for paths, serves static invoices, renews them.
#pragma once

#include "invoicing/state.h"

namespace doze::invoicing {

void join(Work& work, RequestId request, const command::AsyncJoin& command);
void leave(Work& work, RequestId request, const command::AsyncLeave& command);
/// A server refuses to give paths, and says why.
void on_paths_refused(Work& work, ByteView context, const std::string& why);
/// Its static invoice must not be paid any more: the server is told as soon as it can be.
void withdraw(Work& work, OwnOffer& own);
/// Whether the server may still send payers to this disabled offer.
[[nodiscard]] bool wants_withdrawal(const OwnOffer& own, const Context& context);
void create_async_offer(Work& work, RequestId request, const command::CreateOffer& command);
void on_offer_paths(Work& work, const OnionMessageReceived& word, const onion::OfferPaths& message, ByteView context);
void on_persisted(Work& work, ByteView context);
void recipient_started(Work& work);
void recipient_on_peer(Work& work, const NodeId& peer);
void recipient_on_usable(Work& work);
/// A channel is not usable any more.
void recipient_on_unusable(Work& work);
void recipient_deadlines(Work& work);

}  // namespace doze::invoicing
