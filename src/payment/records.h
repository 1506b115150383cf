// Rows of Table::OutgoingPayment, IncomingPayment, InvoiceSent and ReleaseDue.
#pragma once

#include "base/parse_error.h"
#include "base/result.h"
#include "effects/records.h"
#include "payment/incoming.h"
#include "payment/invoices.h"
#include "payment/outgoing.h"
#include "payment/releases.h"

namespace doze::payment {

[[nodiscard]] Put record(const Outgoing& payment);
struct LateSettlement;
/// A row of Table::OutgoingPayment until the payment is read: it is over, and has none there.
[[nodiscard]] Put record(const LateSettlement& late);
[[nodiscard]] Put record(const Incoming& payment);
[[nodiscard]] Put record(const Parked& parked);
[[nodiscard]] Put record(const Issued& invoice);
[[nodiscard]] Put record(const ReleaseDue& release);
[[nodiscard]] Result<Outgoing, ParseError> read_outgoing(ByteView value);
[[nodiscard]] bool is_late(ByteView value);
[[nodiscard]] Result<LateSettlement, ParseError> read_late(ByteView value);
[[nodiscard]] Result<Incoming, ParseError> read_incoming(ByteView value);
[[nodiscard]] bool is_parked(ByteView value);
[[nodiscard]] Result<Parked, ParseError> read_parked(ByteView value);
[[nodiscard]] Result<Issued, ParseError> read_issued(ByteView value);
[[nodiscard]] Result<ReleaseDue, ParseError> read_release(ByteView value);

}  // namespace doze::payment
