// Payments: outgoing, incoming, forwards, and the hold ledger.
//
// Sources: BOLT 2, 4, 12; bolts #1149; choices 2, 3, 4, 6, 7.
// The id of an HTLC is (channel_id, htlc_id); a payment hash is never a key. Ledger states change by compare-and-swap
// in one place. A release that was heard is durable before it acts; a forward is durable before it is offered; an HTLC
// that was offered downstream is never failed upstream until the downstream one is irrevocably removed. While our chain
// is behind, heights prove nothing: nothing is claimed, released or offered for others, and what came waits. States
// that users see: outgoing fetching, held, notified, releasing, settled, failed, expired; holds held, released,
// forwarded, settled, failed.
#pragma once

#include <memory>
#include <span>

#include "base/variant.h"
#include "effects/context.h"
#include "effects/words.h"

namespace doze::payment {

struct Input : std::variant<Started, PeerReady, PeerGone, ChannelUsable, ChannelUnusable, ChannelClosed, ClientAwake,
                            InvoiceObtained, StaticInvoiceObtained, InvoiceFailed, HtlcAdded, HtlcRefused,
                            OfferedHtlcCommitted, ReleasePathsReceived, HtlcReceived, HtlcFulfilled, HtlcFailed,
                            ReceivedHtlcGone, OnionMessageReceived, OnionMessageOutcome, PongReceived, BlockConnected,
                            ChainStatus, DeadlineReached, CommandReceived, RequestGone> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class Payments {
 public:
  Payments();
  ~Payments();
  Payments(Payments&&) noexcept;
  Payments& operator=(Payments&&) noexcept;
  struct Inside;
  std::unique_ptr<Inside> inside;
};

/// Rows of Table::OutgoingPayment, IncomingPayment, Forward, ReleaseDue, InvoiceSent.
[[nodiscard]] Result<Payments, LoadError> load(std::span<const Row> rows);
/// CommandReceived: Pay, CreateInvoice, ListInvoices, CancelPayment, ListPayments, GetPayment, WaitPayment,
/// ListForwards, ListHolds, FailHold. Pay replies at `notified`, at a terminal state, or (without a hold) when the HTLC
/// settles or the recipient was notified.
[[nodiscard]] Transition<Payments> step(Payments state, const Input& input, const Context& context);
[[nodiscard]] std::optional<MonoTime> deadline(const Payments& state);

}  // namespace doze::payment
