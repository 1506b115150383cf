// All channels of this node: opening, normal operation, reestablishing, closing. One source file per state, one value
// per channel.
//
// Sources: BOLT 2, BOLT 3; bolts #1149 for the hold flag and the release paths.
// Order on disk: a commitment_signed or revoke_and_ack leaves only after the batch that contains its result. After a
// crash, channel_reestablish leads to the same messages, byte for byte, release paths included.
// Invariants: local + remote + pending == capacity; a revoked local commitment is never signed; each offered HTLC has
// exactly one outcome (HtlcFulfilled or HtlcFailed), and each received one is emitted exactly once (HtlcReceived).
#pragma once

#include <map>
#include <span>

#include "base/variant.h"
#include "effects/machine.h"

namespace doze::channel {

/// From the corridor, when all other words of the step have been handled. Channels with pending updates sign now, so
/// that several updates share one commitment_signed.
struct EndOfStep {};

struct Input : std::variant<Started, PeerReady, PeerGone, MessageReceived, CommandReceived, OpenChannelNow,
                            FundingPrepared, FundingFailed, FundingRefused, CoinsReserved, AddHtlc, FulfillHtlc,
                            FailHtlc, FailMalformedHtlc, BlockConnected, BlockHasMore, BlockDisconnected, ChainStatus,
                            FeeEstimate, BroadcastResult, RowsRead, DeadlineReached, EndOfStep> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class Channels {
 public:
  Channels();
  struct Inside;
  Hidden<Inside> inside;
};

/// Rows of Table::Channel and Table::Close.
[[nodiscard]] Result<Channels, LoadError> load(std::span<const Row> rows, const Signer& signer);
/// CommandReceived: ListChannels, CloseChannel. OpenChannel comes as OpenChannelNow.
[[nodiscard]] Transition<Channels> step(Channels state, const Input& input, const Context& context);
[[nodiscard]] std::optional<MonoTime> deadline(const Channels& state);
/// All channels with a row: open and closing ones, and closed ones that listchannels still shows.
[[nodiscard]] const std::map<ChannelId, ChannelView>& views(const Channels& state);
[[nodiscard]] const ChannelIndex& index(const Channels& state);

}  // namespace doze::channel
