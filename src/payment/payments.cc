#include "payment/payments.h"

#include "payment/inside.h"

namespace doze::payment {

DOZE_COMPILED_HERE(Input)

Payments::Payments() : inside(std::make_unique<Inside>()) {}
Payments::~Payments() = default;
Payments::Payments(Payments&&) noexcept = default;
Payments& Payments::operator=(Payments&&) noexcept = default;

Result<Payments, LoadError> load(std::span<const Row> rows) {
  Payments out;
  auto& state = *out.inside;
  for (const auto& row : rows) {
    auto refuse = [&](const ParseError& error) { return fail(LoadError{row.table, row.key, error}); };
    if (row.table == Table::OutgoingPayment) {
      auto payment = read_outgoing(row.value);
      if (!payment) return refuse(payment.error());
      state.outgoing.load(*std::move(payment), row.value);
    } else if (row.table == Table::IncomingPayment && is_parked(row.value)) {
      auto parked = read_parked(row.value);
      if (!parked) return refuse(parked.error());
      state.parked.emplace(HtlcKey{parked->word.channel_id, parked->word.htlc.id}, *std::move(parked));
    } else if (row.table == Table::IncomingPayment) {
      auto payment = read_incoming(row.value);
      if (!payment) return refuse(payment.error());
      state.incoming.load(*std::move(payment), row.value);
    } else if (row.table == Table::InvoiceSent) {
      auto invoice = read_issued(row.value);
      if (!invoice) return refuse(invoice.error());
      state.invoices.load(*std::move(invoice), row.value);
    } else if (row.table == Table::ReleaseDue) {
      auto release = read_release(row.value);
      if (!release) return refuse(release.error());
      state.next_release = std::max(state.next_release, release->sequence + 1);
      state.releases.load(*std::move(release), row.value);
    } else if (row.table == Table::Forward) {
      auto forward = read_forward(row.value);
      if (!forward) return refuse(forward.error());
      state.forwards.load(*std::move(forward), row.value);
    }
  }
  return out;
}

namespace {

/// What was waiting before the process ended waits again.
void started(Work& work) {
  forwards_started(work);
  for (auto& [key, parked] : work.state.parked) {
    // The first deadline stays, over however many starts. A clock that was put back gives a fresh one.
    auto waited = work.context.wall.value() - std::min(parked.since.value(), work.context.wall.value());
    if (parked.since.value() == 0 || parked.since > work.context.wall) parked.since = work.context.wall, waited = 0;
    parked.give_up = after_ms(work.context.mono, kParkedMaxMs - std::min(waited * 1000, kParkedMaxMs));
    work.state.parked_due.emplace(parked.give_up, key);
    work.say(record(parked));
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
  end_parked_forwards(work);  // deadlines that passed while we were away
}

void hear(Work& work, const ChainStatus&) {
  auto& behind = work.state.behind_since;
  if (!work.context.views.chain_synced) {
    if (!behind) behind = work.context.mono;
    return;
  }
  behind.reset();
  end_parked_forwards(work);
  retry_all_forwards(work);
  judge_parked(work);
  send_on_synced(work);
  send_due_releases(work, false);
}
void hear(Work& work, const Started&) {
  work.state.started = work.context.mono;
  if (!work.context.views.chain_synced) work.state.behind_since = work.context.mono;
  started(work);
}
void hear(Work& work, const PeerReady& word) {
  work.state.left.erase(word.node_id);
}
void hear(Work& work, const PongReceived& word) {
  on(work, word);
}
void hear(Work& work, const PeerGone& word) {
  std::erase_if(work.state.left,
                [&](const auto& entry) { return after_ms(entry.second, kClientBlinkMs) <= work.context.mono; });
  if (work.context.views.is_client(word.node_id)) work.state.left[word.node_id] = work.context.mono;
}
void hear(Work& work, const ChannelUsable& word) {
  retry_forwards(work, word.channel_id);
  retry_forwards_from(work, word.channel_id);
  hold_on_usable(work, SIZE_MAX);
  announce_on_usable(work, word);
  channels_changed(work, true);
  send_due_releases(work, true);
}
void hear(Work& work, const ChannelUnusable& word) {
  end_forwards_from(work, word.channel_id);
  channels_changed(work, false);
}
void hear(Work& work, const ChannelClosed& word) {
  lose_claims(work, word.channel_id);
  end_forwards_from(work, word.channel_id);
  channels_changed(work, false);
  send_due_releases(work, false);  // it may be the one that they waited for
}
void hear(Work& work, const ClientAwake& word) {
  work.state.awake[word.node_id] = work.context.mono;
}
void hear(Work& work, const InvoiceObtained& word) {
  on(work, word);
}
void hear(Work& work, const StaticInvoiceObtained& word) {
  on(work, word);
}
void hear(Work& work, const InvoiceFailed& word) {
  on(work, word);
}
void hear(Work& work, const HtlcAdded& word) {
  std::visit(Overloaded{[&](const LocalOrigin& origin) { outgoing_added(work, origin.payment_id, word); },
                        [&](const ForwardOrigin& origin) { forward_added(work, origin, word); }},
             word.origin);
}
void hear(Work& work, const HtlcRefused& word) {
  std::visit(Overloaded{[&](const LocalOrigin& origin) { outgoing_refused(work, origin.payment_id, word); },
                        [&](const ForwardOrigin& origin) { forward_refused(work, origin, word); }},
             word.origin);
}
void hear(Work& work, const OfferedHtlcCommitted& word) {
  if (const auto* origin = std::get_if<LocalOrigin>(&word.origin)) outgoing_committed(work, origin->payment_id, word);
  hold_on_usable(work, kHoldsPerRound);  // that waits for the next round
}
void hear(Work& work, const ReleasePathsReceived& word) {
  on(work, word);
}
void hear(Work& work, const HtlcReceived& word) {
  on(work, word);
}
void hear(Work& work, const ReceivedHtlcGone& word) {
  on(work, word);
}
void hear(Work& work, const HtlcFulfilled& word) {
  std::visit(Overloaded{[&](const LocalOrigin& origin) { outgoing_fulfilled(work, origin.payment_id, word); },
                        [&](const ForwardOrigin& origin) { forward_fulfilled(work, origin, word); }},
             word.origin);
}
void hear(Work& work, const HtlcFailed& word) {
  std::visit(Overloaded{[&](const LocalOrigin& origin) { outgoing_failed(work, origin.payment_id, word); },
                        [&](const ForwardOrigin& origin) { forward_failed(work, origin, word); }},
             word.origin);
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
  on(work, word);
  release_outcome(work, word);
}
void hear(Work& work, const BlockConnected&) {
  end_parked_forwards(work);
  answer_late_waiters(work);
}
/// Whoever was sent mail long ago. Once per minute: there may be thousands.
void forget_awake(Work& work) {
  constexpr std::uint64_t kEveryMs = 60'000;
  auto now = work.context.mono;
  if (after_ms(work.state.awake_checked, kEveryMs) > now) return;
  work.state.awake_checked = now;
  std::erase_if(work.state.awake,
                [&](const auto& entry) { return after_ms(entry.second, kClientAwakeWindowMs) <= now; });
}
void hear(Work& work, const DeadlineReached&) {
  forward_deadlines(work);
  parked_deadlines(work);
  outgoing_deadlines(work);
  receipt_deadlines(work);
  if (work.state.all_usable_by) channels_changed(work, false);
  send_due_releases(work, false);
  forget_awake(work);
}
void hear(Work& work, const RequestGone& word) {
  work.state.pay_requests.erase(word.request);
  for (auto& [id, waiting] : work.state.waiters)
    std::erase_if(waiting, [&](const auto& waiter) { return waiter.first == word.request; });
  work.state.receipt_waiters.erase(word.request);
}

void answer(Work& work, RequestId request, const command::Pay& command) {
  start_payment(work, request, command);
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
void answer(Work& work, RequestId request, const command::ListForwards& command) {
  list_forwards(work, request, command.page);
}
void answer(Work& work, RequestId request, const command::ListHolds& command) {
  list_holds(work, request, command.page);
}
void answer(Work& work, RequestId request, const command::FailHold& command) {
  fail_hold(work, request, command);
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
  Work work{*state.inside, context, effects};
  std::visit([&](const auto& in) { hear(work, in); }, input);
  forget_history(work);
  work.state.outgoing.settle();
  work.state.forwards.settle();
  work.state.incoming.settle();
  work.state.invoices.settle();
  work.state.releases.settle();
  return {std::move(state), std::move(effects)};
}

std::optional<MonoTime> deadline(const Payments& state) {
  std::optional<MonoTime> earliest;
  auto consider = [&](const std::optional<MonoTime>& time) {
    if (time && (!earliest || *time < *earliest)) earliest = time;
  };
  const auto& inside = *state.inside;
  auto first = [&](const auto& due) {
    if (!due.empty()) consider(due.begin()->first);
  };
  if (const auto& due = std::as_const(inside.outgoing).index().due; !due.empty())
    consider(std::max(due.begin()->first, inside.announce_on));
  first(std::as_const(inside.forwards).index().due);
  first(inside.full_due);
  first(std::as_const(inside.releases).index().due);
  first(inside.parked_due);
  first(inside.receipt_waiters.due());
  consider(inside.all_usable_by);
  consider(inside.early_check);
  return earliest;
}

}  // namespace doze::payment
