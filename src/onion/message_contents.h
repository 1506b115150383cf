// What an onion message says to its last hop: BOLT 12's messages and the six of async payments, in both profiles.
//
// Sources: BOLT 4 and 12; bolts #1149; bLIP-66. LDK's forms carry a BigSize length in front of the TLV stream, the
// draft's are bare streams. Readers take both; the profile says which form came, or is to be written.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "wire/blinded_path.h"
#include "wire/numbers.h"

namespace doze::onion {

struct InvoiceRequest {
  Bytes bytes;
};
struct Invoice {
  Bytes bytes;
};
struct InvoiceError {
  Bytes bytes;  // the bare TLV stream
  Profile profile = Profile::Ldk;
};
struct StaticInvoice {
  Bytes bytes;
};
struct HeldHtlcAvailable {
  Profile profile = Profile::Ldk;
};
struct ReleaseHeldHtlc {
  Profile profile = Profile::Ldk;
};
struct OfferPathsRequest {
  std::uint16_t invoice_slot = 0;
  Profile profile = Profile::Ldk;
};
struct OfferPaths {
  std::vector<wire::BlindedPath> paths;
  std::optional<UnixTime> paths_absolute_expiry;
  Profile profile = Profile::Ldk;
};
struct ServeStaticInvoice {
  Bytes invoice;
  wire::BlindedPath forward_invoice_request_path;
  Profile profile = Profile::Ldk;
};
struct StaticInvoicePersisted {
  Profile profile = Profile::Ldk;
};
using MessageContents =
    std::variant<InvoiceRequest, Invoice, InvoiceError, StaticInvoice, HeldHtlcAvailable, ReleaseHeldHtlc,
                 OfferPathsRequest, OfferPaths, ServeStaticInvoice, StaticInvoicePersisted>;

/// TLV type and value for the last hop's payload.
struct ContentsTlv {
  std::uint64_t type = 0;
  Bytes value;
};
[[nodiscard]] ContentsTlv encode(const MessageContents& contents);
/// UnknownEven or MissingField for a type that is none of ours.
[[nodiscard]] Result<MessageContents, ParseError> decode_contents(std::uint64_t type, ByteView value);
[[nodiscard]] const char* name(const MessageContents& contents);

}  // namespace doze::onion
