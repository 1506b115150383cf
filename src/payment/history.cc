#include "payment/history.h"

#include "payment/state.h"

namespace doze::payment {

namespace {
/// A step ends a few rows; a larger batch makes room over the next steps.
constexpr std::size_t kForgottenPerStep = 4;

Bytes row_key(const PaymentId& id) {
  return to_bytes(id.view());
}
Bytes row_key(const HtlcKey& key) {
  return key_of(key);
}
void forget(Work& work, auto& rows, Table table, const auto& old, std::size_t most) {
  for (std::size_t count = 0; old.size() > most && count < kForgottenPerStep; ++count) {
    auto key = old.begin()->second;
    work.say(Erase{table, row_key(key)});
    rows.erase(key);
  }
}
}  // namespace

void forget_history(Work& work) {
  auto& state = work.state;
  forget(work, state.outgoing, Table::OutgoingPayment, state.outgoing.index().ended, kMaxEndedPayments);
  forget(work, state.incoming, Table::IncomingPayment, state.incoming.index().ended, kMaxEndedPayments);
  forget(work, state.incoming, Table::IncomingPayment, state.incoming.index().small, kMaxSmallReceipts);
}

}  // namespace doze::payment
