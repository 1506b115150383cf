#include "payment/payments.h"

#include "effects/hearers.h"
#include "offers/invoice.h"
#include "paths/own_paths.h"
#include "payment/announce.h"
#include "payment/answers.h"
#include "payment/ended.h"
#include "payment/incoming.h"
#include "payment/invoices.h"
#include "payment/outgoing.h"
#include "payment/pages.h"
#include "payment/records.h"
#include "payment/releases.h"
#include "payment/state.h"

namespace doze::payment {

DOZE_COMPILED_HERE(Input)

Payments::Payments() : inside(make_hidden<Inside>()) {}

namespace {
/// An older program did not note which invoices are paid and could be paid again: an
/// ordinary one of an offer lives for kDefaultInvoiceExpiryS, and what it noted of others says that their HTLC is lost.
void take_receipt(Payments::Inside& state, Incoming payment, ByteView bytes) {
  if (!payment.is_static && !payment.offer_id.is_zero())
    state.paid_before.emplace_back(payment.payment_hash, after_s(payment.received_at, offers::kDefaultInvoiceExpiryS));
  if (payment.state == IncomingState::Lost && payment.offer_id.is_zero())
    state.lost_before.push_back(payment.payment_hash);
  state.incoming.load(std::move(payment), bytes);
}
}  // namespace

Result<Payments, LoadError> load(std::span<const Row> rows) {
  Payments out;
  auto& state = *out.inside;
  for (const auto& row : rows) {
    auto refuse = [&](const ParseError& error) { return fail(LoadError{row.table, row.key, error}); };
    if (row.table == Table::OutgoingPayment) {
      auto payment = read_outgoing(row.value);
      if (!payment) return refuse(payment.error());
      state.outgoing.load(*std::move(payment), row.value);
    } else if (row.table == Table::Count) {
      for (auto* list : {&state.sent, &state.received, &state.small})
        if (auto read = list->load(row); !read) return refuse(read.error());
    } else if (row.table == Table::IncomingPayment && is_parked(row.value)) {
      auto parked = read_parked(row.value);
      if (!parked) return refuse(parked.error());
      state.parked.emplace(HtlcKey{parked->word.channel_id, parked->word.htlc.id}, *std::move(parked));
    } else if (row.table == Table::IncomingPayment) {
      auto payment = read_incoming(row.value);
      if (!payment) return refuse(payment.error());
      take_receipt(state, *std::move(payment), row.value);
    } else if (row.table == Table::PaidInvoice) {
      auto until = read_paid(row.value);
      auto hash = PaymentHash::from(row.key);
      if (!until || !hash) return refuse(until ? ParseError{ParseCode::BadLength, 0, "paid invoice"} : until.error());
      state.paid.emplace(*hash, *until);
      state.paid_until.emplace(*until, *hash);
    } else if (row.table == Table::InvoiceSent) {
      auto invoice = read_issued(row.value);
      if (!invoice) return refuse(invoice.error());
      state.invoices.load(*std::move(invoice), row.value);
    } else if (row.table == Table::ReleaseDue) {
      auto release = read_release(row.value);
      if (!release) return refuse(release.error());
      state.next_release = std::max(state.next_release, release->sequence + 1);
      state.releases.load(*std::move(release), row.value);
    }
  }
  return out;
}

namespace {

/// What was waiting before the process ended waits again.
void started(Work& work) {
  for (auto& [key, parked] : work.state.parked) {
    // The first deadline stays, over however many starts. A clock that was put back gives a fresh one.
    auto waited = work.context.wall.value() - std::min(parked.since.value(), work.context.wall.value());
    if (parked.since.value() == 0 || parked.since > work.context.wall) parked.since = work.context.wall, waited = 0;
    parked.give_up = after_ms(work.context.mono, kParkedMaxMs - std::min(waited * 1000, kParkedMaxMs));
    work.state.parked_due.emplace(parked.give_up, key);
    work.say(record(parked));
  }
  for (const auto& [hash, until] : std::exchange(work.state.paid_before, {}))
    if (after_s(until, kPaidKeptS) > work.context.wall) remember_paid(work, hash, until);
  for (const auto& hash : std::exchange(work.state.lost_before, {}))
    if (auto* issued = work.state.invoices.edit(hash); issued != nullptr && !issued->lost) {
      issued->lost = true;
      work.say(record(*issued));
    }
  std::set<ChannelId> claimed_from;
  for (const auto& key : work.state.incoming.live_keys()) claimed_from.insert(key.channel_id);
  for (const auto& id : claimed_from) {
    const auto* channel = work.context.views.channel(id);
    if (channel == nullptr || channel->phase == ChannelPhase::Closed) lose_claims(work, id);
  }
  std::vector<PaymentId> fetching;
  for (const auto& id : work.state.outgoing.live_keys()) {
    auto& payment = *work.state.outgoing.edit(id);
    if (end_interrupted(work, payment)) continue;
    if (payment.state == OutgoingState::Fetching) fetching.push_back(id);
    // Held ones announce again when their channel is usable; those without a hold at once.
    if (payment.is_static && !payment.held && payment.state != OutgoingState::Releasing)
      payment.next_announce = work.context.mono;
    if (payment.held) payment.next_announce = after_ms(work.context.mono, kAnnounceRepeatMs[0]);
    if (payment.awaits_chain()) payment.next_announce = work.context.mono;
  }
  for (const auto& id : fetching) {
    auto& payment = *work.state.outgoing.edit(id);
    auto offer = offers::Offer::parse(payment.offer);
    LN_ASSERT(offer.has_value());
    auto note = payment.payer_note.empty() ? std::nullopt : std::optional(payment.payer_note);
    work.say(RequestInvoice{PayerRequest{id, *std::move(offer), payment.amount, payment.quantity, note}});
  }
}

void hear(Work& work, const ChainStatus&) {
  if (!work.context.views.chain_synced) return;
  judge_parked(work);
  send_on_synced(work);
  send_due_releases(work, false);
}
void hear(Work& work, const Started&) {
  started(work);
}
void hear(Work& work, const ChannelUsable& word) {
  hold_on_usable(work, SIZE_MAX);
  announce_on_usable(work, word);
  channels_changed(work, true);
  send_due_releases(work, true);
}
void hear(Work& work, const ChannelUnusable&) {
  channels_changed(work, false);
}
void hear(Work& work, const ChannelClosed& word) {
  const auto* channel = work.context.views.channel(word.channel_id);
  if (channel == nullptr || channel->phase == ChannelPhase::Closed) lose_claims(work, word.channel_id);
  channels_changed(work, false);
  send_due_releases(work, false);  // it may be the one that they waited for
}
/// What is not of a LocalOrigin goes to forwarding.
template <class Word>
void of_payment(Work& work, const Word& word, auto handle) {
  if (const auto* origin = std::get_if<LocalOrigin>(&word.origin)) handle(work, origin->payment_id, word);
}
void hear(Work& work, const HtlcAdded& word) {
  of_payment(work, word, outgoing_added);
}
void hear(Work& work, const HtlcRefused& word) {
  of_payment(work, word, outgoing_refused);
}
void hear(Work& work, const OfferedHtlcCommitted& word) {
  of_payment(work, word, outgoing_committed);
  hold_on_usable(work, kHoldsPerRound);  // that waits for the next round
}
void hear(Work& work, const HtlcFulfilled& word) {
  of_payment(work, word, outgoing_fulfilled);
}
void hear(Work& work, const HtlcFailed& word) {
  of_payment(work, word, outgoing_failed);
}
void on_contents(Work& work, const OnionMessageReceived& word, const onion::HeldHtlcAvailable& held) {
  on_held_htlc_available(work, word, held.profile);
}
void on_contents(Work& work, const OnionMessageReceived& word, const onion::ReleaseHeldHtlc&) {
  on_release_held_htlc(work, word);
}
void hear(Work& work, const OnionMessageReceived& word) {
  std::visit(
      [&]<class C>(const C& contents) {
        if constexpr (PaymentContents<C>) on_contents(work, word, contents);
      },
      word.contents);
}
void hear(Work& work, const OnionMessageOutcome& word) {
  announcement_outcome(work, word);
  release_outcome(work, word);
}
void hear(Work& work, const BlockConnected&) {
  answer_late_waiters(work);
}
void hear(Work& work, const DeadlineReached&) {
  parked_deadlines(work);
  outgoing_deadlines(work);
  receipt_deadlines(work);
  if (work.state.all_usable_by) channels_changed(work, false);
  send_due_releases(work, false);
}
void hear(Work& work, const RequestGone& word) {
  forget_request(work, word.request);
}
void hear(Work& work, const RowsRead& in) {
  if (auto answer = work.state.questions.answered(in)) go_on(work, *std::move(answer));
}

void answer(Work& work, RequestId request, const command::Pay& command) {
  pay(work, request, command);
}
void answer(Work& work, RequestId request, const command::CreateInvoice& command) {
  create_invoice(work, request, command);
}
void answer(Work& work, RequestId request, const command::ListInvoices& command) {
  list_invoices(work, request, command.page);
}
void answer(Work& work, RequestId request, const command::CancelPayment& command) {
  cancel_payment(work, request, command.payment_id);
}
void answer(Work& work, RequestId request, const command::ListPayments& command) {
  list_payments(work, request, command.page);
}
void answer(Work& work, RequestId request, const command::GetPayment& command) {
  get_payment(work, request, command.payment_id);
}
void answer(Work& work, RequestId request, const command::WaitPayment& command) {
  wait_payment(work, request, command.payment_id, command.wait_for_settled);
}

void hear(Work& work, const CommandReceived& in) {
  std::visit(
      [&]<class C>(const C& command) {
        if constexpr (PaymentCommand<C>) answer(work, in.request, command);
      },
      in.command);
}

}  // namespace

Transition<Payments> step(Payments state, const Input& input, const Context& context) {
  Effects effects;
  Work work{{*state.inside, context, effects}};
  std::visit([&](const auto& in) { hear(work, in); }, input);
  // What is said to this room within one step of the node comes here often, a start or a deadline once.
  bool once = std::holds_alternative<Started>(input) || std::holds_alternative<DeadlineReached>(input);
  move_ended(work, once ? kMovedPerStep : 0);
  forget_payments(work);
  forget_paid(work);
  work.state.outgoing.settle(work.state.questions);
  work.state.incoming.settle(work.state.questions);
  work.state.invoices.settle();
  work.state.releases.settle();
  // While some wait for a question, its answer is the step that goes on.
  bool waits = work.state.outgoing.is_leaving() || work.state.incoming.is_leaving();
  if (!is_moving(work.state) || waits)
    work.state.move_next.reset();
  else if (once || !work.state.move_next)
    work.state.move_next = after_ms(context.mono, kMoveEveryMs);
  return {std::move(state), std::move(effects)};
}

std::optional<MonoTime> deadline(const Payments& state) {
  const auto& inside = *state.inside;
  Earliest earliest;
  if (const auto& due = std::as_const(inside.outgoing).index().due; !due.empty())
    earliest.consider(std::max(due.begin()->first, inside.announce_on));
  earliest.consider_first(std::as_const(inside.releases).index().due);
  earliest.consider_first(inside.parked_due);
  earliest.consider_first(inside.receipt_waiters.due());
  earliest.consider(inside.all_usable_by);
  earliest.consider(inside.move_next);
  return earliest.time();
}

}  // namespace doze::payment
