// Rows of Table::Offer, Joined, Invitation and StaticInvoice.
#pragma once

#include "invoicing/state.h"

namespace doze::invoicing {

[[nodiscard]] Put record(const OwnOffer& offer);
[[nodiscard]] Put record(const Joined& joined);
[[nodiscard]] Put record(const Invited& invitation);
[[nodiscard]] Put record(const SlotKey& key, const Served& served);
[[nodiscard]] Bytes key_of(const SlotKey& key);
[[nodiscard]] Result<OwnOffer, ParseError> read_own_offer(ByteView value);
[[nodiscard]] Result<Joined, ParseError> read_joined(ByteView value);
[[nodiscard]] Result<Invited, ParseError> read_invited(ByteView value);
[[nodiscard]] Result<std::pair<SlotKey, Served>, ParseError> read_served(ByteView key, ByteView value);

}  // namespace doze::invoicing
