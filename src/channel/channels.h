// All channels of this node: opening, normal operation, re-establishing, closing. One file a state, one value a
// channel.
//
// Sources: BOLT 2, BOLT 3; bolts #1149 for the hold flag and the release paths.
// Order on disk: a commitment_signed or revoke_and_ack leaves only with the batch that makes it irreversible. After a
// crash channel_reestablish retransmits byte-identical messages, release paths included. Invariants: local + remote +
// pending == capacity; a revoked local commitment is never signed; the outcome of each offered HTLC is said exactly
// once (HtlcFulfilled or HtlcFailed), each received one is handed over exactly once (HtlcReceived).
#pragma once

#include <map>
#include <span>

#include "base/variant.h"
#include "effects/machine.h"

namespace doze::channel {

/// Said by the corridor when the step's other words have been heard: channels with pending updates sign now (once), so
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
/// Open and closing channels, and closed ones as long as the operator should see them.
[[nodiscard]] const std::map<ChannelId, ChannelView>& views(const Channels& state);
[[nodiscard]] const ChannelIndex& index(const Channels& state);

}  // namespace doze::channel
