#include "payment/online.h"

#include "offers/static_invoice.h"
#include "payment/announce.h"
#include "payment/records.h"
#include "payment/sending.h"
#include "payment/state.h"

namespace doze::payment {

void stay_online(Work& work, Outgoing& payment) {
  payment.state = Online{};
  work.say(record(payment));
  announce(work, payment);
}

UnixTime online_end(const Outgoing& payment) {
  auto invoice = offers::StaticInvoice::parse(payment.invoice, offers::Checks::Stored);
  return std::min(invoice ? invoice->expires_at() : payment.created_at,
                  after_s(payment.created_at, kOnlinePayerWaitMaxS));
}

void take_release(Work& work, Outgoing& payment) {
  work.notify(Severity::Info, "payment_releasing", {{"payment_id", payment.id.hex()}});
  send_htlc(work, payment, HoldFlag::No);
}

void take_online_time(Work& work, Outgoing& payment) {
  // announce_after looks at it again when its time is over.
  if (work.context.wall <= online_end(payment)) return announce_on_time(work, payment);
  end_payment(
      work, payment,
      Expired{{work.context.wall, "the recipient did not wake before the invoice expired", CommandErrorCode::Expired}});
}

void start_online(Work& work, Announcing& announcing) {
  announcing.due = work.context.mono;
}

}  // namespace doze::payment
