// Onions from outside: packets, payloads, blinded paths, contents of onion messages. BOLT 4.
#pragma once

#include "toolbox/problem.h"

namespace doze::toolbox {

/// version ‖ point ‖ hop_payloads ‖ hmac. Nothing inside can be read without the keys.
[[nodiscard]] Result<Value, Problem> decode_packet(ByteView bytes);
/// A TLV stream without its length. `last`, `through_path_key` as in onion::decode_payload.
[[nodiscard]] Result<Value, Problem> decode_payment_payload(ByteView stream, bool last, bool through_path_key);
/// A TLV of an onion message's last hop: type and value.
[[nodiscard]] Result<Value, Problem> decode_message_contents(std::uint64_t type, ByteView value);
/// The first point of a list of paths that is not on the curve, or where the list breaks off; nullopt: neither.
[[nodiscard]] std::optional<std::size_t> broken_in_paths(ByteView paths);
/// One path, or several behind each other.
[[nodiscard]] Result<Value, Problem> decode_blinded_paths(ByteView bytes);
/// encrypted_data_tlv in the clear.
[[nodiscard]] Result<Value, Problem> decode_recipient_data(ByteView stream);

}  // namespace doze::toolbox
