// Payments as people and programs see them: the same words everywhere, each with its deadline.
#pragma once

#include "effects/value.h"
#include "payment/incoming.h"
#include "payment/outgoing.h"
#include "payment/payments.h"

namespace doze::payment {

/// A row of a list leaves out the static invoice: it is long and proves nothing.
enum class InList : std::uint8_t { No, Yes };
[[nodiscard]] Value describe(const Outgoing& payment, const Context& context, InList in_list = InList::No);
[[nodiscard]] Value describe(const Incoming& payment, const Payments::Inside& state, const Context& context);
/// What events say of a payment to us.
[[nodiscard]] Fields facts(const Incoming& payment, const Context& context);

}  // namespace doze::payment
