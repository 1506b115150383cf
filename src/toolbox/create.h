// `doze create`: offers, requests, invoices, static invoices and blinded paths from flags.
#pragma once

#include "toolbox/flags.h"

namespace doze::toolbox {

/// "text" or "hex" of what was made, and its ids. Flags as the command line's table names them, with _ for -.
[[nodiscard]] Made<Value> create_offer(const Flags& flags);
[[nodiscard]] Made<Value> create_invoice_request(const Flags& flags);
/// An invoice_request without an offer.
[[nodiscard]] Made<Value> create_refund(const Flags& flags);
[[nodiscard]] Made<Value> create_invoice_error(const Flags& flags);
/// For a request of either kind.
[[nodiscard]] Made<Value> create_invoice(const Flags& flags);
[[nodiscard]] Made<Value> create_static_invoice(const Flags& flags);
/// "hex", and with payment terms "payinfo" and "payment_path" (both, for --payment-paths).
[[nodiscard]] Made<Value> create_blinded_path(const Flags& flags);

}  // namespace doze::toolbox
