#include "payment/sending.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "payment/awaiting.h"
#include "payment/bolt11.h"
#include "payment/records.h"
#include "payment/routing.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

/// The lowest E that gives the recipient's HTLC its final delta plus what holding needs.
CltvExpiry final_expiry_of(const Context& context, const Outgoing& payment, bool hold) {  // [B4-write-03]
  if (payment.is_bolt11) return bolt11_final_expiry(context, payment);
  return context.tip + CltvDelta(1 + (hold ? context.config.hold_window_blocks : 0));
}

/// The channel that a failure of this hop is about: mostly the one behind it, inside a blinded path the one before.
ShortChannelId suspect(const SentOnion& onion, std::size_t hop) {
  if (hop + 1 < onion.scids.size() && onion.scids[hop + 1].value() != 0) return onion.scids[hop + 1];
  return hop < onion.scids.size() ? onion.scids[hop] : ShortChannelId(0);
}

/// The payer of a static invoice chooses the preimage. One that has left with an HTLC may be known on the way by now,
/// and whoever knows it keeps the next HTLC with its hash: no two HTLCs of ours have the same.
void fresh_preimage(Work& work, Outgoing& payment) {
  payment.preimage = work.context.rng.secret<Preimage>();
  payment.payment_hash = crypto::payment_hash(*payment.preimage);
}

/// What a hop said is worth more than that there is no other way.
void end_without_route(Work& work, Outgoing& payment, const RouteError& error) {
  auto last = last_failure(payment);
  if (last.empty()) return fail_payment(work, payment, error.code, error.why);
  fail_payment(work, payment, CommandErrorCode::PaymentFailed, "no other path (" + error.why + "); last: " + last);
}

HoldTerms terms_of(const Prepared& prepared, CltvExpiry final_expiry) {
  return {blocks_before(final_expiry, CltvDelta(kReleaseDeadlineBlocks)),
          std::min(blocks_before(prepared.next_expiry, kFailBackOutgoing),
                   blocks_before(prepared.cltv_expiry, kFailBackIncoming))};
}

/// What the next attempt does without. True: another way may work.
bool learn(Outgoing& payment, const SentOnion& onion, const DecodedFailure& failure, const ChannelId& channel) {
  // [B4-orig-02]
  bool recipient_refused = failure.hop && *failure.hop + 1 >= onion.hops.size();
  auto scid = failure.hop ? suspect(onion, *failure.hop) : ShortChannelId(0);
  auto update = update_in(failure);
  if (update && payment.is_bolt11 && learn_update(payment, *update, scid)) return true;
  if (scid.value() != 0)
    payment.excluded_scids.insert(scid);
  else if (!recipient_refused)
    payment.excluded_channels.insert(channel);
  return !recipient_refused;
}

}  // namespace

void send_htlc(Work& work, Outgoing& payment, HoldFlag flag) {
  bool hold = flag == HoldFlag::Yes;
  if (!work.context.views.chain_synced)
    return hold ? await_holder(work, payment, kHolderCheckMs) : await_chain(work, payment);
  if (payment.is_static && !payment.attempts.empty()) fresh_preimage(work, payment);
  auto final_expiry = final_expiry_of(work.context, payment, hold);
  auto prepared = prepare(work.context, payment, final_expiry, hold);
  if (!prepared) return end_without_route(work, payment, prepared.error());

  Attempt attempt;
  attempt.sent = prepared->amount;
  attempt.final_expiry = final_expiry;
  attempt.htlc_expiry = prepared->cltv_expiry;
  if (hold) attempt.hold = terms_of(*prepared, final_expiry);
  attempt.state = Offering{prepared->onion};
  auto part = attempt.part;
  payment.attempts.push_back(std::move(attempt));
  if (hold)
    payment.state = Committing{};
  else
    payment.state = Sending{};
  work.say(record(payment));
  work.say(AddHtlc{prepared->channel_id, LocalOrigin{payment.id, part}, prepared->amount, *payment.payment_hash,
                   prepared->cltv_expiry, std::move(prepared->packet), prepared->path_key, prepared->link});
}

void take_added(Work& work, Outgoing& payment, const HtlcAdded& word) {
  auto* attempt = live_attempt(payment, part_of(word.origin));
  auto* offering = attempt == nullptr ? nullptr : std::get_if<Offering>(&attempt->state);
  if (offering == nullptr) return;
  auto onion = std::move(offering->onion);
  attempt->state = Offered{htlc_key_of(word), std::move(onion)};
  work.say(record(payment));
}

void take_refused(Work& work, Outgoing& payment, const HtlcRefused& word) {
  auto* attempt = live_attempt(payment, part_of(word.origin));
  if (attempt == nullptr) return;
  auto flag = attempt->hold ? HoldFlag::Yes : HoldFlag::No;
  if (flag == HoldFlag::Yes && word.reason == AddRefusal::HoldLimit) {
    // The draft's release paths name no HTLC, so each held one needs a round of its own: the next one is soon.
    payment.attempts.erase(payment.attempts.begin() + (attempt - payment.attempts.data()));
    return await_holder(work, payment, kHoldRoundMs);
  }
  auto failure = std::string("our channel refused the HTLC: ") + name(word.reason);
  attempt->state = Returned{std::nullopt, failure};
  payment.excluded_channels.insert(word.channel_id);
  // Not committed anywhere: also a hold may be tried again.
  if (payment.attempts.size() < kMaxAttempts) return send_htlc(work, payment, flag);
  fail_payment(work, payment, CommandErrorCode::NoRoute, std::move(failure));
}

void on(Work& work, Outgoing& payment, Sending& /*state*/, const HtlcFailed& word) {
  auto* attempt = offered_attempt(payment, htlc_key_of(word));
  if (attempt == nullptr) return;  // not the one that it lives by
  auto onion = std::get<Offered>(attempt->state).onion;
  auto failure = failure_of(onion, word.reason);
  attempt->state = Returned{htlc_key_of(word), failure.text};
  bool again = learn(payment, onion, failure, word.channel_id);
  if (again && payment.attempts.size() < kMaxAttempts) return send_htlc(work, payment, HoldFlag::No);  // [B4-orig-06]
  fail_payment(work, payment, CommandErrorCode::PaymentFailed, failure.text);
}

}  // namespace doze::payment
