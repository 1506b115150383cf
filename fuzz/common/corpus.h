// What fuzzing has found so far.
#pragma once

#include "fuzz.h"

namespace doze::fuzz {

/// fuzz/corpus/TARGET.txt: an input a line in hex. A finding of the past has its name in front: "what it was: 00ff".
/// Empty if there is no such file; aborts on a line that is none of these.
[[nodiscard]] Seeds corpus(const std::string& target);

}  // namespace doze::fuzz
