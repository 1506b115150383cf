// Messages between peers, field by field, with the place of each. BOLT 1, 2, 4, 7; bolts #1149.
#pragma once

#include "toolbox/problem.h"

namespace doze::toolbox {

/// Type and body. Fields in their order; TLVs by name, unknown odd ones as "unknown_TYPE".
[[nodiscard]] Result<Value, Problem> decode_message(ByteView bytes);
/// Whether the first two bytes are the type of a message that we know.
[[nodiscard]] bool is_message_type(ByteView bytes);

}  // namespace doze::toolbox
