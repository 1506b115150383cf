#include "payment/awaiting.h"

#include "payment/hearing.h"
#include "payment/records.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

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

bool waited_too_long(const Work& work, const Outgoing& payment) {
  return work.context.wall > after_s(payment.created_at, kHolderWaitS);
}

/// Ended after waiting for longer than a chain takes. The recipient of a static invoice has answered: for that one the
/// HTLC leaves, however late.
bool end_without_chain(Work& work, Outgoing& payment) {
  if (payment.is_static || !waited_too_long(work, payment)) return false;
  fail_payment(work, payment, CommandErrorCode::NotReady, "our block chain stayed behind: nothing was sent");
  return true;
}

bool end_without_holder(Work& work, Outgoing& payment) {
  if (!waited_too_long(work, payment)) return false;
  fail_payment(work, payment, CommandErrorCode::NotReady,
               "no channel peer that holds HTLCs came back within " + std::to_string(kHolderWaitS / 60) +
                   " minutes: nothing was sent");
  return true;
}

/// Those that have no HTLC yet, the oldest first.
std::vector<PaymentId> first_waiting(Work& work, std::size_t most) {
  std::vector<PaymentId> out;
  const auto& waiting = work.state.outgoing.index().waiting;
  for (auto it = waiting.begin(); it != waiting.end() && out.size() < most; ++it) out.push_back(it->second);
  return out;
}

}  // namespace

HoldersChanged holders_now(const Context& context) {
  return {can_hold(context), may_hold_later(context)};
}

void await_holder(Work& work, Outgoing& payment, std::uint64_t wait_ms) {
  payment.state = AwaitingHolder{after_ms(work.context.mono, wait_ms)};
  work.say(record(payment));
}

void await_chain(Work& work, Outgoing& payment) {
  payment.state = AwaitingChain{after_ms(work.context.mono, kHolderCheckMs)};
  work.say(record(payment));
}

void hold_on_usable(Work& work, std::size_t most) {
  auto waiting = first_waiting(work, most);
  if (waiting.empty()) return;
  auto holders = holders_now(work.context);
  for (const auto& id : waiting) hear(work, *work.state.outgoing.edit(id), holders);
}

void send_on_synced(Work& work) {
  for (const auto& id : first_waiting(work, SIZE_MAX)) hear(work, *work.state.outgoing.edit(id), ChainRead{});
  hold_on_usable(work, SIZE_MAX);
}

void on(Work& work, Outgoing& payment, AwaitingChain& /*state*/, const TimeCame& /*word*/) {
  if (!end_without_chain(work, payment)) send_htlc(work, payment, HoldFlag::No);
}

void on(Work& work, Outgoing& payment, AwaitingChain& /*state*/, const ChainRead& /*word*/) {
  if (!end_without_chain(work, payment)) send_htlc(work, payment, HoldFlag::No);
}

void on(Work& work, Outgoing& payment, AwaitingChain& state, const Started& /*word*/) {
  if (!end_without_chain(work, payment)) state.due = work.context.mono;
}

void on(Work& work, Outgoing& payment, AwaitingHolder& state, const TimeCame& /*word*/) {
  if (end_without_holder(work, payment)) return;
  if (can_hold(work.context)) return send_htlc(work, payment, HoldFlag::Yes);
  state.due = after_ms(work.context.mono, kHolderCheckMs);
}

void on(Work& work, Outgoing& payment, AwaitingHolder& /*state*/, const HoldersChanged& holders) {
  if (end_without_holder(work, payment)) return;
  if (holders.now)
    send_htlc(work, payment, HoldFlag::Yes);
  else if (!holders.later && !payment.must_hold)
    stay_online(work, payment);
}

void on(Work& work, Outgoing& payment, AwaitingHolder& state, const Started& /*word*/) {
  if (!end_without_holder(work, payment)) state.due = after_ms(work.context.mono, kAnnounceRepeatMs[0]);
}

}  // namespace doze::payment
