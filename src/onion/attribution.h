// How long each node of the way held an HTLC, and which one garbled a failure: told to the origin beside
// update_fail_htlc and update_fulfill_htlc. BOLT 4, "Initialization of attribution_data" to "Origin node" and "Hold
// times for successful payments".
#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/units.h"

namespace doze::onion {

/// Nodes of a way that have a place in it.
inline constexpr std::size_t kAttributionHops = 20;
/// 20 hold times, and 210 MACs cut to four bytes: 20 of the nearest node, one less of each node behind it.
inline constexpr std::size_t kAttributionBytes =
    kAttributionHops * 4 + kAttributionHops * (kAttributionHops + 1) / 2 * 4;
using AttributionData = Opaque<struct AttributionDataTag, kAttributionBytes>;

/// In units of 100 milliseconds; 0 from nodes that do not tell.
using HoldTime = Number<struct HoldTimeTag, std::uint32_t>;

/// What a node sends on. `reason`: of its update_fail_htlc as it sends it, with its own layer; empty beside
/// update_fulfill_htlc. `downstream`: what it received; nullopt if it ends the HTLC itself or nothing came.
[[nodiscard]] AttributionData attribute(const SharedSecret& secret, HoldTime hold_time, ByteView reason,
                                        const std::optional<AttributionData>& downstream);

/// The origin's view: hold times of the nodes whose MAC fits, from the first node on, up to one that does not fit. That
/// node, or the one in front of it, changed something or has no attribution data; nodes behind the one that failed the
/// HTLC do not fit either. `reason`: as it arrived, empty for a fulfilled HTLC; `secrets`: of the whole way.
[[nodiscard]] std::vector<HoldTime> read_attribution(const std::vector<SharedSecret>& secrets, ByteView reason,
                                                     const AttributionData& data);

}  // namespace doze::onion
