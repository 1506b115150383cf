// The limits of this room, each with its reason. doc/LIMITS.md.
#pragma once

#include "effects/limits.h"

namespace doze::forwarding {

/// Ended rows that are kept for people, 250 bytes each. A settled forward has paid its fee. A failed one has cost its
/// sender nothing, so failed ones push out only each other.
inline constexpr std::size_t kMaxSettledForwards = 1'000'000, kMaxFailedForwards = 100'000;
/// How long a new HTLC to forward waits for our chain to catch up; after that it is refused at once. A block is read in
/// a moment, and a start takes some seconds.
inline constexpr std::uint64_t kChainPatienceMs = 60'000;
/// An ordinary forward whose outgoing HTLC expires in fewer blocks is refused, because its next hop would refuse it.
/// (Our own time to resolve it on chain is the difference between the two expiries.) In practice payees ask for 9
/// blocks or more: Core Lightning 26.06 on test networks for 10, of which a payer that is one block behind uses one.
/// LND forwards with 13, LDK with 3, Core Lightning with 1. A limit of 18 refused payers two blocks behind whose payee
/// asks for 18.
inline constexpr CltvDelta kMinOutgoingLeft{9};
/// Ordinary forwards that wait for one channel, and for all channels together, also while our chain is behind. More
/// than a channel has slots would not fit when it is back, and would only fail later. Each costs 2 KiB, and all that
/// waited for our chain are offered in one step.
inline constexpr std::size_t kMaxWaitingForChannel = 483, kMaxWaitingForwards = 10'000;
/// The number of those that may come from one peer, over all of its channels: what two full channels carry. An LSP that
/// releases a thousand holds at once stays below it. 11 such peers with 22 channels fill the node.
inline constexpr std::size_t kMaxWaitingOfPeer = 2 * kMaxWaitingForChannel;
/// How long an ordinary forward waits for a client that has just disconnected and got no mail. A phone that changes its
/// network is back by then.
inline constexpr std::uint64_t kClientBlinkMs = 5'000;
/// Holds of one peer over all of its channels: what two full channels of a payer have. 21 such peers fill the node.
inline constexpr std::size_t kMaxHeldPerPeer = 2 * kMaxHeldPerChannel;
/// The smallest hold, and the smallest one when half of all places are taken. A hold takes an HTLC slot of the peer's
/// channel and 5 KiB of memory, for up to a week, and pays nothing before it is released. The second half of the places
/// is for payments that lock up a real amount: filling it takes 5,000 times 1,000 sat.
inline constexpr Msat kMinHeld{10'000}, kMinHeldWhenBusy{1'000'000};
/// For releases that arrive before their HTLC, which follows within a commitment round or a reconnection. Above these
/// limits a release is dropped, and the recipient's next answer (kReleaseRepeatMs) replaces it.
inline constexpr std::uint64_t kEarlyLifeS = 600, kEarlyCheckMs = 60'000;
inline constexpr std::size_t kMaxEarlyPerChannel = 64, kMaxEarly = 1'000;
/// How often a full channel is looked at: it is tried again when HTLCs have left it. And how often it is tried again in
/// any case, because a feerate or a limit may also change.
inline constexpr std::uint64_t kRoomCheckMs = 100, kRoomAskMs = 30'000;
/// HTLCs that may be refused per round for being too large: smaller ones behind them may fit.
inline constexpr std::size_t kMisfitsPerRound = 16;

}  // namespace doze::forwarding
