// What this room bounds, each with its reason: doc/LIMITS.md.
#pragma once

#include "effects/limits.h"

namespace doze::payment {

/// Rows of the past, for people: 200 to 800 bytes each. Payments that are smaller than the smallest coin push out only
/// each other.
inline constexpr std::size_t kMaxEndedPayments = 1'000'000, kMaxSmallReceipts = 10'000;
inline constexpr Msat kSmallReceipt{1'000};  // below
/// A paid invoice of BOLT 12 is remembered for so long after it has expired: our clock may be put back a little.
inline constexpr std::uint64_t kPaidKeptS = 3'600;
/// Invoices of BOLT 11 kept for people; beyond, old ones that can be paid no more are erased.
inline constexpr std::size_t kMaxInvoices = 10'000;
/// Ways that an invoice of BOLT 11 names: more make it long and are hardly tried.
inline constexpr std::size_t kMaxRouteHints = 3;
/// HTLCs that one payment may try, one after the other (never for a hold).
inline constexpr std::uint32_t kMaxAttempts = 10;
/// An invoice comes within a minute or the invoicing room gives up: one that is still awaited after this at a start was
/// interrupted, and its user does not expect it any more.
inline constexpr std::uint64_t kFetchingWaitS = 60;
/// A payment that should be held waits so long for a channel whose peer is away, and looks so often.
inline constexpr std::uint64_t kHolderWaitS = 600, kHolderCheckMs = 10'000;
/// A draft link takes one held HTLC a commitment round: the next payment tries again so often.
inline constexpr std::uint64_t kHoldRoundMs = 1'000;
/// Reply paths that are kept for answers, by number and bytes: a path takes 150 to 300 bytes, those that blow up a
/// message count for more. A wake-up answers all of them, so it may not be more than some seconds of work.
inline constexpr std::size_t kMaxReleasesDue = 2'560, kMaxReleaseBytes = 1'048'576;
/// An onion message takes half a millisecond to build: the others leave in the next steps, the oldest first.
inline constexpr std::size_t kReleasesPerStep = 64;
/// Of one offer: whoever knows it, and nobody else, can announce for it. Three quarters, so that others find room.
inline constexpr std::size_t kMaxReleasesPerOffer = kMaxReleasesDue * 3 / 4;
/// HTLCs for us wait so long: a phone that was off for weeks reads blocks for minutes, and an hour is 6 of the 41
/// blocks that an HTLC must have left.
inline constexpr std::uint64_t kParkedMaxMs = 3'600'000;
/// An answer to an announcement has found its way by then: a connection is awaited for 25 s, a pong for 30.
inline constexpr std::uint64_t kReleaseOutcomeWaitMs = 60'000;
/// A channel that becomes usable hastens the answers that are due, but not those that have just left: channels come
/// back one after the other.
inline constexpr std::uint64_t kReleaseQuietMs = 10'000;
/// Releases wait so long for the other channels when the first one is usable: an HTLC may come over any of them.
/// Channels come back within a second or two of each other, an app may be awake for some seconds only, and an LSP like
/// ours keeps an HTLC for a connected client until its channel is back.
inline constexpr std::uint64_t kAllChannelsWaitMs = 3'000;
/// A static invoice may name many nodes for its announcements; LDK sends 10 (lightning 0.2.7, offers/flow.rs:254).
/// After the first rounds fewer each time: some 60 messages in the first six minutes, then 6 per hour.
inline constexpr std::size_t kMaxAnnouncedPaths = 10, kMaxRepeatedPaths = 3;
/// Longer release paths fit into no onion message, or blow it up to 32 KiB. LDK's have about 750 bytes.
inline constexpr std::size_t kMaxReleasePathBytes = 4'096;

/// waitpayment for an invoice of ours: it may live for ages; a caller does not, and asks again.
inline constexpr std::uint64_t kLongestWaitS = 86'400;
/// Announcements that leave in one step: each takes half a millisecond to build, and the others wait for the next.
inline constexpr std::size_t kDuePerStep = 32;
/// Holds that try after a commitment round: a draft link takes one, and the others have their timers.
inline constexpr std::size_t kHoldsPerRound = 4;
/// One more sign that a recipient is awake: of the other holds for the same offer so many, the longest untold first,
/// are announced again a second later, when that one's own release had time to come. Each at most every 20 s. Its
/// mailbox may have had room for a part of them only, and it may be gone before their next turn.
inline constexpr std::size_t kHastenedPerSign = 8;
inline constexpr std::uint64_t kHastenMs = 1'000, kHastenQuietMs = 20'000;
}  // namespace doze::payment
