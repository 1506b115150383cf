// `doze onion build|peel`: onions for payments and messages, layer by layer.
#pragma once

#include "toolbox/flags.h"

namespace doze::toolbox {

/// With "hops" a payment onion, with "message" an onion message.
[[nodiscard]] Made<Value> onion_build(const Flags& flags);
/// One layer of a packet, or of a whole onion_message, with the node's key.
[[nodiscard]] Made<Value> onion_peel(const Flags& flags);

}  // namespace doze::toolbox
