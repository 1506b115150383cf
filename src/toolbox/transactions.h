// Bitcoin objects: transactions (BIP 144), partially signed ones (BIP 174, BIP 370), addresses.
#pragma once

#include "toolbox/problem.h"

namespace doze::toolbox {

[[nodiscard]] Result<Value, Problem> decode_transaction(ByteView bytes);
/// The unsigned transaction, and the records of all maps.
[[nodiscard]] Result<Value, Problem> decode_psbt(ByteView bytes);
/// Of any network that we know; which ones is told.
[[nodiscard]] Result<Value, Problem> decode_address(std::string_view text);
/// RFC 4648 with padding; nullopt for anything else.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

}  // namespace doze::toolbox
