// What callers ask about payments, and commands that they repeat.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "effects/rows.h"
#include "effects/words.h"
#include "payment/outgoing.h"

namespace doze::payment {

/// waitpayment for a payment to us.
struct ReceiptWaiter {
  RequestId request = 0;
  bool wants_settled = true;
  std::optional<MonoTime> until;  // the invoice has expired by then
};
/// All of them, by hash, by request and by time.
class ReceiptWaiters {
 public:
  using Key = std::pair<PaymentHash, RequestId>;
  void add(const PaymentHash& hash, const ReceiptWaiter& waiter);
  /// Nothing happens if it does not wait.
  void erase(RequestId request);
  [[nodiscard]] std::vector<ReceiptWaiter> of(const PaymentHash& hash) const;
  /// By `until`.
  [[nodiscard]] const Due<Key>& due() const { return due_; }
  [[nodiscard]] bool empty() const { return all_.empty(); }

 private:
  std::map<Key, ReceiptWaiter> all_;
  std::map<RequestId, PaymentHash> hashes_;
  Due<Key> due_;
};

struct Work;
/// The command gets an error.
void refuse(Work& work, RequestId request, CommandErrorCode code, std::string message);
/// Fills in a pay command's payment. True: this key has a payment already, and the request is answered by it.
[[nodiscard]] bool answered_by_key(Work& work, RequestId request, const command::Pay& command);
void remember_key(const command::Pay& command, Outgoing& payment);
void get_payment(Work& work, RequestId request, const PaymentId& id);
void wait_payment(Work& work, RequestId request, const PaymentId& id, bool wants_settled);
void answer_receipt_waiters(Work& work, const PaymentHash& hash);
void receipt_deadlines(Work& work);

}  // namespace doze::payment
