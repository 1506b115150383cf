// Payments of our own, both ends: those that we make, and those to us.
//
// Sources: BOLT 4, 11, 12; bolts #1149; ADR 16, 24, 25, 26, 29.
// The id of an HTLC is (channel_id, htlc_id); a payment hash is never a key. While our chain is behind, heights prove
// nothing: nothing is claimed or released, and what came waits. States that users see: outgoing fetching, held,
// notified, releasing, settled, failed, expired.
#pragma once

#include <span>

#include "base/variant.h"
#include "effects/machine.h"

namespace doze::payment {

struct Input
    : std::variant<Started, ChannelUsable, ChannelUnusable, ChannelClosed, InvoiceObtained, StaticInvoiceObtained,
                   InvoiceFailed, HtlcAdded, HtlcRefused, OfferedHtlcCommitted, ReleasePathsReceived, HtlcArrived,
                   HtlcFulfilled, HtlcFailed, ReceivedHtlcGone, OnionMessageReceived, OnionMessageOutcome, PongReceived,
                   BlockConnected, ChainStatus, RowsRead, DeadlineReached, CommandReceived, RequestGone> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class Payments {
 public:
  Payments();
  struct Inside;
  Hidden<Inside> inside;
};

/// Rows of Table::OutgoingPayment, IncomingPayment, ReleaseDue, InvoiceSent, PaidInvoice, Count.
[[nodiscard]] Result<Payments, LoadError> load(std::span<const Row> rows);
/// HtlcAdded, HtlcRefused, OfferedHtlcCommitted, ReleasePathsReceived, HtlcFulfilled, HtlcFailed: with a LocalOrigin.
/// CommandReceived: Pay, CreateInvoice, ListInvoices, CancelPayment, ListPayments, GetPayment, WaitPayment. Pay replies
/// at `notified`, at a terminal state, or (without a hold) when the HTLC
/// settles or the recipient was notified.
[[nodiscard]] Transition<Payments> step(Payments state, const Input& input, const Context& context);
[[nodiscard]] std::optional<MonoTime> deadline(const Payments& state);

}  // namespace doze::payment
