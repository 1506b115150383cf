// What the node itself bounds, each with its reason: doc/LIMITS.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace doze::node {

/// A block is read within seconds, and a minute means that there is more to read than the newest one.
inline constexpr std::uint64_t kReadingS = 60;
/// Block hashes kept, so that a driver that starts after a reorg finds the common block. Deeper reorgs need a rescan.
inline constexpr std::size_t kChainTail = 144;

}  // namespace doze::node
