// The contents of an onion message for its last hop: the messages of BOLT 12 and the six of async payments, in both
// profiles.
//
// Sources: BOLT 4 and 12; bolts #1149; bLIP-66. LDK's form has a BigSize length before the TLV stream, the draft's is
// the bare stream. Readers take both. `profile` is the form that was read, or that is to be written.
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

/// Type and value of the contents in the last hop's payload.
struct ContentsTlv {
  std::uint64_t type = 0;
  Bytes value;
};
[[nodiscard]] ContentsTlv encode(const MessageContents& contents);
/// A type that is not in the list gives UnknownEven or MissingField.
[[nodiscard]] Result<MessageContents, ParseError> decode_contents(std::uint64_t type, ByteView value);
[[nodiscard]] const char* name(const MessageContents& contents);

}  // namespace doze::onion
