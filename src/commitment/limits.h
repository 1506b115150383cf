// Limits of commitments, each with its reason.
#pragma once

#include "base/units.h"
#include "commitment/shachain.h"

namespace doze::commitment {

inline constexpr std::uint64_t kMaxCommitmentNumber = kFirstIndex;  // 48 bits; secrets repeat beyond
// [B2-add-02]
inline constexpr std::uint32_t kFeeSpike = 2;                   // BOLT 2: the opener keeps room for twice the feerate
inline constexpr std::uint32_t kFirstTimeExpiry = 500'000'000;  // from here on cltv_expiry is a time, not a height
inline constexpr Msat kMaxDustExposure{5'000'000};  // dust HTLCs are lost to fees when a channel closes on chain
/// By a rising feerate, without anchors. More than for adds: HTLCs of some thousand sat are ordinary payments, and
/// below this closing by force costs about as much as it protects.
inline constexpr Msat kMaxDustExposureByFee{50'000'000};
static_assert(kMaxDustExposureByFee >= kMaxDustExposure);
/// An encrypted failure: BOLT 4 makes 292 bytes of it, implementations less than 1 KiB with their longest data. 483 of
/// the largest that a peer may send would be 31 MB, in memory, in each row, and on the way back.
inline constexpr std::size_t kMaxReason = 2'048;

/// The least output of an anchor's child: at 14 sat/vB it is still worth its own spend of 68 vbytes.
inline constexpr Sat kLeastChildOutput{1'000};
/// BIP 431: the largest child of an unconfirmed version 3 transaction, in vbytes.
inline constexpr std::uint64_t kMaxVersion3ChildVsize = 1'000;

}  // namespace doze::commitment
