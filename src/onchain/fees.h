// What a claim pays: where it begins, how it rises towards its deadline, and what it may cost at most.
//
// Unit: satoshi per 1,000 weight units. A feerate that was broadcast once never falls, after a restart neither.
#pragma once

#include <cstdint>
#include <optional>

#include "effects/limits.h"

namespace doze::onchain {

inline constexpr FeeratePerKw kFeerateFloor{253};  // below, nodes relay nothing
/// No estimate, and none of the mempool's minimum: bitcoind is young. With a deadline within kNearBlocks, kBlindNear.
inline constexpr FeeratePerKw kBlindFeerate{2'500}, kBlindNear{10'000};
inline constexpr std::uint32_t kNearBlocks = 12;
/// A claim in its last blocks goes up to its budget, block by block.
inline constexpr std::uint32_t kLastBlocks = 6;
/// In the second half of its time it goes up by a quarter this often.
inline constexpr std::uint32_t kRaiseEveryBlocks = 3;
/// More than so many times the estimate for the next blocks burns money, unless kVeryLastBlocks are left.
inline constexpr std::uint32_t kMostOverEstimate = 5, kVeryLastBlocks = 3;

/// The backend's estimates by the number of blocks to wait, and what its mempool takes at least.
struct FeeTable {
  std::optional<FeeratePerKw> in_2, in_6, in_12, in_36, in_144;
  FeeratePerKw minimum;      // 0: not known
  FeeratePerKw incremental;  // what a replacement must add; 0: not known
};

/// The estimate for a claim that has so many blocks left; nullopt: no deadline. Never below what the mempool takes.
[[nodiscard]] FeeratePerKw estimate(const FeeTable& fees, std::optional<std::uint32_t> blocks_left);

/// What a claim may cost, and until when.
struct Terms {
  Sat budget;                           // the whole fee
  std::uint64_t weight = 0;             // of the transaction, signed
  std::optional<BlockHeight> deadline;  // nullopt: none
};
/// What was broadcast last for it.
struct Attempt {
  FeeratePerKw feerate;
  BlockHeight first, last;  // when the claim was first broadcast, and when this feerate was
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

/// The most that `terms` allow now.
[[nodiscard]] FeeratePerKw highest(const FeeTable& fees, const Terms& terms, BlockHeight tip);
/// The feerate to broadcast with at this tip. The same as before: broadcast the same transaction again. `terms` may
/// allow less than the last attempt: it stays.
[[nodiscard]] FeeratePerKw feerate(const FeeTable& fees, const Terms& terms, const std::optional<Attempt>& last,
                                   BlockHeight tip);
/// What a replacement must pay in all, and what BIP 125 lets it in for. Rule 4: the old fee and the relay of its own
/// size.
[[nodiscard]] Sat replacement_fee(const FeeTable& fees, std::uint64_t weight, FeeratePerKw wanted, Sat old_fee);

}  // namespace doze::onchain
