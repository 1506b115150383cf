// Rows of Table::Mailbox: client ‖ sequence -> one parked message.
#pragma once

#include <optional>

#include "onion_message/state.h"

namespace doze::onion_message {

[[nodiscard]] Bytes mail_key(const NodeId& client, std::uint64_t sequence);
/// nullopt: it is none.
[[nodiscard]] std::optional<std::pair<NodeId, std::uint64_t>> read_mail_key(ByteView key);
[[nodiscard]] Bytes encode(const StoredMail& mail);
[[nodiscard]] Result<StoredMail, ParseError> decode(ByteView value);

}  // namespace doze::onion_message
