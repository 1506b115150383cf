// Small texts that several rooms need.
#pragma once

#include <string>
#include <string_view>

#include "base/units.h"

namespace doze {

/// A to Z become a to z; everything else stays.
[[nodiscard]] std::string lower(std::string_view text);
/// As people write it: "539268x845x1".
[[nodiscard]] std::string scid_text(ShortChannelId scid);

}  // namespace doze
