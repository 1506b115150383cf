// Safe to sleep (`notified`): every introduction node that can be reached has itself answered a ping sent after it.
#include "payment/announce.h"

#include "effects/tags.h"
#include "offers/static_invoice.h"
#include "paths/own_paths.h"
#include "payment/answers.h"
#include "payment/records.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

/// Whether there is something to announce now, and a point in doing so.
bool may_announce(const Work& work, const Outgoing& payment) {
  if (!payment.is_static || is_terminal(payment.state)) return false;
  if (payment.state != OutgoingState::Held && payment.state != OutgoingState::Notified) return false;
  if (!payment.held) return true;
  return payment.committed && payment.holder_confirmed && can_be_released(work.context, payment);
}

/// Whether whoever gets this path can use it: it begins at the peer that holds, or at a node that the graph knows, and
/// it consists of points and fits into an onion message.
bool is_usable(const Context& context, const wire::BlindedPath& path, const NodeId& holder) {
  if (wire::to_bytes(path).size() > kMaxReleasePathBytes || !offers::on_the_curve(path)) return false;
  auto first = context.views.graph.resolve(path.first_node_id);
  if (const auto* named = std::get_if<NodeId>(&path.first_node_id)) first = *named;
  if (!first || *first == context.signer.node_id()) return false;
  return *first == holder || context.views.graph.node(*first) != nullptr;
}

/// The paths of a round: all of them at first, as LDK does at most so many. Later the ones that have not been confirmed
/// are tried in turn: whose invoice names many nodes does not choose whom we dial for days.
std::vector<std::size_t> paths_of_round(const Outgoing& payment, std::size_t count) {
  count = std::min(count, kMaxAnnouncedPaths);
  auto most = payment.announce_round <= std::size(kAnnounceRepeatMs) ? count : std::min(count, kMaxRepeatedPaths);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < most; ++i) out.push_back((payment.announce_round * most + i) % count);
  return out;
}

/// An online payer: nobody but itself ends the payment when the recipient does not answer.
bool waits_online(const Outgoing& payment) {
  return payment.is_static && !payment.held && payment.state != OutgoingState::Releasing;
}
UnixTime online_end(const Outgoing& payment) {
  auto invoice = offers::StaticInvoice::parse(payment.invoice, offers::Checks::Stored);
  return std::min(invoice ? invoice->expires_at() : payment.created_at,
                  after_s(payment.created_at, kOnlinePayerWaitMaxS));
}

/// `wait`, but not beyond the end of an online payer's payment.
void announce_after(const Work& work, Outgoing& payment, std::uint64_t wait) {
  if (waits_online(payment)) {
    auto end = after_s(online_end(payment), 1).value(), now = work.context.wall.value();
    wait = std::min(wait, (end > now ? end - now : 1) * 1000);
  }
  payment.next_announce = after_ms(work.context.mono, wait);
}

void schedule(const Work& work, Outgoing& payment) {
  constexpr std::size_t kSteps = std::size(kAnnounceRepeatMs);
  auto wait = payment.state == OutgoingState::Notified
                  ? kAnnounceRepeatConfirmedMs
                  : kAnnounceRepeatMs[std::min(payment.announce_round, kSteps - 1)];
  ++payment.announce_round;
  announce_after(work, payment, wait);
}

std::vector<wire::BlindedPath> reply_paths(Work& work, const Outgoing& payment) {
  if (payment.held) return payment.release_paths;
  auto sealed = seal(work.context.signer, PathPurpose::ReleaseReply, payment.id.view());
  return message_paths_to_self(work.context, sealed, 1);
}

/// The recipient hears of a hold, and the user of safety, only when our peer has our revoke_and_ack: without it the
/// HTLC is not committed there, and could not be released while we sleep. A peer handles its bytes in order, so a pong
/// to a ping sent after it proves that.
void confirm_holder(Work& work, Outgoing& payment) {
  if (!payment.held || !payment.committed || payment.release_paths.empty() || !payment.htlc) return;
  const auto* channel = work.context.views.channel(payment.htlc->channel_id);
  if (channel == nullptr || !channel->usable) return;  // again when it is
  if (payment.ping) work.state.pings.erase(*payment.ping);
  auto token = make_tag(TagOwner::Payment, work.state.next_tag++);
  work.state.pings.emplace(token, payment.id);
  payment.ping = token;
  work.say(PingPeer{channel->peer, token});
}

}  // namespace

void announce(Work& work, Outgoing& payment) {
  if (!may_announce(work, payment)) return;
  auto invoice = offers::StaticInvoice::parse(payment.invoice, offers::Checks::Stored);
  LN_ASSERT(invoice.has_value());  // it was checked before it was stored
  auto replies = reply_paths(work, payment);
  payment.told_at = work.context.mono;
  schedule(work, payment);
  if (replies.empty()) return;  // online payer without a peer just now: at the next repeat or connection
  for (const auto& [tag, fate] : payment.announcements) work.state.tags.erase(tag);
  payment.announcements.clear();
  std::size_t at = 0;
  for (auto index : paths_of_round(payment, invoice->message_paths().size())) {  // [AP-inv-06]
    const auto& path = invoice->message_paths()[index];
    auto tag = make_tag(TagOwner::Payment, work.state.next_tag++);
    work.state.tags.emplace(tag, payment.id);
    payment.announcements.emplace(tag, std::nullopt);
    // The draft's L gives as many paths as there should be announcements, LDK's one for all of them.
    const auto& reply = replies[at++ % replies.size()];
    auto attempt = static_cast<std::uint32_t>(payment.announce_round);
    // [AP-held-02]
    work.say(SendOnionMessage{path, onion::HeldHtlcAvailable{invoice->profile()}, reply, true, tag, attempt});
  }
}

void announce_on_usable(Work& work, const ChannelUsable& word) {
  const auto& held = work.state.outgoing.index().held_in;
  std::vector<PaymentId> ids;
  for (auto it = held.lower_bound({word.channel_id, PaymentId{}}); it != held.end() && it->first == word.channel_id;
       ++it)
    ids.push_back(it->second);
  for (const auto& id : ids) confirm_holder(work, *work.state.outgoing.edit(id));
}

void outgoing_committed(Work& work, const PaymentId& id, const OfferedHtlcCommitted& word) {
  auto* payment = find(work, id);
  if (payment == nullptr || is_terminal(payment->state) || payment->committed) return;
  if (!payment->htlc || *payment->htlc != HtlcKey{word.channel_id, word.htlc_id}) return;
  payment->committed = true;
  // The paths come with the revoke_and_ack for the commitment that contains it, which was before.
  if (payment->held && payment->release_paths.empty()) payment->told_at_risk = true;
  work.say(record(*payment));
  confirm_holder(work, *payment);
  answer_waiters(work, *payment);
}

bool can_be_released(const Context& context, const Outgoing& payment) {
  return !payment.release_paths.empty() && context.tip < payment.release_deadline;
}

void answer_late_waiters(Work& work) {
  std::vector<PaymentId> late;
  for (const auto& [id, waiting] : work.state.waiters) {
    const auto* payment = find(work, id);
    if (payment != nullptr && payment->held && payment->htlc && !is_terminal(payment->state) &&
        work.context.tip >= payment->release_deadline)
      late.push_back(id);
  }
  for (const auto& id : late) {
    auto* payment = find(work, id);
    payment->told_at_risk = true;
    answer_waiters(work, *payment);
  }
}

void hear(Work& work, const PongReceived& word) {
  auto ping = work.state.pings.find(word.token);
  if (ping == work.state.pings.end()) return;
  auto* payment = find(work, ping->second);
  work.state.pings.erase(ping);
  if (payment == nullptr || is_terminal(payment->state)) return;
  payment->holder_confirmed = true;
  announce(work, *payment);
}

void hear(Work& work, const ReleasePathsReceived& word) {
  const auto* local = std::get_if<LocalOrigin>(&word.origin);
  auto* payment = local == nullptr ? nullptr : find(work, local->payment_id);
  // [AP-hold-07]
  if (payment == nullptr || is_terminal(payment->state) || !payment->held || word.paths.empty()) return;
  if (!payment->htlc || *payment->htlc != HtlcKey{word.channel_id, word.htlc_id}) return;
  const auto* channel = work.context.views.channel(word.channel_id);
  auto usable = word.paths;
  std::erase_if(usable,
                [&](const auto& path) { return channel == nullptr || !is_usable(work.context, path, channel->peer); });
  if (usable.size() != word.paths.size())
    work.notify(Severity::Warning, "release_path_refused",
                {{"payment_id", payment->id.hex()},
                 {"refused", std::uint64_t{word.paths.size() - usable.size()}},
                 {"reason", "its first node is unknown, one of its keys is not a valid point, or it is too long"}});
  if (payment->release_paths == usable) return;
  payment->release_paths = std::move(usable);
  work.say(record(*payment));
  if (payment->committed) confirm_holder(work, *payment);
}

void announcement_outcome(Work& work, const OnionMessageOutcome& word) {
  auto tag = work.state.tags.find(word.tag);
  if (tag == work.state.tags.end()) return;
  auto* payment = find(work, tag->second);
  work.state.tags.erase(tag);
  if (payment == nullptr || is_terminal(payment->state)) return;
  auto it = payment->announcements.find(word.tag);
  if (it == payment->announcements.end()) return;
  it->second = word.fate;
  std::size_t open = 0, confirmed = 0, relayed = 0;
  for (const auto& [id, fate] : payment->announcements) {
    if (!fate) ++open;
    if (fate == OnionMessageFate::Confirmed) ++confirmed;
    if (fate == OnionMessageFate::Relayed) ++relayed;
  }
  if (open != 0) return;
  if (confirmed != 0 && relayed == 0) {
    if (payment->state == OutgoingState::Held) {
      payment->state = OutgoingState::Notified;
      work.say(record(*payment));
      work.notify(Severity::Info, "payment_notified",
                  {{"payment_id", payment->id.hex()}, {"amount_msat", payment->amount.value()}});
      announce_after(work, *payment, kAnnounceRepeatConfirmedMs);
    }
  } else if (payment->state == OutgoingState::Held && payment->announce_round >= 2) {
    // Told twice, and only a relay (or nobody) took it: say so, and go on trying.
    payment->told_at_risk = true;
  }
  answer_waiters(work, *payment);
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
    auto& held = *work.state.outgoing.edit(id);
    auto soon = after_ms(work.context.mono, kHastenMs);
    if (!held.next_announce || *held.next_announce > soon) held.next_announce = soon;
    held.told_at = soon;
    held.announce_round = 0;  // soon again, if it does not arrive
  }
}

void on_release_held_htlc(Work& work, const OnionMessageReceived& word) {
  if (!word.path_id) return;
  auto data = open(work.context.signer, PathPurpose::ReleaseReply, *word.path_id);
  auto id = data ? PaymentId::from(*data) : std::nullopt;
  auto* payment = id ? find(work, *id) : nullptr;
  if (payment == nullptr || !payment->is_static || payment->held) return;
  if (payment->state != OutgoingState::Held && payment->state != OutgoingState::Notified) return;
  payment->state = OutgoingState::Releasing;
  payment->next_announce.reset();
  work.notify(Severity::Info, "payment_releasing", {{"payment_id", payment->id.hex()}});
  send_htlc(work, *payment);
}

void outgoing_deadlines(Work& work) {
  const auto& index = work.state.outgoing.index().due;
  work.state.announce_on = after_ms(work.context.mono, 1);
  std::vector<PaymentId> due;
  for (auto it = index.begin(); it != index.end() && it->first <= work.context.mono && due.size() < kDuePerStep; ++it)
    due.push_back(it->second);
  for (const auto& id : due) {
    auto& payment = *work.state.outgoing.edit(id);
    payment.next_announce.reset();
    // announce_after looks at an online payer again when its time is over.
    if (waits_online(payment) && work.context.wall > online_end(payment))
      end_payment(work, payment, OutgoingState::Expired, CommandErrorCode::Expired,
                  "the recipient did not wake before the invoice expired");
    else if (!waits_for_holder(work, payment) && !waits_for_chain(work, payment))
      announce(work, payment);
  }
}

}  // namespace doze::payment
