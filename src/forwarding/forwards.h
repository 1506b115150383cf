// HTLCs of others: ordinary forwards, and the hold ledger.
//
// Sources: BOLT 2, 4; bolts #1149; ADR 11, 25.
// Every received HTLC comes to this room first. Its onion says whether it ends at this node (HtlcArrived, to payment)
// or goes on.
//
// Rules. The id of an HTLC is (channel_id, htlc_id); a payment hash is never a key. A row changes its state by
// compare-and-swap, in one place (move). A release is durable before it acts, and a forward before it is offered. An
// HTLC that was offered downstream fails upstream only after the downstream HTLC is irrevocably removed. While our
// chain is behind, heights prove nothing: nothing is offered, and arriving HTLCs wait. Users see these states of a
// hold: held, released, forwarded, settled, failed.
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
