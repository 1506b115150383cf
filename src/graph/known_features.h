// Which even feature bits of gossip we know. BOLT 9; an unknown even bit forbids routing through (BOLT 7).
#pragma once

#include "wire/messages.h"

namespace doze::graph {

/// No even channel feature is assigned, so every even bit is unknown.
[[nodiscard]] bool has_unknown_even_channel_feature(const wire::FeatureBits& features);
[[nodiscard]] bool has_unknown_even_node_feature(const wire::FeatureBits& features);
[[nodiscard]] bool supports_onion_messages(const wire::FeatureBits& features);
/// Features of a blinded_payinfo as bytes: no even bit is assigned, so every even bit is unknown. BOLT 12.
[[nodiscard]] bool has_even_bit(ByteView features);

}  // namespace doze::graph
