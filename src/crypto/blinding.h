// Protection of the curve's computations with private keys against side channels.
#pragma once

#include "base/bytes.h"

namespace doze::crypto {

/// Blinds what is computed with private keys; results stay the same. `seed32`: 32 random bytes. The programs call it
/// once at the start, before there is a second thread.
void randomize_curve(ByteView seed32);

}  // namespace doze::crypto
