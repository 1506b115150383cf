// What a payment hears goes to the overload of its state. A state that takes an input neither by itself nor as a named
// group does not compile.
#pragma once

#include "payment/announce.h"
#include "payment/awaiting.h"
#include "payment/fetching.h"
#include "payment/holding.h"
#include "payment/online.h"
#include "payment/over.h"
#include "payment/sending.h"

namespace doze::payment {

template <class In>
void hear(Work& work, Outgoing& payment, const In& in) {
  std::visit([&](auto& state) { on(work, payment, state, in); }, payment.state);
}

}  // namespace doze::payment
