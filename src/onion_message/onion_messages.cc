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
  for (const auto& [client, session] : state.inside->sessions)
    if (session.stage == Stage::WaitingForChannels || session.stage == Stage::Settling) consider(session.until);
  return earliest;
}

void Work::on(const Started&) {
  if (!self_.mailboxes.empty()) drop_old_mail();
}

void Work::on(const PeerReady& in) {
  if (keeps_mail_for(in.node_id)) {
    open_session(in.node_id);
  }
  retry_waiting(in.node_id);
}

void Work::on(const PeerGone& in) {
  self_.sessions.erase(in.node_id);
  for (auto it = self_.asked.begin(); it != self_.asked.end();) {
    if (it->second.node != in.node_id) {
      ++it;
      continue;
    }
    // Nobody knows whether it arrived: whoever sent it sends it again.
    if (const auto* confirm = std::get_if<Confirm>(&it->second.what))
      report(confirm->tag, OnionMessageFate::Undeliverable);
    it = self_.asked.erase(it);
  }
  auto forgotten = [&](const auto& entry) {
    return !context_.views.connected(entry.first) &&
           after_ms(entry.second.last_used(), kBudgetMemoryMs) < context_.mono;
  };
  std::erase_if(self_.budgets, forgotten);
}

void Work::on(const PongReceived& in) {
  auto it = self_.asked.find(in.token);
  if (it == self_.asked.end() || it->second.node != in.node_id)
    return;  // a connection before this one, or another room
  auto asked = std::move(it->second);
  self_.asked.erase(it);
  std::visit(Overloaded{[&](const Confirm& confirm) { report(confirm.tag, OnionMessageFate::Confirmed); },
                        [&](const GossipSeen&) { gossip_seen(in.node_id); },
                        [&](const MailSeen& seen) { mail_seen(in.node_id, seen.sequences); }},
             asked.what);
}

void Work::on(const DeadlineReached&) {
  waiting_deadlines();
  session_deadlines();
  if (self_.age_check && *self_.age_check <= context_.mono) drop_old_mail();
}

void Work::on(const CommandReceived& in) {
  if (std::holds_alternative<command::ListMailboxes>(in.command)) say(Reply{in.request, describe_mailboxes()});
}

void Work::ping(const NodeId& node, std::variant<Confirm, GossipSeen, MailSeen> what) {
  auto token = make_tag(TagOwner::OnionMessage, self_.next_token++);
  self_.asked.emplace(token, Asked{node, std::move(what)});
  say(PingPeer{node, token});
}

bool Work::speaks_onion(const NodeId& node) const {
  auto it = context_.views.peers.find(node);
  return it != context_.views.peers.end() && it->second.onion_messages();
}

}  // namespace doze::onion_message
