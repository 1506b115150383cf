#include "payment/over.h"

#include "payment/announce.h"
#include "payment/answers.h"
#include "payment/ended.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

/// The attempt that this HTLC was, as far as rows tell.
Attempt& attempt_of(Outgoing& payment, const HtlcFulfilled& word) {
  auto key = htlc_key_of(word);
  auto part = part_of(word.origin);
  for (auto& attempt : payment.attempts)
    if (const auto* returned = std::get_if<Returned>(&attempt.state); returned != nullptr && returned->htlc == key)
      return attempt;
  if (auto* live = live_attempt(payment, part)) return *live;
  if (payment.attempts.empty()) payment.attempts.emplace_back().part = part;
  return payment.attempts.back();
}

}  // namespace

void settle(Work& work, Outgoing& payment, const HtlcFulfilled& word) {
  attempt_of(payment, word).state = Claimed{htlc_key_of(word)};
  payment.preimage = word.preimage;
  end_payment(work, payment, Settled{work.context.wall});
  if (payment.is_static) hasten_announcements(work, payment);
}

void settle_unexpectedly(Work& work, Outgoing& payment, const HtlcFulfilled& word) {
  say_unexpected(work, payment.id, word);
  if (payment.over()) unlist(work, payment);
  settle(work, payment, word);
}

void say_unexpected(Work& work, const PaymentId& id, const HtlcFulfilled& word) {
  work.notify(Severity::Error, "unexpected_settlement",
              {{"payment_id", id.hex()}, {"channel_id", word.channel_id.hex()}, {"htlc_id", word.htlc_id}});
}

void refuse_to_cancel_ended(Work& work, Outgoing& payment, const Cancelled& word) {
  tell_payment(work, {word.request, payment.id, Wanted::Cancel}, payment);
}

}  // namespace doze::payment
