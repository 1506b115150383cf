// What this room bounds, each with its reason: doc/LIMITS.md.
#pragma once

#include "effects/limits.h"

namespace doze::forwarding {

/// Rows of the past, for people: 250 bytes each. A settled forward has paid its fee; failed ones are for nothing, so
/// they push out only each other.
inline constexpr std::size_t kMaxSettledForwards = 1'000'000, kMaxFailedForwards = 100'000;
/// A block is read in a moment, a start takes some seconds: so long new HTLCs for others wait for our chain, later they
/// are refused at once.
inline constexpr std::uint64_t kChainPatienceMs = 60'000;
/// An ordinary forward with fewer blocks left than this is refused: its next hop would refuse it. Our own time to
/// resolve it on chain is the difference between the two expiries. Payees ask for 9 blocks at least in practice (Core
/// Lightning 26.06 on test networks: 10, of which a payer that is one block behind spends one); LND forwards with 13,
/// LDK with 3, Core Lightning with 1. Whoever pays a payee with 18 from a chain that is two blocks behind was refused
/// by 18.
inline constexpr CltvDelta kMinOutgoingLeft{9};
/// Ordinary HTLCs for others that wait for one channel, or for our chain: more than its slots do not fit when it is
/// back, and would only fail later. And for all channels together: each costs 2 KiB, and what waited for our chain is
/// offered in one step.
inline constexpr std::size_t kMaxWaitingForChannel = 483, kMaxWaitingForwards = 10'000;
/// Of those so many came from one peer, over all of its channels: what two full channels carry. An LSP that releases a
/// thousand holds at once stays below; 11 such peers fill the node, and they have 22 channels open with it.
inline constexpr std::size_t kMaxWaitingOfPeer = 2 * kMaxWaitingForChannel;
/// A phone that changes its network is back by then; whoever was not sent mail is not awaited longer.
inline constexpr std::uint64_t kClientBlinkMs = 5'000;
/// Holds of one peer over all of its channels: as many as two full channels of a payer. 21 such peers fill the node.
inline constexpr std::size_t kMaxHeldPerPeer = 2 * kMaxHeldPerChannel;
/// A hold takes an HTLC slot of the peer's channel and 5 KiB here, up to a week, and pays nothing before it is
/// released: below 10 sat it is worth less than that. When half of all places are taken, the rest is for payments that
/// lock up a real amount: filling it takes 5,000 times that.
inline constexpr Msat kMinHeld{10'000}, kMinHeldWhenBusy{1'000'000};
/// A release that came before its HTLC: the HTLC follows within a commitment round or a reconnection. Beyond these
/// limits the recipient's next answer (kReleaseRepeatMs) does the same.
inline constexpr std::uint64_t kEarlyLifeS = 600, kEarlyCheckMs = 60'000;
inline constexpr std::size_t kMaxEarlyPerChannel = 64, kMaxEarly = 1'000;
/// A full channel is looked at so often, and asked when HTLCs have gone; a feerate or a limit may also change, so it is
/// asked without that, too.
inline constexpr std::uint64_t kRoomCheckMs = 100, kRoomAskMs = 30'000;
/// Released ones that do not fit, each time: smaller ones behind may.
inline constexpr std::size_t kMisfitsPerRound = 16;

}  // namespace doze::forwarding
