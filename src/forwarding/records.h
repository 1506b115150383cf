// Rows of Table::Forward, key channel_id ‖ htlc_id.
#pragma once

#include "base/parse_error.h"
#include "base/result.h"
#include "effects/records.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

[[nodiscard]] Put record(const Forward& forward);
[[nodiscard]] Result<Forward, ParseError> read_forward(ByteView value);

}  // namespace doze::forwarding
