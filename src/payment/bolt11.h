// Paying invoices of BOLT 11, in one part: over the graph and the ways that the invoice names.
#pragma once

#include "effects/words.h"
#include "payment/outgoing.h"

namespace doze::payment {

struct Work;
/// `text` is that of an invoice (offers::bolt11_text).
void start_bolt11(Work& work, RequestId request, const command::Pay& command, const std::string& text);
/// outgoing_cltv_value of the recipient's payload.
[[nodiscard]] CltvExpiry bolt11_final_expiry(const Context& context, const Outgoing& payment);
/// A hop of a way that the invoice names says that its policy is another one: the invoice is older. True: it is tried
/// once more as the hop wants it.
[[nodiscard]] bool learn_update(Outgoing& payment, const wire::ChannelUpdate& update, ShortChannelId failed);

}  // namespace doze::payment
