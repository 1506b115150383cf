// What the tests of this room share: vectors as values, keys, paths, and an offer with a record that we do not know.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "crypto/crypto.h"
#include "offers/static_invoice.h"
#include "wire/chains.h"
#include "wire/tlv.h"

namespace doze::offers::testing {

[[nodiscard]] boost::json::value vectors(const std::string& file);
[[nodiscard]] inline std::string text(const boost::json::value& value) {
  return std::string(value.as_string());
}

[[nodiscard]] PrivateKey key(std::uint8_t byte);  // that byte 32 times
[[nodiscard]] PublicKey point(std::uint8_t byte);
[[nodiscard]] wire::BlindedPath path(std::uint8_t last);  // two hops; the last blinded_node_id is point(last)
[[nodiscard]] PaymentPath payment_path(std::uint8_t last);

inline const UnixTime kNow{1'750'000'000};
[[nodiscard]] ChainHash regtest();

/// 5000 msat on regtest, up to 3 items, a path, issuer_id of key 7, expires a day after kNow, and records 33 and
/// 1,000,000,033 that nobody knows.
[[nodiscard]] Offer sample_offer();
[[nodiscard]] OfferTerms sample_offer_terms();
[[nodiscard]] RequestTerms sample_request_terms();  // of key 9, two items
[[nodiscard]] RefundTerms sample_refund_terms();    // of key 9, 7,000 msat on regtest
[[nodiscard]] InvoiceTerms sample_invoice_terms();  // of key 7
[[nodiscard]] StaticInvoiceTerms sample_static_terms(Profile profile);

/// The stream with one record replaced, added, or (nullopt) removed; without a valid signature then.
[[nodiscard]] Bytes with_record(ByteView stream, std::uint64_t type, const std::optional<Bytes>& value);
/// The same, signed again.
[[nodiscard]] Bytes signed_with_record(ByteView stream, std::uint64_t type, const std::optional<Bytes>& value,
                                       std::string_view message_name, const PrivateKey& key);
/// `parses` says no to the stream cut at every byte, and to each of its bits flipped.
void expect_robust(const Bytes& stream, const std::function<bool(ByteView)>& parses);

}  // namespace doze::offers::testing
