// Blinded paths that hide their length: with dummy hops at the end, and data of the same size in all hops. BOLT 4,
// "Route Blinding".
#pragma once

#include "onion/route_blinding.h"

namespace doze::onion {

/// Fits into the kMaxOwnLayers layers that our readers peel. LDK makes ten dummy hops at most.
inline constexpr std::size_t kMaxDummyHops = 10;

struct PathHop {
  NodeId node_id;
  RecipientData data;  // without padding
};
enum class PathUse : std::uint8_t { Messages, Payments };
/// Inserts `count` hops, kMaxDummyHops at most, before the last one, all of the last one's node. Those of a payment
/// path have its constraints and charge nothing. An empty path stays empty.
[[nodiscard]] std::vector<PathHop> with_dummy_hops(std::vector<PathHop> hops, std::size_t count, PathUse use);
/// Encoded as they are, and padded to one size.
[[nodiscard]] std::vector<BlindHop> bare(const std::vector<PathHop>& hops);
[[nodiscard]] std::vector<BlindHop> padded(const std::vector<PathHop>& hops);

}  // namespace doze::onion
