// Why a payment did not settle, and whether the limit that its end names was really exceeded: with numbers from the
// wire, the chain and the clock. The list of limits is closed; an end that names none of them is a broken promise.
#pragma once

#include "sim/async_network.h"
#include "sim/checker.h"

namespace doze::sim {

struct Ending {
  bool confirmed = false;
  std::string limit;  // which one, without numbers; empty: none
  std::string why;    // with numbers, or what is wrong with the reason given
};

/// `payment` is a row of listpayments at the payer, ended, not settled.
[[nodiscard]] Ending explain(const Checker& checker, const AsyncNetwork& network, const Value& payment);

}  // namespace doze::sim
