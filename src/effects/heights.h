// Heights as people see them.
#pragma once

#include <string>

#include "effects/context.h"
#include "effects/value.h"

namespace doze {

/// When a height will come, ten minutes a block.
[[nodiscard]] UnixTime time_of_height(const Context& context, BlockHeight height);
/// WHAT_height, WHAT_blocks (from now) and WHAT_time.
void add_deadline(Value& out, const char* what, BlockHeight height, const Context& context);

}  // namespace doze
