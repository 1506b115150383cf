// Objects that the tests paste. Private keys are one byte 32 times.
#pragma once

#include "effects/value.h"
#include "offers/invitation.h"
#include "offers/static_invoice.h"
#include "wire/messages.h"

namespace doze::toolbox::testing {

inline const UnixTime kNow{1'750'000'000};
[[nodiscard]] PrivateKey key(std::uint8_t byte);
[[nodiscard]] PublicKey point(std::uint8_t byte);
[[nodiscard]] wire::BlindedPath path(std::uint8_t byte);
[[nodiscard]] offers::Offer offer();
[[nodiscard]] offers::InvoiceRequest request();
[[nodiscard]] offers::Invoice invoice();
[[nodiscard]] offers::StaticInvoice static_invoice(Profile profile);
[[nodiscard]] offers::Invitation invitation();
[[nodiscard]] wire::UpdateAddHtlc held_htlc();
/// A field of a value as text, "" if it is absent.
[[nodiscard]] std::string text(const Value& value, std::string_view field);

}  // namespace doze::toolbox::testing
