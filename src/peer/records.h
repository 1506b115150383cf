// Rows of Table::PeerAddress: node id -> addresses, and whether to reconnect.
#pragma once

#include "peer/state.h"

namespace doze::peer {

[[nodiscard]] Bytes encode(const Known& known);
[[nodiscard]] Result<Known, ParseError> decode(ByteView value);

}  // namespace doze::peer
