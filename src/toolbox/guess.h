// Guesses what kind of object bytes are.
#pragma once

#include "toolbox/problem.h"

namespace doze::toolbox {

/// Every kind is tried; what is valid in one of them is that. Otherwise the error of the kind that they resemble.
[[nodiscard]] Result<Value, Problem> decode_guessed(ByteView bytes);

}  // namespace doze::toolbox
