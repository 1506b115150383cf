// `doze onion build|peel|wrap|unwrap`: onions for payments and messages, layer by layer, and what comes back.
#pragma once

#include "toolbox/flags.h"

namespace doze::toolbox {

/// With "hops" a payment onion, with "message" an onion message.
[[nodiscard]] Made<Value> onion_build(const Flags& flags);
/// What its flag "message" may say.
[[nodiscard]] std::vector<std::string> onion_message_names();
/// One layer of a packet, or of a whole onion_message, with the node's key.
[[nodiscard]] Made<Value> onion_peel(const Flags& flags);
/// What a hop of a payment returns: a failure of its own, one more layer around another's, or, without
/// either, the attribution_data for update_fulfill_htlc.
[[nodiscard]] Made<Value> onion_wrap(const Flags& flags);
/// What the origin reads in it: which node failed the payment and why, and how long each node held it.
[[nodiscard]] Made<Value> onion_unwrap(const Flags& flags);

}  // namespace doze::toolbox
