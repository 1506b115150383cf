// The limits of this room, each with its reason. doc/LIMITS.md names their tests.
#pragma once

#include "base/units.h"
#include "commitment/limits.h"
#include "effects/limits.h"

namespace doze::channel {

using commitment::kMaxCommitmentNumber;
using commitment::kMaxReason;

inline constexpr Sat kMinCapacity{20'000};      // in a smaller channel, reserve and fees leave nothing to pay with
inline constexpr Sat kMaxCapacity{16'777'215};  // option_support_large_channel is not offered yet [B2-open-03]
inline constexpr Sat kOurDustLimit{354};        // BOLT 3: the largest dust limit of segwit outputs
inline constexpr Sat kMinDustLimit{354}, kMaxDustLimit{660};
inline constexpr std::uint16_t kMaxAcceptedHtlcs = 483;  // BOLT 2: the transactions stay within standard weight
inline constexpr std::uint16_t kMaxToSelfDelay = 2016;
inline constexpr Msat kMinInFlight{1'000'000};  // a channel that carries less at a time is of no use
inline constexpr std::uint32_t kMaxMinimumDepth = 144;
inline constexpr std::size_t kMaxOpeningPerPeer = 4;  // openings cost memory and keys before any money is at stake
/// Channels of all strangers together that are not funded, failed ones included until they are forgotten. Above this
/// number, the network with the most of them loses its oldest. Its opener loses a commitment fee at most, and a funding
/// that confirms in time is safe. A peer with a funded channel has this number for itself, and is refused above it.
inline constexpr std::size_t kMaxUnfundedInbound = 50;
/// open_channel of strangers from one network (PeerView::address): this number at once, and then one per
/// kOpeningEveryMs. Each that continues to funding_created costs a write to disk.
inline constexpr double kOpeningsBurst = 20;
inline constexpr std::uint64_t kOpeningEveryMs = 3'000;
/// Networks whose openings are counted. Above this number, the one that used least of its share is forgotten.
inline constexpr std::size_t kMaxOpeningSources = 1'024;
/// How many changed aliases and announcement_signatures of a peer are written per connection.
inline constexpr std::uint32_t kMaxRewrites = 8;
/// commitment_signed without an update, or with nothing but a feerate, since the peer last revoked. Older peers send
/// one now and then. Each writes the row.
inline constexpr std::uint32_t kMaxEmptyCommitments = 16;
/// Rounds of one channel that change nothing but the feerate: kFeeRoundsBurst at once, and then one per
/// kFeeRoundEveryMs. Feerates change with blocks. Each round writes a row with all signatures, for 140 bytes from the
/// opener.
inline constexpr std::uint64_t kFeeRoundsBurst = 60, kFeeRoundEveryMs = 10'000;
inline constexpr std::uint32_t kForgetUnfundedBlocks = 2016;  // BOLT 2: the accepter forgets by then [B2-ready-07]
inline constexpr std::uint32_t kAnnounceDepth = 6;            // BOLT 7
inline constexpr std::uint32_t kRebroadcastBlocks = 6;        // an hour: mempools drop transactions without notice
inline constexpr std::uint64_t kAnswerWaitMs = 60'000;        // a healthy peer answers in seconds
/// At the peer, a person may have to agree to an opening. Our coins are reserved in the meantime.
inline constexpr std::uint64_t kOpeningWaitMs = 600'000;
inline constexpr std::size_t kMaxClosedShown = 1'000;  // closed channels that listchannels still shows
/// The wallet key with the number kChannelScriptIndexBase + index must exist: BIP 32 numbers keys below 2^31.
inline constexpr std::uint64_t kMaxKeyIndexes = 0x8000'0000 - kChannelScriptIndexBase;

/// A node with an old copy of its rows must not publish a commitment that it has revoked: the peer would take
/// everything. The peer's channel_reestablish shows whether the rows are old. Without one, a commitment may be
/// published this long after the start: 18 of the 72 blocks between an outgoing HTLC and its incoming one.
inline constexpr std::uint64_t kSpeakFirstMs = 10'800'000;

/// Both sides have shut down and are connected, but agree on no closing transaction: after this time our commitment is
/// published. Estimates move within days, and each connection negotiates again. BOLT 2: "after a reasonable amount of
/// time".
inline constexpr std::uint64_t kClosingPatienceMs = 604'800'000;  // [B2-clos-09]
/// Our offers of a closing fee in one connection, without fee_range. Halving the distance ends sooner.
inline constexpr std::size_t kMaxClosingRounds = 32;

/// How long an opener may leave the feerate too low for mempools, before the channel is failed. LND updates hourly.
inline constexpr std::uint64_t kLowFeerateMs = 21'600'000;
/// The same with anchors: an anchor can raise the fee, and some openers never go above 10 sat/vB.
inline constexpr std::uint64_t kLowFeerateAnchorsMs = 1'209'600'000;
/// Never sooner than this after the opener reconnected: before, it could not change the feerate.
inline constexpr std::uint64_t kLowFeerateChanceMs = 600'000;

}  // namespace doze::channel
