// Forwards and holds as people and programs see them.
#pragma once

#include "effects/context.h"
#include "effects/value.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

[[nodiscard]] Value describe(const Forward& forward);
[[nodiscard]] Value describe_hold(const Forward& forward, const Context& context);
/// The fields that events about a forward have in common.
[[nodiscard]] Fields facts(const Forward& forward);

}  // namespace doze::forwarding
