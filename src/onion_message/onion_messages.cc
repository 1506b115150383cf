#include "onion_message/onion_messages.h"

#include "effects/hearers.h"
#include "onion_message/delivery.h"
#include "onion_message/mailbox.h"
#include "onion_message/receiving.h"
#include "onion_message/sending.h"
#include "onion_message/state.h"

namespace doze::onion_message {

DOZE_COMPILED_HERE(Input)

OnionMessages::OnionMessages() : inside(make_hidden<Inside>()) {}

namespace {

void hear(Work& work, const Started&) {
  classify_mail(work);
  if (!work.state.mailboxes.empty()) drop_old_mail(work);
}

void hear(Work& work, const PeerReady& in) {
  if (keeps_mail_for(work, in.node_id)) open_session(work, in.node_id);
  retry_waiting(work, in.node_id);
  send_onward(work, in.node_id);
}

void hear(Work& work, const PeerGone& in) {
  end_session(work, in.node_id);
  auto& asked = work.state.asked;
  for (auto at = asked.lower_bound({in.node_id, 0}); at != asked.end() && at->first.first == in.node_id;) {
    // It is unknown whether it arrived: the sender repeats it.
    if (const auto* confirm = std::get_if<Confirm>(&at->second))
      report(work, confirm->tag, OnionMessageFate::Undeliverable);
    at = asked.erase(at);
  }
  if (work.state.budgets.contains(in.node_id)) work.state.gone.emplace_back(work.context.mono, in.node_id);
  // Each disconnected peer is examined once, when its budget is full again.
  while (!work.state.gone.empty() && after_ms(work.state.gone.front().first, kBudgetMemoryMs) <= work.context.mono) {
    auto node = work.state.gone.front().second;
    work.state.gone.pop_front();
    auto budget = work.state.budgets.find(node);
    if (budget == work.state.budgets.end() || work.context.views.connected(node)) continue;
    if (after_ms(budget->second.last_used(), kBudgetMemoryMs) <= work.context.mono) work.state.budgets.erase(budget);
  }
}

void hear(Work& work, const PongReceived& in) {
  auto asked = work.state.asked.extract({in.node_id, in.token});
  if (asked.empty()) return;  // a connection before this one, or another room
  std::visit(Overloaded{[&](const Confirm& confirm) { report(work, confirm.tag, OnionMessageFate::Confirmed); },
                        [&](const GossipSeen&) { gossip_seen(work, in.node_id); },
                        [&](const MailSeen& seen) { mail_seen(work, in.node_id, seen); }},
             asked.mapped());
}

void hear(Work& work, const DeadlineReached&) {
  waiting_deadlines(work);
  session_deadlines(work);
  if (work.state.age_check && *work.state.age_check <= work.context.mono) drop_old_mail(work);
}

void answer(Work& work, RequestId request, const command::ListMailboxes& command) {
  list_mailboxes(work, request, command.page);
}
void hear(Work& work, const CommandReceived& in) {
  std::visit(
      [&]<class C>(const C& command) {
        if constexpr (OnionMessageCommand<C>) answer(work, in.request, command);
      },
      in.command);
}

}  // namespace

Transition<OnionMessages> step(OnionMessages state, const Input& input, const Context& context) {
  Effects out;
  Work work{{*state.inside, context, out}};
  std::visit([&](const auto& in) { hear(work, in); }, input);
  return {std::move(state), std::move(out)};
}

std::optional<MonoTime> deadline(const OnionMessages& state) {
  const auto& inside = *state.inside;
  Earliest earliest;
  earliest.consider(inside.age_check);
  for (const auto& waiting : inside.waiting) earliest.consider(waiting.until);
  for (const auto& onward : inside.onward) earliest.consider(onward.until);
  earliest.consider_first(inside.stages_end);
  return earliest.time();
}

}  // namespace doze::onion_message
