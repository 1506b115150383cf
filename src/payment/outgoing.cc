#include "payment/outgoing.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "offers/bolt11.h"
#include "offers/invoice.h"
#include "offers/offer.h"
#include "offers/static_invoice.h"
#include "payment/announce.h"
#include "payment/answers.h"
#include "payment/bolt11.h"
#include "payment/describe.h"
#include "payment/ended.h"
#include "payment/records.h"
#include "payment/routing.h"
#include "payment/state.h"

namespace doze::payment {

const char* name(OutgoingState state) {
  switch (state) {
    case OutgoingState::Fetching:
      return "fetching";
    case OutgoingState::Sending:
      return "sending";
    case OutgoingState::Held:
      return "held";
    case OutgoingState::Notified:
      return "notified";
    case OutgoingState::Releasing:
      return "releasing";
    case OutgoingState::Settled:
      return "settled";
    case OutgoingState::Failed:
      return "failed";
    case OutgoingState::Expired:
      return "expired";
  }
  return "unknown";
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

/// The lowest E that gives the recipient's HTLC its final delta plus what holding needs.
CltvExpiry final_expiry(const Context& context, const Outgoing& payment) {  // [B4-write-03]
  if (payment.is_bolt11) return bolt11_final_expiry(context, payment);
  return context.tip + CltvDelta(1 + (payment.held ? context.config.hold_window_blocks : 0));
}

/// The channel that a failure of this hop is about: mostly the one behind it, inside a blinded path the one before.
ShortChannelId suspect(const SentOnion& onion, std::size_t hop) {
  if (hop + 1 < onion.scids.size() && onion.scids[hop + 1].value() != 0) return onion.scids[hop + 1];
  return hop < onion.scids.size() ? onion.scids[hop] : ShortChannelId(0);
}

/// A payment ends in one of three ways.
Event event_of_end(OutgoingState state) {
  if (state == OutgoingState::Settled) return "payment_settled";
  return state == OutgoingState::Expired ? Event("payment_expired") : Event("payment_failed");
}

bool can_hold(const Context& context) {
  if (context.config.hold_window_blocks == 0 || !context.views.chain_synced) return false;
  for (const auto& [id, channel] : context.views.channels) {
    auto peer = context.views.peers.find(channel.peer);
    if (!channel.usable || peer == context.views.peers.end()) continue;
    if ((context.config.offers_ldk_hold && peer->second.holds(Profile::Ldk)) ||
        (context.config.offers_draft_hold && peer->second.holds(Profile::Draft)))
      return true;
  }
  return false;
}

/// A channel whose peer is away for the moment, or our chain is behind: it may hold later.
bool may_hold_later(const Context& context) {
  if (context.config.hold_window_blocks == 0) return false;
  const auto& channels = context.views.channel_index;
  return context.views.chain_synced ? channels.usable() != channels.normal() : channels.normal() != 0;
}

}  // namespace

Msat default_max_fee(const Config& config, Msat amount) {
  return std::max(config.max_fee_floor, Msat(amount.value() / 1'000'000 * config.max_fee_ppm +
                                             amount.value() % 1'000'000 * config.max_fee_ppm / 1'000'000));
}

void end_payment(Work& work, Outgoing& payment, OutgoingState state, CommandErrorCode code, std::string failure) {
  if (is_terminal(payment.state)) return;
  payment.state = state;
  payment.ended_at = work.context.wall;
  payment.failure = std::move(failure);
  payment.failure_code = code;
  payment.next_announce.reset();
  payment.announcements.clear();
  payment.onion.reset();
  payment.release_paths.clear();
  if (!payment.counted) work.say(work.state.sent.add());
  payment.counted = true;
  save(work, payment);
  auto told = facts(payment);
  if (!payment.failure.empty()) told.emplace_back("reason", payment.failure);
  work.notify(Severity::Info, event_of_end(state), std::move(told));
  answer_waiters(work, payment);
}

std::variant<Value, CommandError> outcome_of(const Outgoing& payment, const Context& context) {
  if (payment.state == OutgoingState::Failed || payment.state == OutgoingState::Expired)
    return CommandError{payment.failure_code, payment.failure, facts(payment)};
  return describe(payment, context);
}

void answer_waiters(Work& work, Outgoing& payment) {
  auto it = work.state.waiters.find(payment.id);
  if (it == work.state.waiters.end()) return;
  auto& waiting = it->second;
  bool terminal = is_terminal(payment.state);
  std::erase_if(waiting, [&](const auto& waiter) {
    auto [request, wants_terminal] = waiter;
    bool safe = payment.state == OutgoingState::Notified || payment.told_at_risk;
    if (!terminal && (wants_terminal || !safe)) return false;
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

void cancel_payment(Work& work, RequestId request, const PaymentId& id) {
  auto* payment = find(work, id);
  if (payment == nullptr) return ask_for(work, {request, id, Wanted::Cancel});
  if (is_terminal(payment->state)) return tell_payment(work, {request, id, Wanted::Cancel}, *payment);
  if (payment->htlc || payment->offering) {
    auto height = payment->held ? payment->fail_back : BlockHeight(payment->htlc_expiry.value());
    work.say(
        Reply{request, CommandError{CommandErrorCode::Refused,
                                    "the HTLC was sent: the payment ends without action, at height " +
                                        std::to_string(height.value()) + " at the latest while the peers cooperate",
                                    {{"fail_back_height", height.value()}}}});
    return;
  }
  if (payment->state == OutgoingState::Fetching) work.say(CancelInvoiceRequest{id});
  end_payment(work, *payment, OutgoingState::Failed, CommandErrorCode::Refused, "cancelled");
  work.say(Reply{request, Value().set("cancelled", true)});
}

void hear(Work& work, const InvoiceFailed& word) {
  auto* payment = find(work, word.payment_id);
  if (payment == nullptr || payment->state != OutgoingState::Fetching) return;
  end_payment(work, *payment, OutgoingState::Failed, word.error.code, word.error.message);
}

void hear(Work& work, const InvoiceObtained& word) {
  auto* payment = find(work, word.payment_id);
  if (payment == nullptr || payment->state != OutgoingState::Fetching) return;
  auto invoice = offers::Invoice::parse(word.invoice);
  if (!invoice)
    return end_payment(work, *payment, OutgoingState::Failed, CommandErrorCode::PaymentFailed,
                       "the invoice does not parse: " + describe(invoice.error()));
  work.ask({by_hash(invoice->payment_hash())}, InvoiceAsked{word});
}

void invoice_answered(Work& work, const InvoiceObtained& word, const std::vector<SameHash>& others) {
  auto* payment = find(work, word.payment_id);
  if (payment == nullptr || payment->state != OutgoingState::Fetching) return;
  auto invoice = offers::Invoice::parse(word.invoice);
  LN_ASSERT(invoice.has_value());  // it was read before the store was asked
  // A hash that we have paid already: hops that know its preimage would keep the money.
  bool again = std::any_of(others.begin(), others.end(), [&](const auto& other) { return other.id != payment->id; });
  for (const auto& id : paid_with(work, invoice->payment_hash())) again = again || id != payment->id;
  if (again)
    return end_payment(work, *payment, OutgoingState::Failed, CommandErrorCode::Refused,
                       "the invoice repeats the payment hash of another payment");
  payment->invoice = word.invoice;
  payment->invoice_request = word.invoice_request;
  payment->payment_hash = invoice->payment_hash();
  payment->amount = invoice->amount();
  payment->state = OutgoingState::Sending;
  send_htlc(work, *payment);
}

void hear(Work& work, const StaticInvoiceObtained& word) {
  auto* payment = find(work, word.payment_id);
  if (payment == nullptr || payment->state != OutgoingState::Fetching) return;
  payment->is_static = true;
  payment->invoice = word.static_invoice;
  payment->invoice_request = word.invoice_request;
  payment->preimage = work.context.rng.secret<Preimage>();
  payment->payment_hash = crypto::payment_hash(*payment->preimage);  // [AP-onion-02]
  bool now = can_hold(work.context);
  payment->held = payment->wants_hold && (now || may_hold_later(work.context));  // [AP-hold-01]
  if (payment->must_hold && !payment->held)
    return end_payment(work, *payment, OutgoingState::Failed, CommandErrorCode::NotReady,
                       "no connected channel peer holds HTLCs: pay with --no-hold and stay online");
  payment->state = OutgoingState::Held;
  if (payment->held && now) return send_htlc(work, *payment);
  if (payment->held) {
    payment->next_announce = after_ms(work.context.mono, kHolderCheckMs);
    return work.say(record(*payment));  // sent when the channel is back
  }
  stay_online(work, *payment);
}

void stay_online(Work& work, Outgoing& payment) {
  // No hold: tell the recipient, and send the HTLC when it answers.
  payment.held = false;
  payment.release_deadline = BlockHeight(UINT32_MAX);
  work.say(record(payment));
  announce(work, payment);
}

namespace {
/// Those that have no HTLC yet, the oldest first.
std::vector<Outgoing*> first_waiting(Work& work, std::size_t most) {
  std::vector<Outgoing*> out;
  const auto& waiting = work.state.outgoing.index().waiting;
  std::vector<PaymentId> ids;
  for (auto it = waiting.begin(); it != waiting.end() && ids.size() < most; ++it) ids.push_back(it->second);
  for (const auto& id : ids) out.push_back(work.state.outgoing.edit(id));
  return out;
}
}  // namespace

void hold_on_usable(Work& work, std::size_t most) {
  auto waiting = first_waiting(work, most);
  if (waiting.empty()) return;
  bool can = can_hold(work.context), may = may_hold_later(work.context);
  for (auto* payment : waiting) {
    if (!payment->awaits_holder() || end_interrupted(work, *payment)) continue;
    if (can)
      send_htlc(work, *payment);
    else if (!may && !payment->must_hold)
      stay_online(work, *payment);
  }
}

bool end_interrupted(Work& work, Outgoing& payment) {
  if (payment.htlc || payment.offering) return false;
  bool fetching = payment.state == OutgoingState::Fetching;
  bool for_chain = payment.state == OutgoingState::Sending;
  bool waits = for_chain || (payment.state == OutgoingState::Held && payment.held);
  auto patience = fetching ? kFetchingWaitS : kHolderWaitS;
  if ((!fetching && !waits) || work.context.wall <= after_s(payment.created_at, patience)) return false;
  end_payment(work, payment, OutgoingState::Failed,
              fetching ? CommandErrorCode::PaymentFailed : CommandErrorCode::NotReady,
              fetching    ? "interrupted before an invoice arrived: nothing was sent"
              : for_chain ? "our block chain stayed behind: nothing was sent"
                          : "no channel peer that holds HTLCs came back within " + std::to_string(kHolderWaitS / 60) +
                                " minutes: nothing was sent");
  return true;
}

bool waits_for_holder(Work& work, Outgoing& payment) {
  if (!payment.is_static || !payment.held || payment.htlc) return false;
  if (end_interrupted(work, payment) || payment.offering) return true;
  if (can_hold(work.context))
    send_htlc(work, payment);
  else
    payment.next_announce = after_ms(work.context.mono, kHolderCheckMs);
  return true;
}

bool waits_for_chain(Work& work, Outgoing& payment) {
  if (!payment.awaits_chain()) return false;
  if (!end_interrupted(work, payment)) send_htlc(work, payment);
  return true;
}

void send_on_synced(Work& work) {
  for (auto* payment : first_waiting(work, SIZE_MAX)) (void)waits_for_chain(work, *payment);
  hold_on_usable(work, SIZE_MAX);
}

namespace {
/// The payer of a static invoice chooses the preimage. One that has left with an HTLC may be known on the way by now,
/// and whoever knows it keeps the next HTLC with its hash: no two HTLCs of ours have the same.
void fresh_preimage(Work& work, Outgoing& payment) {
  payment.preimage = work.context.rng.secret<Preimage>();
  payment.payment_hash = crypto::payment_hash(*payment.preimage);
}
}  // namespace

void send_htlc(Work& work, Outgoing& payment) {
  if (!work.context.views.chain_synced) {
    payment.next_announce = after_ms(work.context.mono, kHolderCheckMs);
    return work.say(record(payment));
  }
  if (payment.is_static && payment.attempts != 0) fresh_preimage(work, payment);
  auto prepared = prepare(work.context, payment, final_expiry(work.context, payment), payment.held);
  if (!prepared) {
    // What a hop said is worth more than that there is no other way.
    bool tried = !payment.last_failure.empty();
    return end_payment(
        work, payment, OutgoingState::Failed, tried ? CommandErrorCode::PaymentFailed : prepared.error().code,
        tried ? "no other path (" + prepared.error().why + "); last: " + payment.last_failure : prepared.error().why);
  }
  ++payment.attempts;
  payment.sent = prepared->amount;
  payment.onion = prepared->onion;
  payment.htlc_expiry = prepared->cltv_expiry;
  payment.final_expiry = final_expiry(work.context, payment);
  if (payment.held) {
    payment.release_deadline = blocks_before(payment.final_expiry, CltvDelta(kReleaseDeadlineBlocks));
    payment.fail_back = std::min(blocks_before(prepared->next_expiry, kFailBackOutgoing),
                                 blocks_before(prepared->cltv_expiry, kFailBackIncoming));
  }
  payment.htlc.reset();
  payment.offering = true;
  work.say(record(payment));
  work.say(AddHtlc{prepared->channel_id, LocalOrigin{payment.id}, prepared->amount, *payment.payment_hash,
                   prepared->cltv_expiry, std::move(prepared->packet), prepared->path_key, prepared->link});
}

void outgoing_added(Work& work, const PaymentId& id, const HtlcAdded& word) {
  auto* payment = find(work, id);
  if (payment == nullptr || is_terminal(payment->state)) return;
  payment->htlc = HtlcKey{word.channel_id, word.htlc_id};
  payment->offering = false;
  work.say(record(*payment));
}

void outgoing_refused(Work& work, const PaymentId& id, const HtlcRefused& word) {
  auto* payment = find(work, id);
  if (payment == nullptr || is_terminal(payment->state)) return;
  payment->offering = false;
  payment->htlc.reset();  // it may have been added, and dropped before it was signed
  if (payment->held && word.reason == AddRefusal::HoldLimit) {
    // The draft's release paths name no HTLC, so each held one needs a round of its own: the next one is soon.
    --payment->attempts;
    payment->next_announce = after_ms(work.context.mono, kHoldRoundMs);
    return work.say(record(*payment));
  }
  payment->excluded_channels.insert(word.channel_id);
  if (payment->last_failure.empty())
    payment->last_failure = std::string("our channel refused the HTLC: ") + name(word.reason);
  if (payment->attempts < kMaxAttempts) return send_htlc(work, *payment);  // not committed anywhere: also for a hold
  end_payment(work, *payment, OutgoingState::Failed, CommandErrorCode::NoRoute,
              std::string("our channel refused the HTLC: ") + name(word.reason));
}

void outgoing_fulfilled(Work& work, const PaymentId& id, const HtlcFulfilled& word) {
  auto* payment = find(work, id);
  if (payment == nullptr) return work.ask({by_id(id)}, LateSettlement{word, id});
  if (payment->state == OutgoingState::Settled) return;
  HtlcKey key{word.channel_id, word.htlc_id};
  if (is_terminal(payment->state) || payment->htlc != key) {
    // Our own bug, but the money has gone: a payment that shows as failed would be made again.
    work.notify(Severity::Error, "unexpected_settlement",
                {{"payment_id", id.hex()}, {"channel_id", word.channel_id.hex()}, {"htlc_id", word.htlc_id}});
    if (is_terminal(payment->state)) {
      unlist(work, *payment);
      payment->state = OutgoingState::Sending;
    }
    payment->htlc = key;
  }
  payment->preimage = word.preimage;
  end_payment(work, *payment, OutgoingState::Settled, CommandErrorCode::Internal, "");
  if (payment->is_static) hasten_announcements(work, *payment);
}

void outgoing_failed(Work& work, const PaymentId& id, const HtlcFailed& word) {
  auto* payment = find(work, id);
  if (payment == nullptr || is_terminal(payment->state)) return;
  if (payment->htlc != HtlcKey{word.channel_id, word.htlc_id}) return;  // not the one that it lives by
  payment->htlc.reset();
  DecodedFailure failure;
  if (const auto* reason = std::get_if<Bytes>(&word.reason); reason != nullptr && payment->onion) {
    failure = decode_failure(*payment->onion, *reason);
  } else if (const auto* malformed = std::get_if<MalformedReason>(&word.reason)) {
    failure = DecodedFailure{0, malformed->failure_code, "the peer could not read the onion"};
  } else {
    failure.text = "the channel was closed on chain";
  }
  payment->last_failure = failure.text;
  if (payment->held) {
    // A hold is tried once: the recipient may have been told about it already.
    bool late = work.context.tip >= payment->release_deadline;
    bool from_holder = failure.hop == std::size_t{0} && failure.code == onion::kTemporaryNodeFailure;
    if (from_holder && !late && (payment->state == OutgoingState::Held || payment->state == OutgoingState::Notified))
      failure.text = "your LSP returned the payment before the recipient woke: " + failure.text;
    return end_payment(work, *payment, late ? OutgoingState::Expired : OutgoingState::Failed,
                       late ? CommandErrorCode::Expired : CommandErrorCode::PaymentFailed,
                       late ? "the recipient did not wake before the release deadline: " + failure.text : failure.text);
  }
  // [B4-orig-02]
  bool recipient_refused = failure.hop && payment->onion && *failure.hop + 1 >= payment->onion->hops.size();
  auto scid = payment->onion && failure.hop ? suspect(*payment->onion, *failure.hop) : ShortChannelId(0);
  auto update = update_in(failure);
  bool learnt = update && payment->is_bolt11 && learn_update(*payment, *update, scid);
  if (learnt)
    recipient_refused = false;
  else if (scid.value() != 0)
    payment->excluded_scids.insert(scid);
  else if (!recipient_refused)
    payment->excluded_channels.insert(word.channel_id);
  if (!recipient_refused && payment->attempts < kMaxAttempts) return send_htlc(work, *payment);  // [B4-orig-06]
  end_payment(work, *payment, OutgoingState::Failed, CommandErrorCode::PaymentFailed, failure.text);
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
