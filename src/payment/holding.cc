#include "payment/holding.h"

#include "effects/tags.h"
#include "offers/static_invoice.h"
#include "onion/failures.h"
#include "payment/announce.h"
#include "payment/records.h"
#include "payment/routing.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

/// Whether whoever gets this path can use it: it begins at the peer that holds, or at a node that the graph knows, and
/// it consists of points and fits into an onion message.
bool is_usable(const Context& context, const wire::BlindedPath& path, const NodeId& holder) {
  if (wire::to_bytes(path).size() > kMaxReleasePathBytes || !offers::on_the_curve(path)) return false;
  auto first = context.views.graph.resolve(path.first_node_id);
  if (const auto* named = std::get_if<NodeId>(&path.first_node_id)) first = *named;
  if (!first || *first == context.signer.node_id()) return false;
  return *first == holder || context.views.graph.node(*first) != nullptr;
}

}  // namespace

bool can_be_released(const Context& context, const Outgoing& payment) {
  const auto* hold = payment.hold();
  const auto* terms = hold_terms(payment);
  return hold != nullptr && !hold->release_paths.empty() && terms != nullptr && context.tip < terms->release_deadline;
}

std::vector<wire::BlindedPath> usable_paths(Work& work, const Outgoing& payment, const ReleasePathsReceived& word) {
  const auto* channel = work.context.views.channel(word.channel_id);
  auto usable = word.paths;
  std::erase_if(usable,
                [&](const auto& path) { return channel == nullptr || !is_usable(work.context, path, channel->peer); });
  if (usable.size() != word.paths.size())
    work.notify(Severity::Warning, "release_path_refused",
                {{"payment_id", payment.id.hex()},
                 {"refused", std::uint64_t{word.paths.size() - usable.size()}},
                 {"reason", "its first node is unknown, one of its keys is not a valid point, or it is too long"}});
  return usable;
}

/// The recipient hears of a hold, and the user of safety, only when our peer has our revoke_and_ack: without it the
/// HTLC is not committed there, and could not be released while we sleep. A peer handles its bytes in order, so a pong
/// to a ping sent after it proves that.
void confirm_holder(Work& work, Outgoing& payment) {
  auto* hold = payment.hold();
  auto htlc = htlc_of(payment);
  if (hold == nullptr || hold->release_paths.empty() || !htlc) return;
  const auto* channel = work.context.views.channel(htlc->channel_id);
  if (channel == nullptr || !channel->usable) return;  // again when it is
  if (hold->ping) work.state.pings.erase(*hold->ping);
  auto token = make_tag(TagOwner::Payment, work.state.next_tag++);
  work.state.pings.emplace(token, payment.id);
  hold->ping = token;
  work.say(PingPeer{channel->peer, token});
}

void end_hold(Work& work, Outgoing& payment, const HtlcFailed& word) {
  auto* attempt = offered_attempt(payment, htlc_key_of(word));
  if (attempt == nullptr) return;  // not the one that it lives by
  auto failure = failure_of(std::get<Offered>(attempt->state).onion, word.reason);
  bool late = attempt->hold && work.context.tip >= attempt->hold->release_deadline;
  bool from_holder = failure.hop == std::size_t{0} && failure.code == onion::kTemporaryNodeFailure;
  attempt->state = Returned{htlc_key_of(word), failure.text};
  if (late)
    return end_payment(
        work, payment,
        Expired{{work.context.wall, "the recipient did not wake before the release deadline: " + failure.text,
                 CommandErrorCode::Expired}});
  if (from_holder) failure.text = "your LSP returned the payment before the recipient woke: " + failure.text;
  fail_payment(work, payment, CommandErrorCode::PaymentFailed, failure.text);
}

void answer_late_waiters(Work& work) {
  std::vector<PaymentId> late;
  for (const auto& [id, waiting] : work.state.waiters) {
    const auto* payment = find(work, id);
    const auto* terms = payment == nullptr ? nullptr : hold_terms(*payment);
    if (terms != nullptr && work.context.tip >= terms->release_deadline) late.push_back(id);
  }
  for (const auto& id : late) {
    auto* payment = find(work, id);
    payment->told_at_risk = true;
    answer_waiters(work, *payment);
  }
}

// ---- until our revoke_and_ack has been made ----

void on(Work& work, Outgoing& payment, Committing& state, const OfferedHtlcCommitted& word) {
  if (htlc_of(payment) != htlc_key_of(word)) return;
  Hold hold;
  hold.release_paths = std::move(state.release_paths);
  // The paths come with the revoke_and_ack for the commitment that contains it, which was before.
  if (hold.release_paths.empty()) payment.told_at_risk = true;
  payment.state = Held{std::move(hold)};
  work.say(record(payment));
  confirm_holder(work, payment);
  answer_waiters(work, payment);
}

// [AP-hold-07]
void on(Work& work, Outgoing& payment, Committing& state, const ReleasePathsReceived& word) {
  if (word.paths.empty() || htlc_of(payment) != htlc_key_of(word)) return;
  auto usable = usable_paths(work, payment, word);
  if (state.release_paths == usable) return;
  state.release_paths = std::move(usable);
  work.say(record(payment));
}

// ---- held ----

// [AP-hold-07]
void take_release_paths(Work& work, Outgoing& payment, Hold& hold, const ReleasePathsReceived& word) {
  if (word.paths.empty() || htlc_of(payment) != htlc_key_of(word)) return;
  auto usable = usable_paths(work, payment, word);
  if (hold.release_paths == usable) return;
  hold.release_paths = std::move(usable);
  work.say(record(payment));
  confirm_holder(work, payment);
}

void take_pong(Work& work, Outgoing& payment, Hold& hold) {
  hold.ping.reset();
  hold.confirmed = true;
  announce(work, payment);
}

}  // namespace doze::payment
