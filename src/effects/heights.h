// Block heights as people see them.
#pragma once

#include <string>

#include "effects/context.h"
#include "effects/value.h"

namespace doze {

/// An estimate of when this height is reached, with ten minutes per block.
[[nodiscard]] UnixTime time_of_height(const Context& context, BlockHeight height);
/// Adds WHAT_height, WHAT_blocks (from now) and WHAT_time (an estimate).
void add_deadline(Value& out, const char* what, BlockHeight height, const Context& context);

}  // namespace doze
