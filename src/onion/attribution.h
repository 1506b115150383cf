// Attribution data: how long each node of a route held an HTLC, and which node garbled a failure. It goes back to the
// origin in update_fail_htlc and update_fulfill_htlc. BOLT 4, "Initialization of attribution_data" to "Origin node" and
// "Hold times for successful payments".
#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/units.h"

namespace doze::onion {

/// The number of nodes of a route that have a place in the data.
inline constexpr std::size_t kAttributionHops = 20;
/// 20 hold times, and 210 MACs cut to four bytes: 20 from the nearest node, one less from each node behind it.
inline constexpr std::size_t kAttributionBytes =
    kAttributionHops * 4 + kAttributionHops * (kAttributionHops + 1) / 2 * 4;
using AttributionData = Opaque<struct AttributionDataTag, kAttributionBytes>;

/// In units of 100 milliseconds. Nodes that keep it to themselves report 0.
using HoldTime = Number<struct HoldTimeTag, std::uint32_t>;

/// The data that a node sends. `reason`: the reason of its update_fail_htlc, with its own layer; empty for
/// update_fulfill_htlc. `downstream`: the data that it received; nullopt if it ends the HTLC itself or received none.
[[nodiscard]] AttributionData attribute(const SharedSecret& secret, HoldTime hold_time, ByteView reason,
                                        const std::optional<AttributionData>& downstream);

/// For the origin: hold times from the first node on, up to the first node whose MAC is wrong. That node, or the one
/// before it, changed something or has no attribution data. MACs of nodes behind the one that failed the HTLC are wrong
/// as well. `reason`: as it arrived, empty for a fulfilled HTLC. `secrets`: of the whole route.
[[nodiscard]] std::vector<HoldTime> read_attribution(const std::vector<SharedSecret>& secrets, ByteView reason,
                                                     const AttributionData& data);

}  // namespace doze::onion
