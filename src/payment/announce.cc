// Safe to sleep (`notified`): every introduction node that can be reached has itself answered a ping sent after it.
#include "payment/announce.h"

#include "effects/tags.h"
#include "offers/static_invoice.h"
#include "paths/own_paths.h"
#include "payment/holding.h"
#include "payment/online.h"
#include "payment/records.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

/// Whether there is a point in announcing now.
bool may_announce(const Work& work, const Outgoing& payment) {
  const auto* hold = payment.hold();
  if (hold == nullptr) return payment.is<Online>() || payment.is<NotifiedOnline>();
  return hold->confirmed && can_be_released(work.context, payment);
}

/// The paths of a round: all of them at first, as LDK does at most so many. Later the ones that have not been confirmed
/// are tried in turn: whose invoice names many nodes does not choose whom we dial for days.
std::vector<std::size_t> paths_of_round(std::size_t round, std::size_t count) {
  count = std::min(count, kMaxAnnouncedPaths);
  auto most = round <= std::size(kAnnounceRepeatMs) ? count : std::min(count, kMaxRepeatedPaths);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < most; ++i) out.push_back((round * most + i) % count);
  return out;
}

/// `wait`, but not beyond the end of an online payer's payment.
void announce_after(const Work& work, Outgoing& payment, std::uint64_t wait) {
  if (payment.hold() == nullptr) {
    auto end = after_s(online_end(payment), 1).value(), now = work.context.wall.value();
    wait = std::min(wait, (end > now ? end - now : 1) * 1000);
  }
  payment.announcing()->due = after_ms(work.context.mono, wait);
}

void schedule(const Work& work, Outgoing& payment) {
  constexpr std::size_t kSteps = std::size(kAnnounceRepeatMs);
  bool notified = payment.is<Notified>() || payment.is<NotifiedOnline>();
  auto& round = payment.announcing()->round;
  auto wait = notified ? kAnnounceRepeatConfirmedMs : kAnnounceRepeatMs[std::min(round, kSteps - 1)];
  ++round;
  announce_after(work, payment, wait);
}

std::vector<wire::BlindedPath> reply_paths(Work& work, const Outgoing& payment) {
  if (const auto* hold = payment.hold()) return hold->release_paths;
  auto sealed = seal(work.context.signer, PathPurpose::ReleaseReply, payment.id.view());
  return message_paths_to_self(work.context, sealed, 1);
}

/// How a round has ended.
enum class RoundEnd : std::uint8_t { Open, Confirmed, Unconfirmed };

RoundEnd note_outcome(Announcing& announcing, const OnionMessageOutcome& word) {
  auto message = announcing.of_round.find(word.tag);
  if (message == announcing.of_round.end()) return RoundEnd::Open;  // of an earlier one
  message->second = word.fate;
  std::size_t confirmed = 0, relayed = 0;
  for (const auto& [tag, fate] : announcing.of_round) {
    if (!fate) return RoundEnd::Open;
    if (fate == OnionMessageFate::Confirmed) ++confirmed;
    if (fate == OnionMessageFate::Relayed) ++relayed;
  }
  return confirmed != 0 && relayed == 0 ? RoundEnd::Confirmed : RoundEnd::Unconfirmed;
}

void become_notified(Work& work, Outgoing& payment) {
  if (auto* held = std::get_if<Held>(&payment.state))
    payment.state = Notified{std::move(held->hold)};
  else
    payment.state = NotifiedOnline{std::move(*payment.announcing())};
  work.say(record(payment));
  work.notify(Severity::Info, "payment_notified",
              {{"payment_id", payment.id.hex()}, {"amount_msat", payment.amount.value()}});
  announce_after(work, payment, kAnnounceRepeatConfirmedMs);
}

}  // namespace

void announce(Work& work, Outgoing& payment) {
  if (!may_announce(work, payment)) return;
  auto invoice = offers::StaticInvoice::parse(payment.invoice, offers::Checks::Stored);
  LN_ASSERT(invoice.has_value());  // it was checked before it was stored
  auto replies = reply_paths(work, payment);
  auto& announcing = *payment.announcing();
  announcing.told_at = work.context.mono;
  schedule(work, payment);
  if (replies.empty()) return;  // online payer without a peer just now: at the next repeat or connection
  for (const auto& [tag, fate] : announcing.of_round) work.state.tags.erase(tag);
  announcing.of_round.clear();
  std::size_t at = 0;
  for (auto index : paths_of_round(announcing.round, invoice->message_paths().size())) {  // [AP-inv-06]
    const auto& path = invoice->message_paths()[index];
    auto tag = make_tag(TagOwner::Payment, work.state.next_tag++);
    work.state.tags.emplace(tag, payment.id);
    announcing.of_round.emplace(tag, std::nullopt);
    // The draft's L gives as many paths as there should be announcements, LDK's one for all of them.
    const auto& reply = replies[at++ % replies.size()];
    auto attempt = static_cast<std::uint32_t>(announcing.round);
    // [AP-held-02]
    work.say(SendOnionMessage{path, onion::HeldHtlcAvailable{invoice->profile()}, reply, true, tag, attempt});
  }
}

void announce_on_time(Work& work, Outgoing& payment) {
  payment.announcing()->due.reset();
  announce(work, payment);
}

void take_outcome(Work& work, Outgoing& payment, const OnionMessageOutcome& word) {
  auto end = note_outcome(*payment.announcing(), word);
  if (end == RoundEnd::Open) return;
  if (end == RoundEnd::Confirmed)
    become_notified(work, payment);
  else if (payment.announcing()->round >= 2)
    payment.told_at_risk = true;  // told twice, and only a relay (or nobody) took it: say so, and go on trying
  answer_waiters(work, payment);
}

void hasten_announcements(Work& work, const Outgoing& payment) {
  auto offer = OutgoingIndex::offer_key(payment);
  const auto& told = work.state.outgoing.index().told;
  std::vector<PaymentId> ids;
  for (bool confirmed : {false, true}) {
    bool any = false;
    for (auto it = told.lower_bound({offer, confirmed, MonoTime(0), PaymentId{}}); it != told.end(); ++it) {
      const auto& [other, in_mailbox, when, id] = *it;
      if (other != offer || in_mailbox != confirmed) break;
      any = true;
      bool quiet = when.value() != 0 && after_ms(when, kHastenQuietMs) > work.context.mono;
      if (quiet || ids.size() == kHastenedPerSign) break;
      ids.push_back(id);
    }
    if (any) break;  // what is in the mailbox comes by itself
  }
  for (const auto& id : ids) {
    auto& announcing = *work.state.outgoing.edit(id)->announcing();
    auto soon = after_ms(work.context.mono, kHastenMs);
    if (!announcing.due || *announcing.due > soon) announcing.due = soon;
    announcing.told_at = soon;
    announcing.round = 0;  // soon again, if it does not arrive
  }
}

}  // namespace doze::payment
