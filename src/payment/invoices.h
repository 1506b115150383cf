// Invoices of BOLT 11 that we issue, and HTLCs that pay them.
#pragma once

#include <optional>
#include <string>

#include "effects/words.h"
#include "payment/incoming.h"
#include "payment/payments.h"

namespace doze::payment {

/// An invoice of BOLT 11 that we made. Its preimage is invoice_preimage(nonce).
struct Issued {
  PaymentHash payment_hash;
  std::array<std::uint8_t, 16> nonce{};
  std::string invoice;
  UnixTime expires_at;
  std::optional<UnixTime> paid_at;
  Msat received;
  bool lost = false;  // its HTLC went with its channel
};

struct Work;
void create_invoice(Work& work, RequestId request, const command::CreateInvoice& command);
void receive_plain(Work& work, const HtlcReceived& word, const onion::PeeledPlain& onion);
void refuse_plain(Work& work, const HtlcReceived& word, const onion::PeeledPlain& onion, std::uint16_t code,
                  ByteView data, const std::string& why);
/// `payment`: what became of the HTLC that paid it, if one did.
/// Settled if no HTLC has paid it, too.
[[nodiscard]] IncomingState state_of_payment(Work& work, const Issued& issued);
[[nodiscard]] Value describe(const Issued& issued, IncomingState payment, UnixTime now);

}  // namespace doze::payment
