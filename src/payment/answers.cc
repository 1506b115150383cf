#include "payment/answers.h"

#include "crypto/crypto.h"
#include "payment/describe.h"
#include "payment/ended.h"
#include "payment/invoices.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

/// What makes two pay commands the same. Limits on fees and the choice of a hold may differ: nothing is paid twice.
Hash32 digest_of(const command::Pay& command) {
  Writer out;
  for (const auto& text : {command.offer, command.payer_note.value_or("")})
    out.u32(static_cast<std::uint32_t>(text.size())).bytes(bytes_of(text));
  out.u64(command.amount.value_or(Msat(0)).value()).u64(command.quantity.value_or(0));
  return crypto::sha256(out.view());
}

PaymentHash hash_of(const PaymentId& id) {
  PaymentHash out;
  out.bytes = id.bytes;
  return out;
}

/// The newest payment to us with this hash, of those in memory.
std::optional<Incoming> received(Work& work, const PaymentHash& hash) {
  auto key = work.state.incoming.index().newest(hash);
  return key ? work.state.incoming.find(*key) : std::nullopt;
}

/// An invoice of ours that nobody has paid. nullopt: there is none.
std::optional<Value> describe_unpaid(Work& work, const PaymentHash& hash) {
  auto issued = work.state.invoices.find(hash);
  if (!issued) return std::nullopt;
  auto out = describe(*issued, IncomingState::Settled, work.context.wall);
  bool open = work.context.wall <= issued->expires_at;
  return out.set("direction", "incoming").set("state", open ? "open" : "expired");
}
/// A payment to us in memory, or such an invoice.
std::optional<Value> describe_receipt(Work& work, const PaymentHash& hash) {
  if (auto payment = received(work, hash)) return describe(*payment, work.state, work.context);
  return describe_unpaid(work, hash);
}

/// Whether this waiter has what it waits for.
bool is_told(Work& work, const PaymentHash& hash, bool wants_settled) {
  if (auto payment = received(work, hash)) return !wants_settled || payment->state != IncomingState::Claiming;
  auto issued = work.state.invoices.find(hash);
  return !issued || work.context.wall > issued->expires_at;
}

void await_receipt(Work& work, RequestId request, const PaymentHash& hash, bool wants_settled) {
  auto issued = work.state.invoices.find(hash);
  ReceiptWaiter waiter{request, wants_settled, std::nullopt};
  if (issued && issued->expires_at >= work.context.wall) {
    auto left = issued->expires_at.value() - work.context.wall.value();
    waiter.until = after_ms(work.context.mono, (std::min(left, kLongestWaitS) + 1) * 1000);
  }
  work.state.receipt_waiters.add(hash, waiter);
  answer_receipt_waiters(work, hash);
}

/// What memory knows is told, or waited for. False: it knows nothing of it, or nothing newer than a receipt in the
/// store
/// (`stored`: when it came).
bool told_from_memory(Work& work, const PaymentAsked& asked, std::optional<UnixTime> stored = std::nullopt) {
  if (auto* payment = find(work, asked.id)) {
    if (asked.wanted != Wanted::Wait) return tell_payment(work, asked, *payment), true;
    work.state.waiters[asked.id].emplace_back(asked.request, asked.wants_settled);
    return answer_waiters(work, *payment), true;
  }
  auto hash = hash_of(asked.id);
  auto receipt = asked.wanted == Wanted::Cancel ? std::nullopt : received(work, hash);
  if (!receipt || (stored && receipt->received_at < *stored)) return false;
  if (asked.wanted == Wanted::Wait) return await_receipt(work, asked.request, hash, asked.wants_settled), true;
  work.say(Reply{asked.request, describe(*receipt, work.state, work.context)});
  return true;
}

void refuse_key(Work& work, RequestId request, const Outgoing& payment) {
  refuse(work, request, CommandErrorCode::Refused,
         "this idempotency_key belongs to another payment: see getpayment " + payment.id.hex());
}

void not_found(Work& work, RequestId request) {
  refuse(work, request, CommandErrorCode::NotFound,
         "no payment with this payment_id, and none to us with this payment_hash: see listpayments");
}

}  // namespace

void refuse(Work& work, RequestId request, CommandErrorCode code, std::string message) {
  work.say(Reply{request, CommandError{code, std::move(message), {}}});
}

bool answered_by_key(Work& work, RequestId request, const command::Pay& command) {
  if (command.idempotency_key.empty()) return false;
  if (command.idempotency_key.size() > command::kIdempotencyKeyBytes) {
    refuse(work, request, CommandErrorCode::BadRequest,
           "idempotency_key: expected at most " + std::to_string(command::kIdempotencyKeyBytes) + " bytes, not " +
               std::to_string(command.idempotency_key.size()));
    return true;
  }
  const auto& keys = work.state.outgoing.index().by_key;
  auto known = keys.find(command.idempotency_key);
  auto* payment = known == keys.end() ? nullptr : find(work, known->second);
  if (payment == nullptr) return false;
  if (payment->command_digest != digest_of(command)) {
    refuse_key(work, request, *payment);
    return true;
  }
  work.state.waiters[payment->id].emplace_back(request, false);
  work.state.pay_requests.insert(request);
  answer_waiters(work, *payment);
  return true;
}

void remember_key(const command::Pay& command, Outgoing& payment) {
  if (command.idempotency_key.empty()) return;
  payment.idempotency_key = command.idempotency_key;
  payment.command_digest = digest_of(command);
}

void pay_known(Work& work, const PayAsked& asked, const std::optional<Outgoing>& known) {
  if (!known)
    return refuse(work, asked.request, CommandErrorCode::Internal,
                  "the payment of this idempotency_key cannot be read: see the log");
  if (known->command_digest != digest_of(asked.command)) return refuse_key(work, asked.request, *known);
  work.say(Reply{asked.request, outcome_of(*known, work.context)});
}

void tell_payment(Work& work, const PaymentAsked& asked, const Outgoing& payment) {
  if (asked.wanted == Wanted::Cancel)
    return refuse(work, asked.request, CommandErrorCode::Refused,
                  std::string("the payment has already ended: ") + name(payment));
  work.say(Reply{asked.request, describe(payment, work.context)});
}

void no_such_payment(Work& work, const PaymentAsked& asked) {
  if (asked.wanted == Wanted::Cancel)
    return refuse(work, asked.request, CommandErrorCode::NotFound, "no such payment: see listpayments");
  not_found(work, asked.request);
}

void forget_request(Work& work, RequestId request) {
  work.state.pay_requests.erase(request);
  for (auto& [id, waiting] : work.state.waiters)
    std::erase_if(waiting, [&](const auto& waiter) { return waiter.first == request; });
  work.state.receipt_waiters.erase(request);
  work.state.questions.for_each([&](Asked& asked) {
    auto leave = [&](auto* question) {
      if (question != nullptr && question->request == request) question->gone = true;
    };
    leave(std::get_if<PayAsked>(&asked));
    leave(std::get_if<PaymentAsked>(&asked));
  });
}

void tell_receipt(Work& work, const PaymentAsked& asked, const Incoming& payment) {
  if (told_from_memory(work, asked, payment.received_at)) return;  // a newer one with this hash
  work.say(Reply{asked.request, describe(payment, work.state, work.context)});
}

void tell_unpaid(Work& work, const PaymentAsked& asked) {
  if (told_from_memory(work, asked)) return;
  auto hash = hash_of(asked.id);
  auto unpaid = asked.wanted == Wanted::Cancel ? std::nullopt : describe_unpaid(work, hash);
  if (!unpaid) return no_such_payment(work, asked);
  if (asked.wanted == Wanted::Wait) return await_receipt(work, asked.request, hash, asked.wants_settled);
  work.say(Reply{asked.request, *std::move(unpaid)});
}

void ask_for(Work& work, const PaymentAsked& asked) {
  // While rows of an older program move, one in the store may be newer than one in memory.
  bool both = asked.wanted != Wanted::Cancel && find(work, asked.id) == nullptr && work.state.incoming.is_moving();
  if (both || !told_from_memory(work, asked)) work.ask({by_id(asked.id), receipt_of(hash_of(asked.id))}, asked);
}

void get_payment(Work& work, RequestId request, const PaymentId& id) {
  ask_for(work, {request, id, Wanted::Get});
}

void wait_payment(Work& work, RequestId request, const PaymentId& id, bool wants_settled) {
  ask_for(work, {request, id, Wanted::Wait, wants_settled});
}

void answer_receipt_waiters(Work& work, const PaymentHash& hash) {
  for (const auto& waiter : work.state.receipt_waiters.of(hash)) {
    bool over = waiter.until && *waiter.until <= work.context.mono;
    if (!over && !is_told(work, hash, waiter.wants_settled)) continue;
    if (auto receipt = describe_receipt(work, hash))
      work.say(Reply{waiter.request, *std::move(receipt)});
    else
      not_found(work, waiter.request);
    work.state.receipt_waiters.erase(waiter.request);
  }
}

void receipt_deadlines(Work& work) {
  const auto& due = work.state.receipt_waiters.due();
  while (!due.empty() && due.begin()->first <= work.context.mono)
    answer_receipt_waiters(work, due.begin()->second.first);  // erases it
}

void ReceiptWaiters::add(const PaymentHash& hash, const ReceiptWaiter& waiter) {
  erase(waiter.request);
  all_.emplace(Key{hash, waiter.request}, waiter);
  hashes_.emplace(waiter.request, hash);
  if (waiter.until) due_.emplace(*waiter.until, Key{hash, waiter.request});
}
void ReceiptWaiters::erase(RequestId request) {
  auto hash = hashes_.find(request);
  if (hash == hashes_.end()) return;
  Key key{hash->second, request};
  if (auto until = all_.at(key).until) due_.erase({*until, key});
  all_.erase(key);
  hashes_.erase(hash);
}
std::vector<ReceiptWaiter> ReceiptWaiters::of(const PaymentHash& hash) const {
  std::vector<ReceiptWaiter> out;
  for (auto it = all_.lower_bound({hash, 0}); it != all_.end() && it->first.first == hash; ++it)
    out.push_back(it->second);
  return out;
}

}  // namespace doze::payment
