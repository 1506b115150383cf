// What this room bounds, each with its reason: doc/LIMITS.md.
#pragma once

#include "effects/limits.h"

namespace doze::onion_message {

/// What a peer may send: `messages` and `bytes` at once, refilled per second. Messages above it are refused.
struct Allowance {
  std::uint64_t messages, messages_per_s;
  std::uint64_t bytes, bytes_per_s;
};
/// Peers with a channel, and clients: a conversation takes a handful of messages, a storm of wake-ups a thousand, and
/// our own mail from a server arrives as fast as we answer pings. Every message costs us three multiplications.
inline constexpr Allowance kFamiliarAllowance{8'192, 100, 16'777'216, 524'288};
/// Strangers: nodes that dial us because we are the introduction node of one of our clients.
inline constexpr Allowance kStrangerAllowance{96, 4, 2'097'152, 32'768};
/// Messages of all strangers together that we relay or keep: 350 per second, of 1.4 KB each.
inline constexpr Allowance kAllStrangersAllowance{4'000, 350, 4'194'304, 524'288};
/// That rate is divided by network (wire::network_of): each of n sending networks has one of n + 1 equal parts, so that
/// a newcomer always finds one; but at least this much, or thousands of prefixes would make every part useless.
inline constexpr Allowance kLeastOfNetwork{16, 2, 131'072, 16'384};
/// A network that was silent for this long has its whole part again, and no longer counts among the n.
inline constexpr std::uint64_t kNetworkMemoryMs = 15'000;
constexpr bool is_full_after(const Allowance& a, std::uint64_t ms) {
  return a.messages * 1'000 <= a.messages_per_s * ms && a.bytes * 1'000 <= a.bytes_per_s * ms;
}
static_assert(is_full_after(kAllStrangersAllowance, kNetworkMemoryMs) &&
              is_full_after(kLeastOfNetwork, kNetworkMemoryMs));
/// How long budgets of disconnected peers are kept: longer than an empty budget takes to fill, so that a reconnection
/// gives no new one.
inline constexpr std::uint64_t kBudgetMemoryMs = 180'000;

/// How long our own messages wait for a connection to the introduction node. The driver tries an address for 10 s.
inline constexpr std::uint64_t kConnectWaitMs = 25'000;
/// Our messages that wait for a connection: in all; the answers among them, because their paths may lead to unreachable
/// nodes; and per node, because a dial may never be answered. The sender repeats dropped messages.
inline constexpr std::size_t kMaxWaiting = 1'024, kMaxWaitingAnswers = 128, kMaxWaitingForNode = 16;
/// Messages of our clients that wait for a connection to an announced node, in all and of one client: 33 KB at most.
inline constexpr std::size_t kMaxOnward = 256, kMaxOnwardOfClient = 16;
/// The routes to all nodes are found in one pass over the graph, a millisecond for 50,000 channels. After changes there
/// is a new pass: this many at once, then one more per interval.
inline constexpr std::uint64_t kWaysBurst = 4, kWaysEveryMs = 1'000;
/// A client whose channels do not become usable gets its mail anyway after this time.
inline constexpr std::uint64_t kDeliverAnywayMs = 30'000;

// ---- mailboxes; see doc/adr, "What a mailbox takes" ----
/// Bytes of a message on disk besides its packet.
inline constexpr std::size_t kMailOverhead = 256;
/// What one source may leave in one mailbox: a burst of units, then one more per interval, up to `most`. No newer
/// message replaces a kept one, so a flooding source shuts itself out; but the rate times the life of mail stays below
/// `most`, so the source gets in again one refill after the flood.
struct SourceAllowance {
  std::uint64_t burst_units, unit_ms, most_units;
};
inline constexpr std::size_t kMailUnitBytes = 2'048;
/// A peer with a channel, for example an LSP that relays for all its payers: several hundred at once, then 576 per day.
inline constexpr SourceAllowance kPeersMail{512, 150'000, 5'200};
/// All strangers together, because keys are free: a thousand of them at once leave room. Most payers are strangers.
inline constexpr SourceAllowance kStrangersMail{2'048, 300'000, 4'400};
constexpr bool outlasts_a_flood(const SourceAllowance& a) {
  return a.burst_units + kMailboxAgeS * 1'000 / a.unit_ms < a.most_units;
}
static_assert(outlasts_a_flood(kPeersMail) && outlasts_a_flood(kStrangersMail));
/// Units of all peers with a channel in one mailbox; each may have its first kSourceReserve units in addition.
inline constexpr std::uint64_t kBoxUnits = 6'000, kSourceReserve = 32;
/// Units of one peer with a channel in all mailboxes: 32 MiB.
inline constexpr std::uint64_t kSourceUnitsInAll = 16'384;
/// All mailboxes together, in units: 64 MiB of strangers, and 192 MiB of peers with a channel. On disk.
inline constexpr std::uint64_t kAllStrangersMail = 32'768, kAllFamiliarMail = 98'304;
/// Units of strangers above kAllStrangersMail, per mailbox and in all: a flood into the mailboxes of some clients must
/// not shut out the payers of others.
inline constexpr std::uint64_t kStrangersReserve = 16, kAllStrangersReserves = 32'768;
/// Mail that a client has not confirmed yet: the next batch follows the pong.
inline constexpr std::size_t kBatchMessages = 64, kBatchBytes = 1'048'576;
static_assert(kBatchMessages <= kMaxRowsPerRead);
/// Batches read from disk at a time, for all clients together, because their bytes are in memory then. Thousands of
/// clients may reconnect in the same second; each gets its batch in turn.
inline constexpr std::size_t kBatchesRead = 8;
static_assert(kStrangerAllowance.messages > kBatchMessages && kStrangerAllowance.bytes > kBatchBytes,
              "a batch of mail must pass at a client to which we are a stranger: its server erases it at the pong");
static_assert(kFamiliarAllowance.messages > kPeersMail.burst_units + kStrangersMail.burst_units,
              "a full mailbox must pass: a client keeps its connection to its LSP, and pongs");
/// How often the age of mail is checked.
inline constexpr std::uint64_t kAgeCheckMs = 3'600'000;

}  // namespace doze::onion_message
