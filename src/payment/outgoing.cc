#include "payment/outgoing.h"

#include <algorithm>

#include "offers/bolt11.h"
#include "offers/offer.h"
#include "payment/answers.h"
#include "payment/bolt11.h"
#include "payment/describe.h"
#include "payment/ended.h"
#include "payment/records.h"
#include "payment/state.h"

namespace doze::payment {

// ---- states ----

namespace {

const char* name_in(const Outgoing& /*payment*/, const Fetching& /*state*/) {
  return "fetching";
}
template <class S>
  requires OneOf<S, AwaitingChain, Sending>
const char* name_in(const Outgoing& payment, const S& /*state*/) {
  return payment.is_static ? "releasing" : "sending";
}
template <class S>
  requires OneOf<S, AwaitingHolder, Committing, Held>
const char* name_in(const Outgoing& /*payment*/, const S& /*state*/) {
  return "held";
}
/// Without a hold it is being fetched until the recipient's node is notified.
const char* name_in(const Outgoing& /*payment*/, const Online& /*state*/) {
  return "fetching";
}
template <class S>
  requires OneOf<S, Notified, NotifiedOnline>
const char* name_in(const Outgoing& /*payment*/, const S& /*state*/) {
  return "notified";
}
const char* name_in(const Outgoing& /*payment*/, const Settled& /*state*/) {
  return "settled";
}
const char* name_in(const Outgoing& /*payment*/, const Failed& /*state*/) {
  return "failed";
}
const char* name_in(const Outgoing& /*payment*/, const Expired& /*state*/) {
  return "expired";
}

/// The timer of each state.
template <class S>
  requires(OneOf<S, Fetching, Sending, Committing> || Over<S>)
std::optional<MonoTime> due_in(const S& /*state*/) {
  return std::nullopt;
}
template <class S>
  requires OneOf<S, AwaitingChain, AwaitingHolder>
std::optional<MonoTime> due_in(const S& state) {
  return state.due;
}
template <Holding S>
std::optional<MonoTime> due_in(const S& state) {
  return state.hold.announcing.due;
}
template <OnlineState S>
std::optional<MonoTime> due_in(const S& state) {
  return state.announcing.due;
}

}  // namespace

const char* name(const Outgoing& payment) {
  return std::visit([&](const auto& state) { return name_in(payment, state); }, payment.state);
}

std::optional<MonoTime> Outgoing::due() const {
  return std::visit([](const auto& in) { return due_in(in); }, state);
}
const Unpaid* Outgoing::unpaid() const {
  if (const auto* failed = std::get_if<Failed>(&state)) return &failed->why;
  const auto* expired = std::get_if<Expired>(&state);
  return expired == nullptr ? nullptr : &expired->why;
}
UnixTime Outgoing::ended_at() const {
  if (const auto* done = std::get_if<Settled>(&state)) return done->ended_at;
  return unpaid() == nullptr ? UnixTime(0) : unpaid()->ended_at;
}
Hold* Outgoing::hold() {
  if (auto* held = std::get_if<Held>(&state)) return &held->hold;
  auto* notified = std::get_if<Notified>(&state);
  return notified == nullptr ? nullptr : &notified->hold;
}
const Hold* Outgoing::hold() const {
  if (const auto* held = std::get_if<Held>(&state)) return &held->hold;
  const auto* notified = std::get_if<Notified>(&state);
  return notified == nullptr ? nullptr : &notified->hold;
}
Announcing* Outgoing::announcing() {
  if (auto* held = hold()) return &held->announcing;
  if (auto* online = std::get_if<Online>(&state)) return &online->announcing;
  auto* notified = std::get_if<NotifiedOnline>(&state);
  return notified == nullptr ? nullptr : &notified->announcing;
}

// ---- attempts ----

Attempt* live_attempt(Outgoing& payment, std::uint32_t part) {
  for (auto& attempt : payment.attempts) {
    bool live = std::holds_alternative<Offering>(attempt.state) || std::holds_alternative<Offered>(attempt.state);
    if (live && attempt.part == part) return &attempt;
  }
  return nullptr;
}

Attempt* offered_attempt(Outgoing& payment, const HtlcKey& htlc) {
  for (auto& attempt : payment.attempts)
    if (const auto* offered = std::get_if<Offered>(&attempt.state); offered != nullptr && offered->htlc == htlc)
      return &attempt;
  return nullptr;
}

const Attempt* sent_attempt(const Outgoing& payment) {
  for (const auto& attempt : payment.attempts)
    if (std::holds_alternative<Offered>(attempt.state) || std::holds_alternative<Claimed>(attempt.state))
      return &attempt;
  return nullptr;
}

std::optional<HtlcKey> htlc_of(const Outgoing& payment) {
  for (const auto& attempt : payment.attempts)
    if (const auto* offered = std::get_if<Offered>(&attempt.state)) return offered->htlc;
  return std::nullopt;
}

const HoldTerms* hold_terms(const Outgoing& payment) {
  for (const auto& attempt : payment.attempts)
    if (std::holds_alternative<Offered>(attempt.state) && attempt.hold) return &*attempt.hold;
  return nullptr;
}

std::string last_failure(const Outgoing& payment) {
  std::string first;
  for (auto attempt = payment.attempts.rbegin(); attempt != payment.attempts.rend(); ++attempt) {
    const auto* returned = std::get_if<Returned>(&attempt->state);
    if (returned == nullptr || returned->failure.empty()) continue;
    if (returned->htlc) return returned->failure;
    first = returned->failure;
  }
  return first;
}

namespace {

Fields facts(const Outgoing& payment) {
  Fields out{{"payment_id", payment.id.hex()}, {"direction", "outgoing"}, {"amount_msat", payment.amount.value()}};
  if (payment.payment_hash) out.emplace_back("payment_hash", payment.payment_hash->hex());
  if (!payment.is_bolt11)
    if (auto offer = offers::Offer::parse(payment.offer)) out.emplace_back("offer_id", offer->id().hex());
  if (payment.quantity) out.emplace_back("quantity", *payment.quantity);
  if (!payment.payer_note.empty()) out.emplace_back("payer_note", payment.payer_note);
  return out;
}

/// A payment ends in one of three ways.
Event event_of_end(const Outgoing& payment) {
  if (payment.settled()) return "payment_settled";
  return payment.is<Expired>() ? Event("payment_expired") : Event("payment_failed");
}

}  // namespace

Msat default_max_fee(const Config& config, Msat amount) {
  return std::max(config.max_fee_floor, Msat(amount.value() / 1'000'000 * config.max_fee_ppm +
                                             amount.value() % 1'000'000 * config.max_fee_ppm / 1'000'000));
}

void end_payment(Work& work, Outgoing& payment, State end) {
  // What is under way is not followed any more.
  for (auto& attempt : payment.attempts) {
    if (std::holds_alternative<Offering>(attempt.state)) attempt.state = Returned{};
    if (const auto* offered = std::get_if<Offered>(&attempt.state)) attempt.state = Returned{offered->htlc, ""};
  }
  payment.state = std::move(end);
  LN_ASSERT(payment.over());
  if (!payment.counted) work.say(work.state.sent.add());
  payment.counted = true;
  save(work, payment);
  auto told = facts(payment);
  if (!payment.failure().empty()) told.emplace_back("reason", payment.failure());
  work.notify(Severity::Info, event_of_end(payment), std::move(told));
  answer_waiters(work, payment);
}

void fail_payment(Work& work, Outgoing& payment, CommandErrorCode code, std::string failure) {
  end_payment(work, payment, Failed{{work.context.wall, std::move(failure), code}});
}

std::variant<Value, CommandError> outcome_of(const Outgoing& payment, const Context& context) {
  if (const auto* unpaid = payment.unpaid()) return CommandError{unpaid->code, unpaid->failure, facts(payment)};
  return describe(payment, context);
}

void answer_waiters(Work& work, Outgoing& payment) {
  auto it = work.state.waiters.find(payment.id);
  if (it == work.state.waiters.end()) return;
  auto& waiting = it->second;
  bool over = payment.over();
  bool safe = payment.is<Notified>() || payment.is<NotifiedOnline>() || payment.told_at_risk;
  std::erase_if(waiting, [&](const auto& waiter) {
    auto [request, wants_terminal] = waiter;
    if (!over && (wants_terminal || !safe)) return false;
    bool paid_for = work.state.pay_requests.erase(request) != 0;
    if (paid_for)
      work.say(Reply{request, outcome_of(payment, work.context)});
    else
      work.say(Reply{request, describe(payment, work.context)});
    return true;
  });
  if (waiting.empty()) work.state.waiters.erase(it);
}

void pay(Work& work, RequestId request, const command::Pay& command) {
  if (answered_by_key(work, request, command)) return;
  std::vector<Read> reads;
  if (!command.idempotency_key.empty()) reads.push_back(by_key(command.idempotency_key));
  if (auto text = offers::bolt11_text(command.offer))
    if (auto invoice = offers::Bolt11Invoice::parse(*text)) reads.push_back(by_hash(invoice->payment_hash()));
  if (reads.empty()) return start_payment(work, request, command);
  work.ask(std::move(reads), PayAsked{request, command});
}

namespace {
void take_answer(Work& work, const PayAsked& asked, const std::vector<std::vector<Row>>& rows) {
  const auto& command = asked.command;
  bool keyed = !command.idempotency_key.empty();
  // Another one with the same key, or for the same invoice, may have been started meanwhile: what is in memory is
  // looked at again, here and in start_payment.
  if (answered_by_key(work, asked.request, command)) return;
  if (auto known = keyed ? row_of(rows[0]) : std::nullopt) return work.ask({*std::move(known)}, PayKnown{asked});
  std::size_t at = keyed ? 1 : 0;
  if (at < rows.size())
    for (const auto& other : same_hash(rows[at]))
      if (other.settled)
        return refuse(work, asked.request, CommandErrorCode::Refused,
                      "this invoice is already paid: see getpayment " + other.id.hex());
  start_payment(work, asked.request, command);
}
}  // namespace

void pay_answered(Work& work, const PayAsked& asked, const std::vector<std::vector<Row>>& rows) {
  take_answer(work, asked, rows);
  if (asked.gone) forget_request(work, asked.request);
}

void start_payment(Work& work, RequestId request, const command::Pay& command) {
  const auto& context = work.context;
  if (auto text = offers::bolt11_text(command.offer)) return start_bolt11(work, request, command, *text);
  auto offer = offers::Offer::parse(command.offer);
  if (!offer)
    return refuse(work, request, CommandErrorCode::BadRequest, "offer: not a valid offer: " + describe(offer.error()));
  if (context.views.offers.contains(offer->id()))
    return refuse(work, request, CommandErrorCode::BadRequest, "this is our own offer: give it to the payer");
  if (auto problem = offers::cannot_pay(*offer, wire::chain_hash(context.config.network), context.wall, command.amount,
                                        command.quantity))
    return refuse(work, request, CommandErrorCode::BadRequest, *problem);
  auto amount = command.amount ? *command.amount : Msat(offer->amount()->value() * command.quantity.value_or(1));
  if (context.views.channel_index.normal() == 0)
    return refuse(work, request, CommandErrorCode::NotReady, "no open channel: see openchannel and listchannels");
  Outgoing payment;
  payment.id = context.rng.id<PaymentId>();
  payment.offer = command.offer;
  payment.amount = amount;
  payment.max_fee = command.max_fee.value_or(default_max_fee(context.config, amount));
  payment.quantity = command.quantity;
  payment.payer_note = command.payer_note.value_or("");
  payment.wants_hold = command.hold.value_or(context.config.role == Role::Client);  // [AP-hold-02]
  payment.must_hold = command.hold.value_or(false);
  payment.created_at = context.wall;
  remember_key(command, payment);
  work.say(record(payment));
  work.say(RequestInvoice{PayerRequest{payment.id, *std::move(offer), amount, command.quantity, command.payer_note}});
  work.state.waiters[payment.id].emplace_back(request, false);
  work.state.pay_requests.insert(request);
  work.state.outgoing.add(std::move(payment));
}

void cancel_unsent(Work& work, Outgoing& payment, RequestId request) {
  if (payment.is<Fetching>()) work.say(CancelInvoiceRequest{payment.id});
  fail_payment(work, payment, CommandErrorCode::Refused, "cancelled");
  work.say(Reply{request, Value().set("cancelled", true)});
}

void refuse_to_cancel_sent(Work& work, Outgoing& payment, RequestId request) {
  const auto& attempt = payment.attempts.back();
  auto height = attempt.hold ? attempt.hold->fail_back : BlockHeight(attempt.htlc_expiry.value());
  work.say(Reply{request, CommandError{CommandErrorCode::Refused,
                                       "the HTLC was sent: the payment ends without action, at height " +
                                           std::to_string(height.value()) + " at the latest while the peers cooperate",
                                       {{"fail_back_height", height.value()}}}});
}

Outgoing* find(Work& work, const PaymentId& id) {
  return work.state.outgoing.edit(id);
}

std::vector<PaymentId> paid_with(Work& work, const PaymentHash& hash) {
  std::vector<PaymentId> out;
  const auto& by_hash = work.state.outgoing.index().by_hash;
  for (auto it = by_hash.lower_bound({hash, PaymentId{}}); it != by_hash.end() && it->first == hash; ++it)
    out.push_back(it->second);
  return out;
}

}  // namespace doze::payment
