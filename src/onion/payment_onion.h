// Payloads of payment onions. BOLT 4, "Payload Format"; bolts #1149 (invoice_request); keysend (the preimage).
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
/// A forwarding hop in a blinded path. Everything else is in the encrypted data.
struct BlindedForwardPayload {
  Bytes encrypted_recipient_data;
  std::optional<PublicKey> current_path_key;  // the introduction node's
};
/// The last hop: with a blinded path encrypted_recipient_data and total_amount_msat, otherwise payment_data.
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

/// The TLV stream without its length.
[[nodiscard]] Bytes encode(const Payload& payload);
/// `last`: the packet ends here. `through_path_key`: update_add_htlc had a path key, so the payload must be one of a
/// blinded path. An unknown even type gives UnknownEven with the type in `where`.
[[nodiscard]] Result<Payload, ParseError> decode_payload(ByteView tlv_stream, bool last, bool through_path_key);

}  // namespace doze::onion
