// Payloads of payment onions. BOLT 4, "Payload Format"; bolts #1149 for invoice_request; the keysend preimage.
#pragma once

#include <optional>
#include <variant>

#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "onion/sphinx.h"
#include "wire/numbers.h"

namespace doze::onion {

/// An ordinary forwarding hop.
struct ForwardPayload {
  Msat amt_to_forward;
  CltvExpiry outgoing_cltv_value;
  ShortChannelId short_channel_id;
};
/// A forwarding hop inside a blinded path: everything else is in the encrypted data.
struct BlindedForwardPayload {
  Bytes encrypted_recipient_data;
  std::optional<PublicKey> current_path_key;  // the introduction node's
};
/// The last hop. Over a blinded path: encrypted_recipient_data and total_amount_msat; else payment_data.
struct FinalPayload {
  Msat amt_to_forward;
  CltvExpiry outgoing_cltv_value;
  std::optional<Msat> total_amount_msat;
  std::optional<Bytes> encrypted_recipient_data;
  std::optional<PublicKey> current_path_key;
  std::optional<Hash32> payment_secret;  // payment_data, with its total
  std::optional<Bytes> payment_metadata;
  std::optional<Bytes> invoice_request;  // of a static-invoice payment
  Profile invoice_request_profile = Profile::Ldk;
  std::optional<Preimage> payment_preimage;  // keysend number
};
using Payload = std::variant<ForwardPayload, BlindedForwardPayload, FinalPayload>;

/// TLV stream without its length.
[[nodiscard]] Bytes encode(const Payload& payload);
/// `last`: the packet ended here. `through_path_key`: update_add_htlc carried a path key, so only a blinded payload may
/// come. Unknown even types are refused with their number in `where`.
[[nodiscard]] Result<Payload, ParseError> decode_payload(ByteView tlv_stream, bool last, bool through_path_key);

}  // namespace doze::onion
