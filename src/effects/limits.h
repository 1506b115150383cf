// Named limits shared by more than one room, each with its reason. A room's private limits stand in the room.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace doze {

// ---- heights (ADR 11) ----
inline constexpr CltvDelta kFinalCltvDelta{42};  // what our invoices ask of the last hop
/// A recipient refuses an HTLC with less left. One less than asked, as LDK: a payer of LDK's that itself begins the
/// recipient's path leaves out what the path asks (lightning 0.2.7, routing/router.rs:1666), and adds 41 at least.
inline constexpr CltvDelta kRecipientMargin{41};
inline constexpr CltvDelta kBlocksOnTheWay{3};              // a BOLT 11 delta grows by this: blocks come meanwhile
inline constexpr std::uint32_t kReleaseDeadlineBlocks = 3;  // release deadline = final expiry E - 3: the way takes time
inline constexpr CltvDelta kFailBackOutgoing{39};           // L fails a held HTLC back at outgoing expiry - 39 ...
inline constexpr CltvDelta kFailBackIncoming{72};           // ... or at incoming expiry - 72, whichever is first
inline constexpr CltvDelta kMaxIncomingExpiry{2016};        // a forwarder refuses an expiry farther away: slow jamming
inline constexpr CltvDelta kMaxTotalDelta{1900};            // a payer's total, so that LDK hops with 2016 accept it
inline constexpr std::uint32_t kMaxHoldWindow = 1008, kMinHoldWindow = 6;
/// S waits so long, re-established, before it closes over its own HTLC.
inline constexpr std::uint32_t kExpiredGraceBlocks = 6;
inline constexpr std::uint32_t kExpiredGraceMax = 2016;  // ... and so long at most
inline constexpr CltvDelta kOfferedGrace{3};  // an ordinary offered HTLC past its expiry closes the channel after this
/// The fulfillment deadline of BOLT 2, "cltv_expiry_delta Selection": so many blocks before the expiry of an HTLC that
/// this node has fulfilled, and that is still in a commitment, it must be claimed on chain. 2R + G + S with the usual
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
inline constexpr std::uint64_t kClientForwardWaitMs = 90'000;   // a forward to a waking client waits this long at M
inline constexpr std::uint64_t kClientAwakeWindowMs = 600'000;  // mail sent in the last 10 minutes: it may be waking

// ---- async messages ----
inline constexpr std::uint64_t kAnnounceRepeatMs[] = {2'000, 10'000, 60'000, 300'000,
                                                      1'800'000};        // then the last again
inline constexpr std::uint64_t kAnnounceRepeatConfirmedMs = 21'600'000;  // 6 h: LDK's mailbox holds only 30 messages
inline constexpr std::uint64_t kReleaseRepeatMs[] = {2'000, 10'000, 60'000, 300'000, 1'800'000};  // six answers a path
inline constexpr std::uint64_t kOnlinePayerWaitMaxS = 604'800;  // an online payer waits 7 days at most

// ---- mailbox ----
inline constexpr std::uint64_t kMailboxAgeS = 691'200;  // 8 days: no hold and no online payer waits longer than 7
inline constexpr std::uint64_t kRawClientGossipWaitMs = 2'000;  // an LDK client verifies gossip asynchronously

// ---- rows that stay on disk ----
/// Rows of one ReadRows or ReadRange: as many as a page of a list has (command::kMaxPageRows), and the one behind it.
inline constexpr std::size_t kMaxRowsPerRead = 1'001;
/// Rows of an older program that are over go to their lists after a start, so many in one step, and the next ones so
/// much later: one batch with all of them would need 8 KB of memory per row. A piece takes some milliseconds, in which
/// nothing else happens.
inline constexpr std::size_t kMovedPerStep = 500;
inline constexpr std::uint64_t kMoveEveryMs = 10;

// ---- static invoices ----
inline constexpr std::size_t kMaxStaticInvoiceBytes = 5'120;
inline constexpr std::uint16_t kSlotsPerRecipient = 16;

// ---- wallet ----
/// Closing scripts of channels: wallet_key(false, kChannelScriptIndexBase + n). The wallet watches these, too.
inline constexpr std::uint32_t kChannelScriptIndexBase = 0x4000'0000;
/// A shutdown names one of so many closing scripts above the highest that was ever paid, whatever strangers opened and
/// closed meanwhile: a wallet restored from the words sees the same payments and watches twice as far.
inline constexpr std::uint32_t kClosingScriptsAhead = 50;

// ---- fees ----
inline constexpr FeeratePerKw kMaxFeerate{250'000};  // 1,000 sat/vB: beyond, a peer or bitcoind burns our money

// ---- peers ----
inline constexpr std::size_t kMaxPeersWithoutChannel = 500;

}  // namespace doze
