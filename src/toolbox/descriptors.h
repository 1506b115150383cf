// `doze descriptors`: the keys of a node's wallet in the words of Bitcoin Core.
#pragma once

#include "toolbox/flags.h"

namespace doze::toolbox {

/// `words`: a node's seed words. "descriptors" is the argument of importdescriptors.
[[nodiscard]] Made<Value> descriptors(const Flags& flags, std::string_view words);

}  // namespace doze::toolbox
