// The room's limits, each with its reason. doc/LIMITS.md has their tests.
#pragma once

#include "base/units.h"
#include "commitment/limits.h"
#include "effects/limits.h"

namespace doze::channel {

using commitment::kMaxCommitmentNumber;
using commitment::kMaxReason;

inline constexpr Sat kMinCapacity{20'000};      // below, reserve and fees leave nothing to pay with
inline constexpr Sat kMaxCapacity{16'777'215};  // option_support_large_channel is not offered yet [B2-open-03]
inline constexpr Sat kOurDustLimit{354};        // the largest of BOLT 3 for segwit outputs
inline constexpr Sat kMinDustLimit{354}, kMaxDustLimit{660};
inline constexpr std::uint16_t kMaxAcceptedHtlcs = 483;  // BOLT 2: the transactions stay within standard weight
inline constexpr std::uint16_t kMaxToSelfDelay = 2016;
inline constexpr Msat kMinInFlight{1'000'000};  // a peer that takes less at a time is of no use
inline constexpr std::uint32_t kMaxMinimumDepth = 144;
inline constexpr std::size_t kMaxOpeningPerPeer = 4;  // openings cost memory and keys before any money is at stake
/// Of strangers together, dead ones too until they are forgotten: beyond, the oldest from where most of them come goes.
/// Who opened it loses the fee of its commitment at most, and a funding that confirms in time is safe. A peer with a
/// funded channel counts alone, and is refused beyond.
inline constexpr std::size_t kMaxUnfundedInbound = 50;
/// open_channel of strangers from one network (PeerView::address): so many at once, and then one in so many ms. Each
/// that goes on to funding_created costs a write to disk.
inline constexpr double kOpeningsBurst = 20;
inline constexpr std::uint64_t kOpeningEveryMs = 3'000;
/// Networks whose openings are counted. Beyond, the one that used least of its share is forgotten.
inline constexpr std::size_t kMaxOpeningSources = 1'024;
/// What a peer may say anew in a connection and we write down: aliases, announcement_signatures.
inline constexpr std::uint32_t kMaxRewrites = 8;
/// commitment_signed without an update, or with nothing but a feerate, since the peer last revoked: older peers send
/// one now and then. Each writes the row.
inline constexpr std::uint32_t kMaxEmptyCommitments = 16;
/// Rounds that bring nothing but a feerate, of one channel: so many at once, and then one in so many ms. Feerates move
/// with blocks, and each round writes a row with all signatures, for 140 bytes of the opener's.
inline constexpr std::uint64_t kFeeRoundsBurst = 60, kFeeRoundEveryMs = 10'000;
inline constexpr std::uint32_t kForgetUnfundedBlocks = 2016;  // BOLT 2: the accepter forgets by then [B2-ready-07]
inline constexpr std::uint32_t kAnnounceDepth = 6;            // BOLT 7
inline constexpr std::uint32_t kRebroadcastBlocks = 6;  // an hour: mempools drop and refuse, and nobody tells us later
inline constexpr std::uint64_t kAnswerWaitMs = 60'000;  // a peer that is well answers in seconds
inline constexpr std::uint64_t kOpeningWaitMs =
    600'000;                                           // people may have to say yes; our coins are reserved meanwhile
inline constexpr std::size_t kMaxClosedShown = 1'000;  // closed channels that listchannels still shows
/// Each has a wallet key, kChannelScriptIndexBase above it, and those are numbered below 2^31. BIP 32.
inline constexpr std::uint64_t kMaxKeyIndexes = 0x8000'0000 - kChannelScriptIndexBase;

/// An old copy of the rows must not publish a commitment that was revoked since: the peer would take everything. The
/// peer's channel_reestablish tells; without it we wait so long after our start. 18 blocks of the 72 that lie between
/// an HTLC and the one before it.
inline constexpr std::uint64_t kSpeakFirstMs = 10'800'000;

/// Both have shut down and are connected, and there is no closing transaction: our commitment is published after a
/// week. Estimates move within days, and each connection begins anew. BOLT 2: "after a reasonable amount of time".
inline constexpr std::uint64_t kClosingPatienceMs = 604'800'000;  // [B2-clos-09]
/// Of fee_satoshis in one connection, without fee_range: halving the distance ends sooner.
inline constexpr std::size_t kMaxClosingRounds = 32;

/// An opener that leaves the feerate where no mempool takes the commitment is waited for so long: LND looks hourly.
inline constexpr std::uint64_t kLowFeerateMs = 21'600'000;
/// ... with anchors: the opener raises the fee by its anchor, and some never ask for more than 10 sat/vB here.
inline constexpr std::uint64_t kLowFeerateAnchorsMs = 1'209'600'000;
/// ... and so long at least after it came back: it had no chance before.
inline constexpr std::uint64_t kLowFeerateChanceMs = 600'000;

}  // namespace doze::channel
