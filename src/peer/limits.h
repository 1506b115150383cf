// What this room bounds, each with its reason: doc/LIMITS.md.
#pragma once

#include "effects/limits.h"

namespace doze::peer {

// ---- times ----
/// From the TCP connection to the first act, which arrives with the connection, or one round trip later.
inline constexpr std::uint64_t kFirstActMs = 10'000;
/// From the TCP connection to the peer's init: three acts and a message, over a slow mobile link.
inline constexpr std::uint64_t kHandshakeMs = 30'000;
/// After this time without a byte from the peer we ping. BOLT 1 wants at least 30 s between idle pings.
inline constexpr std::uint64_t kIdlePingMs = 60'000;
/// After this time without a byte while a ping is unanswered, the connection is dead.
inline constexpr std::uint64_t kSilenceMs = 30'000;
/// How long a peer that sends other messages may leave a ping unanswered: mail would wait forever for its pong.
inline constexpr std::uint64_t kPongPatienceMs = 300'000;
/// The driver answers each dial. If it does not, we continue after its longest possible attempt.
inline constexpr std::uint64_t kDialGuardMs = 120'000;
inline constexpr std::uint64_t kFirstBackoffMs = 1'000, kMaxBackoffMs = 60'000;
/// A connection that lasted this long was good: the backoff starts again.
inline constexpr std::uint64_t kStableMs = 10'000;
/// Two nodes that dial each other get two connections within this time, and must agree on one.
inline constexpr std::uint64_t kCrossedDialsMs = 5'000;

// ---- sizes ----
/// Inbound connections that have not sent the first act: they cost us 1 KiB each. Above this number one
/// of the prefix with the most is closed, not the newest (Crowd::victim): while 1,000 silent connections per second
/// arrive from the same prefix, an honest one may take 300 ms for its first act.
inline constexpr std::size_t kMaxSilent = 1'024;
/// Inbound connections between the first act and init: each costs both sides three curve operations.
/// Above it one is closed in the same way. Peers with a channel and clients leave this crowd with the third act.
inline constexpr std::size_t kMaxHandshakes = 512;
/// A stranger without a useful message for this long is the first to lose its place when kMaxPeersWithoutChannel are
/// connected: a question and its answer take seconds.
inline constexpr std::uint64_t kIdleStrangerMs = 60'000;
/// One that has been connected for this long is the next. A newcomer always gets a place; otherwise a crowd of free
/// ids that ask one question per minute would shut all others out.
inline constexpr std::uint64_t kStrangerTurnMs = 10'000;
/// Bytes of pongs that a peer may ask for: a 6-byte ping can ask for 65 KB. The burst is for peers that ping with every
/// few dozen messages while they send their whole gossip.
inline constexpr std::uint64_t kPongBurstBytes = 4'194'304, kPongBytesPerS = 65'536;
/// The same for all strangers together: 500 that ask for the largest pong once per minute get 546 KB/s. Pongs above
/// this rate wait; the smallest are sent first.
inline constexpr std::uint64_t kStrangersPongBurstBytes = 4'194'304, kStrangersPongBytesPerS = 1'048'576;
/// Bytes of pongs to one peer in one step: one of the largest, or a thousand small ones. A peer that leaves output
/// unread (OutputWaits) gets none.
inline constexpr std::uint64_t kPongBytesInStep = 65'600;
/// How often waiting pongs are checked.
inline constexpr std::uint64_t kPongPauseMs = 50;
/// Pongs that one peer may have waiting, two bytes each.
inline constexpr std::size_t kMaxPongsDue = 1'024;
/// Bytes of incomplete messages of all strangers and handshakes together; above it, the connection with the most is
/// closed. A message has at most 65,569 bytes.
inline constexpr std::size_t kMaxPartialOfStrangers = 16 * 1024 * 1024;
inline constexpr std::uint64_t kPongOverheadBytes = 64;  // what an empty pong costs us
/// BOLT 1: a ping that asks for this many bytes or more gets no pong.
inline constexpr std::uint16_t kFirstUnansweredPong = 65532;
/// Our unanswered pings: a peer with more of them is stuck.
inline constexpr std::size_t kMaxUnansweredPings = 1'024;
/// Addresses tried and remembered per node: a dial of 10 s each fits into kDialGuardMs.
inline constexpr std::size_t kMaxAddresses = 8;

}  // namespace doze::peer
