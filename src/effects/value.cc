#include "effects/value.h"

#include "base/utc.h"

namespace doze {

std::string time_text(UnixTime time) {
  return utc_text(time);
}

}  // namespace doze
