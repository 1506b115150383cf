// HTLCs of others: ordinary forwards, and the hold ledger.
//
// Sources: BOLT 2, 4; bolts #1149; ADR 11, 25.
// The id of an HTLC is (channel_id, htlc_id); a payment hash is never a key. Ledger states change by compare-and-swap
// in one place. A release that was heard is durable before it acts; a forward is durable before it is offered; an HTLC
// that was offered downstream is never failed upstream until the downstream one is irrevocably removed. While our chain
// is behind, heights prove nothing: nothing is offered for others, and what came waits. States that users see: holds
// held, released, forwarded, settled, failed.
// Every received HTLC comes here first: its onion says whether it ends here (HtlcArrived) or goes on.
#pragma once

#include <span>

#include "base/variant.h"
#include "effects/machine.h"

namespace doze::forwarding {

struct Input
    : std::variant<Started, PeerReady, PeerGone, ChannelUsable, ChannelUnusable, ChannelClosed, ClientAwake, HtlcAdded,
                   HtlcRefused, HtlcReceived, HtlcFulfilled, HtlcFailed, ReceivedHtlcGone, OnionMessageReceived,
                   BlockConnected, ChainStatus, RowsRead, DeadlineReached, CommandReceived> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class Forwarding {
 public:
  Forwarding();
  struct Inside;
  Hidden<Inside> inside;
};

/// Rows of Table::Forward and Count.
[[nodiscard]] Result<Forwarding, LoadError> load(std::span<const Row> rows);
/// CommandReceived: ListForwards, ListHolds, FailHold. HtlcAdded, HtlcRefused, HtlcFulfilled, HtlcFailed: with a
/// ForwardOrigin.
[[nodiscard]] Transition<Forwarding> step(Forwarding state, const Input& input, const Context& context);
[[nodiscard]] std::optional<MonoTime> deadline(const Forwarding& state);

}  // namespace doze::forwarding
