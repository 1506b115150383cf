// What a bitcoind's refusal of a transaction means.
#pragma once

#include <string_view>

#include "effects/io.h"

namespace doze {

/// Of sendrawtransaction, or the error of one transaction of submitpackage: `rpc_code` is bitcoind's, 0 where there is
/// none. Texts as Bitcoin Core 29 and Knots 29 give them; one that is not known is OtherRefusal.
[[nodiscard]] BroadcastOutcome classify_refusal(int rpc_code, std::string_view text);

}  // namespace doze
