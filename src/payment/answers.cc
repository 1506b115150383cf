#include "payment/answers.h"

#include "crypto/crypto.h"
#include "payment/describe.h"
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

/// The newest payment to us with this hash.
std::optional<Incoming> received(const Payments::Inside& state, const PaymentHash& hash) {
  auto key = state.incoming.index().newest(hash);
  return key ? state.incoming.find(*key) : std::nullopt;
}

/// A payment to us, or an invoice of ours that nobody has paid yet. nullopt: neither.
std::optional<Value> describe_receipt(Work& work, const PaymentHash& hash) {
  (void)work.state.incoming.index();  // with this step's
  const auto& state = work.state;
  if (auto payment = received(state, hash)) return describe(*payment, state, work.context);
  auto issued = state.invoices.find(hash);
  if (!issued) return std::nullopt;
  auto out = describe(*issued, state, work.context.wall);
  bool open = work.context.wall <= issued->expires_at;
  return out.set("direction", "incoming").set("state", open ? "open" : "expired");
}

/// Whether this waiter has what it waits for.
bool is_told(Work& work, const PaymentHash& hash, bool wants_settled) {
  (void)work.state.incoming.index();
  if (auto payment = received(work.state, hash)) return !wants_settled || payment->state != IncomingState::Claiming;
  auto issued = work.state.invoices.find(hash);
  return !issued || work.context.wall > issued->expires_at;
}

PaymentHash hash_of(const PaymentId& id) {
  PaymentHash out;
  out.bytes = id.bytes;
  return out;
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
           "the idempotency_key has " + std::to_string(command.idempotency_key.size()) +
               " bytes: " + std::to_string(command::kIdempotencyKeyBytes) + " at most");
    return true;
  }
  const auto& keys = work.state.outgoing.index().by_key;
  auto known = keys.find(command.idempotency_key);
  auto* payment = known == keys.end() ? nullptr : find(work, known->second);
  if (payment == nullptr) return false;
  if (payment->command_digest != digest_of(command)) {
    refuse(work, request, CommandErrorCode::Refused,
           "this idempotency_key belongs to another payment: see getpayment " + payment->id.hex());
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

void get_payment(Work& work, RequestId request, const PaymentId& id) {
  if (const auto* payment = find(work, id)) return work.say(Reply{request, describe(*payment, work.context)});
  if (auto receipt = describe_receipt(work, hash_of(id))) return work.say(Reply{request, *std::move(receipt)});
  not_found(work, request);
}

void wait_payment(Work& work, RequestId request, const PaymentId& id, bool wants_settled) {
  if (auto* payment = find(work, id)) {
    work.state.waiters[id].emplace_back(request, wants_settled);
    return answer_waiters(work, *payment);
  }
  auto hash = hash_of(id);
  auto issued = work.state.invoices.find(hash);
  if (!describe_receipt(work, hash)) return not_found(work, request);
  ReceiptWaiter waiter{request, wants_settled, std::nullopt};
  if (issued && issued->expires_at >= work.context.wall) {
    auto left = issued->expires_at.value() - work.context.wall.value();
    waiter.until = after_ms(work.context.mono, (std::min(left, kLongestWaitS) + 1) * 1000);
  }
  work.state.receipt_waiters.add(hash, waiter);
  answer_receipt_waiters(work, hash);
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
