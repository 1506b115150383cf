// Times for people.
#pragma once

#include <string>

#include "base/units.h"

namespace doze {

/// UTC, "2026-11-24T05:10:00Z".
[[nodiscard]] std::string utc_text(UnixTime time);

}  // namespace doze
