// The payer's side: asks for an invoice, takes the first good answer to its own live request.
#pragma once

#include "invoicing/state.h"

namespace doze::invoicing {

void hear(Work& work, const RequestInvoice& word);
void hear(Work& work, const CancelInvoiceRequest& word);
void hear(Work& work, const OnionMessageOutcome& word);
void on_answer(Work& work, const OnionMessageReceived& word, ByteView context);
void payer_deadlines(Work& work, bool connection_changed);

}  // namespace doze::invoicing
