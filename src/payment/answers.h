// What callers ask about payments, and commands that they repeat.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "effects/rows.h"
#include "effects/words.h"
#include "payment/incoming.h"
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
struct PayAsked;
struct PaymentAsked;
/// The payment of this command's key, from the store.
void pay_known(Work& work, const PayAsked& asked, const std::optional<Outgoing>& known);
/// One that is over.
void tell_payment(Work& work, const PaymentAsked& asked, const Outgoing& payment);
void tell_receipt(Work& work, const PaymentAsked& asked, const Incoming& payment);
/// It is neither of ours nor to us: an invoice that nobody has paid, or nothing.
void tell_unpaid(Work& work, const PaymentAsked& asked);
void no_such_payment(Work& work, const PaymentAsked& asked);
/// From memory, or from the store.
void ask_for(Work& work, const PaymentAsked& asked);
/// Nobody waits for it any more.
void forget_request(Work& work, RequestId request);
void get_payment(Work& work, RequestId request, const PaymentId& id);
void wait_payment(Work& work, RequestId request, const PaymentId& id, bool wants_settled);
void answer_receipt_waiters(Work& work, const PaymentHash& hash);
void receipt_deadlines(Work& work);

}  // namespace doze::payment
