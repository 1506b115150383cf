// Named limits that more than one room uses, each with its reason. The limits of one room are in its limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace doze {

// ---- heights (ADR 11) ----
inline constexpr CltvDelta kFinalCltvDelta{42};  // final delta that our invoices ask for
/// A recipient refuses an HTLC that expires sooner than this. It is one block less than our invoices ask for, as in
/// LDK: a payer with LDK that is itself the first node of the recipient's path ignores the path's delta (lightning
/// 0.2.7, routing/router.rs:1666) and adds at least 41 blocks.
inline constexpr CltvDelta kRecipientMargin{41};
inline constexpr CltvDelta kBlocksOnTheWay{3};  // added to a BOLT 11 delta: blocks may arrive in the meantime
inline constexpr std::uint32_t kReleaseDeadlineBlocks = 3;  // release deadline = final expiry - 3, for the HTLC's way
inline constexpr CltvDelta kFailBackOutgoing{39};           // L fails a held HTLC back at outgoing expiry - 39 ...
inline constexpr CltvDelta kFailBackIncoming{72};           // ... or at incoming expiry - 72, whichever is first
inline constexpr CltvDelta kMaxIncomingExpiry{2016};        // a forwarder refuses a later expiry: slow jamming
inline constexpr CltvDelta kMaxTotalDelta{1900};            // a payer's total, so that LDK hops with 2016 accept it
inline constexpr std::uint32_t kMaxHoldWindow = 1008, kMinHoldWindow = 6;
/// Blocks that a payer waits after reestablishing before it force-closes because an HTLC of its own payment expired ...
inline constexpr std::uint32_t kExpiredGraceBlocks = 6;
inline constexpr std::uint32_t kExpiredGraceMax = 2016;  // ... and after the expiry, if it never reestablishes
inline constexpr CltvDelta kOfferedGrace{3};             // the same for an HTLC that we forwarded
/// The fulfillment deadline of BOLT 2, "cltv_expiry_delta Selection": blocks before the expiry of an HTLC at which it
/// must be claimed on chain if this node has fulfilled it and it is still in a commitment. 2R + G + S with the usual
/// values: two reorganisations of 2 blocks, 2 blocks of patience, 12 until a transaction is mined.
inline constexpr CltvDelta kFulfillmentDeadline{18};
/// ... and so many blocks before it this node goes on chain: half of them for the commitment, half for the claim.
inline constexpr CltvDelta kClaimBuffer{24};
static_assert(kClaimBuffer.value() + 3 < kRecipientMargin.value(), "what a recipient takes leaves it time to claim");
static_assert(kFulfillmentDeadline < kRecipientMargin, "what a recipient takes leaves it time to be awake once more");
static_assert(kFailBackOutgoing < kRecipientMargin && kRecipientMargin <= kFinalCltvDelta,
              "L fails back only when the recipient would refuse anyway");

// ---- holds ----
inline constexpr std::size_t kMaxHeldPerChannel = 241;  // half of 483 slots: held HTLCs must not jam ordinary ones
inline constexpr std::size_t kMaxHeldPerNode = 10'000;  // memory: under 1 KiB each
/// How long a forward waits at M for a client that is waking: one that got mail within the second time.
inline constexpr std::uint64_t kClientForwardWaitMs = 90'000, kClientAwakeWindowMs = 600'000;

// ---- async messages ----
/// Waits between the announcements of one payment. After the last, that one again and again.
inline constexpr std::uint64_t kAnnounceRepeatMs[] = {2'000, 10'000, 60'000, 300'000, 1'800'000};
inline constexpr std::uint64_t kAnnounceRepeatConfirmedMs = 21'600'000;  // 6 h: LDK's mailbox holds only 30 messages
/// Waits between the six answers over one reply path.
inline constexpr std::uint64_t kReleaseRepeatMs[] = {2'000, 10'000, 60'000, 300'000, 1'800'000};
inline constexpr std::uint64_t kOnlinePayerWaitMaxS = 604'800;  // an online payer waits 7 days at most

// ---- mailbox ----
inline constexpr std::uint64_t kMailboxAgeS = 691'200;  // 8 days: no hold and no online payer waits longer than 7
inline constexpr std::uint64_t kRawClientGossipWaitMs = 2'000;  // an LDK client verifies gossip asynchronously

// ---- rows that stay on disk ----
/// Rows of one ReadRows or ReadRange: those of the largest page of a list (command::kMaxPageRows), and the next one.
inline constexpr std::size_t kMaxRowsPerRead = 1'001;
/// After a start, rows that an older version left and that have ended move to their lists: this number in one step, and
/// the next ones after this time. One batch with all of them would need 8 KB of memory per row. A piece takes some
/// milliseconds, in which nothing else happens.
inline constexpr std::size_t kMovedPerStep = 500;
inline constexpr std::uint64_t kMoveEveryMs = 10;

// ---- static invoices ----
inline constexpr std::size_t kMaxStaticInvoiceBytes = 5'120;
inline constexpr std::uint16_t kSlotsPerRecipient = 16;

// ---- wallet ----
/// Closing scripts of channels are those of wallet_key(false, kChannelScriptIndexBase + n). The wallet watches them as
/// well.
inline constexpr std::uint32_t kChannelScriptIndexBase = 0x4000'0000;
/// A shutdown names one of this number of closing scripts above the highest that was ever paid, no matter how many
/// channels strangers opened and closed meanwhile. A wallet restored from the words sees the same payments, and watches
/// twice as many scripts.
inline constexpr std::uint32_t kClosingScriptsAhead = 50;

// ---- fees ----
inline constexpr FeeratePerKw kMaxFeerate{250'000};  // 1,000 sat/vB: above it, a peer or bitcoind would burn our money

// ---- peers ----
inline constexpr std::size_t kMaxPeersWithoutChannel = 500;

}  // namespace doze
