// BOLT 11 invoices.
#pragma once

#include "toolbox/problem.h"

namespace doze::toolbox {

/// Text that begins with ln and the prefix of a network.
[[nodiscard]] bool is_bolt11(std::string_view lower_text);
[[nodiscard]] Result<Value, Problem> decode_bolt11(std::string_view text);

}  // namespace doze::toolbox
