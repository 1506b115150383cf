// Keys and valid encodings that several targets start from.
#pragma once

#include <memory>

#include "effects/signer.h"
#include "fuzz.h"
#include "offers/invitation.h"
#include "offers/invoice_error.h"
#include "offers/static_invoice.h"
#include "wire/messages.h"

namespace doze::fuzz {

[[nodiscard]] PrivateKey key(std::uint8_t byte);  // that byte 32 times, above zero
[[nodiscard]] PublicKey point(std::uint8_t byte);
[[nodiscard]] const Signer& signer();                     // of a regtest node
[[nodiscard]] wire::BlindedPath path(std::uint8_t last);  // two hops

/// At least one of each kind.
[[nodiscard]] const std::vector<wire::Message>& messages();

inline const UnixTime kNow{1'750'000'000};
inline constexpr std::uint8_t kIssuer = 7, kPayer = 9;  // whose keys sign the samples
[[nodiscard]] offers::Offer offer();
[[nodiscard]] offers::InvoiceRequest invoice_request();
[[nodiscard]] offers::Refund refund();
[[nodiscard]] offers::Invoice invoice();
[[nodiscard]] offers::StaticInvoice static_invoice(Profile profile);
/// The stream with its record 240 replaced by a good signature: mutations get behind the check of it. Streams that are
/// none come back as they are.
[[nodiscard]] Bytes sign_again(ByteView stream, std::string_view message_name, std::uint8_t signing_key);

/// Rows of these tables in vectors/records-v1.json, to -v5.json as targets of records take them: see Row
/// below.
[[nodiscard]] Seeds record_seeds(std::initializer_list<int> tables);
/// Table number, length of the key, key, value.
struct RowInput {
  std::uint8_t table = 0;
  Bytes key, value;
  explicit RowInput(ByteView input);
};

}  // namespace doze::fuzz
