// Blinded paths that do not tell their length: hops of our own at the end, and all hops' data of the same size. BOLT 4,
// "Route Blinding".
#pragma once

#include "onion/route_blinding.h"

namespace doze::onion {

/// Our readers peel kMaxOwnLayers layers; LDK makes ten dummy hops at most.
inline constexpr std::size_t kMaxDummyHops = 10;

struct PathHop {
  NodeId node_id;
  RecipientData data;  // without padding
};
enum class PathUse : std::uint8_t { Messages, Payments };
/// `count` more hops of the last one's node in front of it. For payments they have its constraints and charge nothing.
/// More than kMaxDummyHops are cut; none for no hops.
[[nodiscard]] std::vector<PathHop> with_dummy_hops(std::vector<PathHop> hops, std::size_t count, PathUse use);
/// Encoded as they are; and padded to one size.
[[nodiscard]] std::vector<BlindHop> bare(const std::vector<PathHop>& hops);
[[nodiscard]] std::vector<BlindHop> padded(const std::vector<PathHop>& hops);

}  // namespace doze::onion
