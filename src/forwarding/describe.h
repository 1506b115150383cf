// Forwards and holds as people and programs see them.
#pragma once

#include "effects/context.h"
#include "effects/value.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

[[nodiscard]] Value describe(const Forward& forward);
[[nodiscard]] Value describe_hold(const Forward& forward, const Context& context);
/// What events say of it.
[[nodiscard]] Fields facts(const Forward& forward);

}  // namespace doze::forwarding
