#include "onion_message/onion_messages.h"

#include "onion_message/inside.h"

namespace doze::onion_message {

DOZE_COMPILED_HERE(Input)

OnionMessages::OnionMessages() : inside(std::make_unique<Inside>()) {}
OnionMessages::~OnionMessages() = default;
OnionMessages::OnionMessages(OnionMessages&&) noexcept = default;
OnionMessages& OnionMessages::operator=(OnionMessages&&) noexcept = default;

Transition<OnionMessages> step(OnionMessages state, const Input& input, const Context& context) {
  Work work(*state.inside, context);
  std::visit([&](const auto& in) { work.on(in); }, input);
  return {std::move(state), work.take()};
}

std::optional<MonoTime> deadline(const OnionMessages& state) {
  auto earliest = state.inside->age_check;
  auto consider = [&](MonoTime time) {
    if (!earliest || time < *earliest) earliest = time;
  };
  for (const auto& waiting : state.inside->waiting) consider(waiting.until);
  for (const auto& onward : state.inside->onward) consider(onward.until);
  if (!state.inside->stages_end.empty()) consider(state.inside->stages_end.begin()->first);
  return earliest;
}

void Work::on(const Started&) {
  classify_mail();
  if (!self_.mailboxes.empty()) drop_old_mail();
}

void Work::on(const PeerReady& in) {
  if (keeps_mail_for(in.node_id)) {
    open_session(in.node_id);
  }
  retry_waiting(in.node_id);
  send_onward(in.node_id);
}

void Work::on(const PeerGone& in) {
  end_session(in.node_id);
  auto& asked = self_.asked;
  for (auto at = asked.lower_bound({in.node_id, 0}); at != asked.end() && at->first.first == in.node_id;) {
    // It is unknown whether it arrived: the sender repeats it.
    if (const auto* confirm = std::get_if<Confirm>(&at->second)) report(confirm->tag, OnionMessageFate::Undeliverable);
    at = asked.erase(at);
  }
  if (self_.budgets.contains(in.node_id)) self_.gone.emplace_back(context_.mono, in.node_id);
  // Each disconnected peer is examined once, when its budget is full again.
  while (!self_.gone.empty() && after_ms(self_.gone.front().first, kBudgetMemoryMs) <= context_.mono) {
    auto node = self_.gone.front().second;
    self_.gone.pop_front();
    auto budget = self_.budgets.find(node);
    if (budget == self_.budgets.end() || context_.views.connected(node)) continue;
    if (after_ms(budget->second.last_used(), kBudgetMemoryMs) <= context_.mono) self_.budgets.erase(budget);
  }
}

void Work::on(const PongReceived& in) {
  auto asked = self_.asked.extract({in.node_id, in.token});
  if (asked.empty()) return;  // a connection before this one, or another room
  std::visit(Overloaded{[&](const Confirm& confirm) { report(confirm.tag, OnionMessageFate::Confirmed); },
                        [&](const GossipSeen&) { gossip_seen(in.node_id); },
                        [&](const MailSeen& seen) { mail_seen(in.node_id, seen); }},
             asked.mapped());
}

void Work::on(const DeadlineReached&) {
  waiting_deadlines();
  session_deadlines();
  if (self_.age_check && *self_.age_check <= context_.mono) drop_old_mail();
}

void Work::on(const CommandReceived& in) {
  std::visit(
      [&]<class C>(const C& command) {
        if constexpr (OnionMessageCommand<C>) answer(in.request, command);
      },
      in.command);
}

void Work::answer(RequestId request, const command::ListMailboxes& command) {
  list_mailboxes(request, command.page);
}

void Work::ping(const NodeId& node, Asked what) {
  auto token = make_tag(TagOwner::OnionMessage, self_.next_token++);
  self_.asked.emplace(std::pair(node, token), std::move(what));
  say(PingPeer{node, token});
}

bool Work::speaks_onion(const NodeId& node) const {
  auto it = context_.views.peers.find(node);
  return it != context_.views.peers.end() && it->second.onion_messages();
}

}  // namespace doze::onion_message
