// Mail for clients that sleep: durable first, erased when a pong proves that it was handled.
#include <algorithm>

#include "onion_message/inside.h"

namespace doze::onion_message {

const char* name(Stage stage) {
  switch (stage) {
    case Stage::WaitingForChannels:
      return "waiting for its channels";
    case Stage::Gossip:
      return "being told our gossip";
    case Stage::Settling:
      return "verifying our gossip";
    case Stage::Open:
      return "open";
  }
  return "unknown";
}

bool Work::keeps_mail_for(const NodeId& node) const {
  return context_.config.role == Role::Server && context_.views.is_client(node);
}

/// Invited, or with a private channel: a phone or a laptop. A peer with announced channels only is a server like us.
bool Work::sleeps(const NodeId& node) const {
  if (context_.views.invited.contains(node)) return true;
  return std::any_of(context_.views.channels.begin(), context_.views.channels.end(), [&](const auto& entry) {
    const auto& channel = entry.second;
    return channel.peer == node && !channel.announced && channel.phase != ChannelPhase::Closed && channel.funded();
  });
}

// ---- keeping ----

bool Work::park(const NodeId& client, const NodeId& source, wire::OnionMessage message) {
  Mail mail{source, context_.wall, std::move(message)};
  if (mail.size() > kMailboxBytes || self_.all_bytes + mail.size() > kAllMailboxesBytes) {
    notify(Severity::Warning, "mail_refused", {{"client", client.hex()}, {"bytes", std::uint64_t{mail.size()}}});
    return false;
  }
  auto sequence = self_.next_sequence++;
  Put row{Table::Mailbox, mail_key(client, sequence), encode(mail)};
  auto& mailbox = self_.mailboxes[client];
  mailbox.bytes += mail.size();
  self_.all_bytes += mail.size();
  mailbox.mail.emplace(sequence, std::move(mail));
  shrink(client, mailbox, sequence);
  if (!mailbox.mail.contains(sequence)) return false;
  say(std::move(row));
  if (!self_.age_check) self_.age_check = after_ms(context_.mono, kAgeCheckMs);
  if (!context_.views.connected(client)) {
    notify(Severity::Info, "mail_parked", {{"client", client.hex()}, {"messages", std::uint64_t{mailbox.mail.size()}}});
    return true;
  }
  if (!self_.sessions.contains(client)) open_session(client);  // it became a client while it was connected
  auto& session = self_.sessions.at(client);
  if (session.stage == Stage::Open) deliver(client, session);
  return true;
}

/// Fair share: whoever fills the mailbox most makes room for another by its own oldest message. Where the comer itself
/// has as much as anybody it is refused and what was there stays, for that has been confirmed: a thousand senders of
/// one message each drive nobody out.
std::optional<std::uint64_t> Work::surplus(const Mailbox& mailbox, std::uint64_t newest, bool strangers) const {
  struct Share {
    std::uint64_t messages = 0, bytes = 0, oldest = 0;
  };
  std::map<NodeId, Share> shares;
  Share all;
  for (const auto& [sequence, mail] : mailbox.mail) {
    if (strangers && (mail.source == context_.signer.node_id() || context_.views.is_client(mail.source))) continue;
    auto& share = shares.try_emplace(mail.source, Share{0, 0, sequence}).first->second;
    ++share.messages, ++all.messages;
    share.bytes += mail.size(), all.bytes += mail.size();
  }
  bool by_bytes = all.bytes > (strangers ? kStrangersBytes : kMailboxBytes);
  if (!by_bytes && all.messages <= (strangers ? kStrangersMessages : kMailboxMessages)) return std::nullopt;
  auto size = [&](const Share& share) { return by_bytes ? share.bytes : share.messages; };
  std::uint64_t most = 0;
  for (const auto& [source, share] : shares) most = std::max(most, size(share));
  const Share* latest = nullptr;
  for (const auto& [source, share] : shares) {
    if (size(share) < most) continue;
    if (latest == nullptr || share.oldest > latest->oldest) latest = &share;
  }
  auto comer = mailbox.mail.find(newest);
  auto own = comer == mailbox.mail.end() ? shares.end() : shares.find(comer->second.source);
  bool refused = own != shares.end() && size(own->second) == most;
  return refused ? newest : latest->oldest;
}

/// `newest` is not stored yet.
void Work::shrink(const NodeId& client, Mailbox& mailbox, std::uint64_t newest) {
  for (bool strangers : {true, false})
    while (auto sequence = surplus(mailbox, newest, strangers)) {
      const auto& from = mailbox.mail.at(*sequence).source;
      notify(Severity::Warning, "mail_dropped", {{"client", client.hex()}, {"from", from.hex()}});
      if (*sequence == newest)
        remove(mailbox, newest);
      else
        erase(client, mailbox, *sequence);
    }
}

void Work::remove(Mailbox& mailbox, std::uint64_t sequence) {
  auto it = mailbox.mail.find(sequence);
  mailbox.bytes -= it->second.size();
  self_.all_bytes -= it->second.size();
  mailbox.mail.erase(it);
}

void Work::erase(const NodeId& client, Mailbox& mailbox, std::uint64_t sequence) {
  if (!mailbox.mail.contains(sequence)) return;
  remove(mailbox, sequence);
  say(::doze::Erase{Table::Mailbox, mail_key(client, sequence)});
}

/// Too old, or for somebody who is no client any more.
void Work::drop_old_mail() {
  for (auto& [client, mailbox] : self_.mailboxes) {
    // Started as a client by mistake it is still the mail of our clients.
    bool client_still = context_.config.role != Role::Server || keeps_mail_for(client);
    std::vector<std::uint64_t> old;
    for (const auto& [sequence, mail] : mailbox.mail)
      if (!client_still || after_s(mail.stored_at, kMailboxAgeS) <= context_.wall) old.push_back(sequence);
    for (auto sequence : old) erase(client, mailbox, sequence);
  }
  std::erase_if(self_.mailboxes, [](const auto& entry) { return entry.second.mail.empty(); });
  self_.age_check.reset();
  if (!self_.mailboxes.empty()) self_.age_check = after_ms(context_.mono, kAgeCheckMs);
}

// ---- delivering ----

void Work::open_session(const NodeId& client) {
  self_.sessions[client] = Session{Stage::WaitingForChannels, after_ms(context_.mono, kDeliverAnywayMs), {}};
  advance(client);
}

void Work::on(const ChannelUsable& in) {
  if (!keeps_mail_for(in.peer) || !context_.views.connected(in.peer)) return;
  if (self_.sessions.contains(in.peer))
    advance(in.peer);
  else
    open_session(in.peer);
}

/// Mail makes a client answer, and what it sets in motion comes back over its channels: they must be usable first.
void Work::advance(const NodeId& client) {
  auto& session = self_.sessions.at(client);
  if (session.stage != Stage::WaitingForChannels) return;
  bool unusable = std::any_of(context_.views.channels.begin(), context_.views.channels.end(), [&](const auto& entry) {
    const auto& channel = entry.second;
    return channel.peer == client && channel.phase == ChannelPhase::Normal && !channel.usable;
  });
  if (unusable && context_.mono < session.until) return;
  session.stage = Stage::Gossip;
  say(SendOurGossip{client});
  ping(client, GossipSeen{});
}

void Work::gossip_seen(const NodeId& client) {
  auto it = self_.sessions.find(client);
  if (it == self_.sessions.end() || it->second.stage != Stage::Gossip) return;
  auto& session = it->second;
  // We never announce basic_mpp, all others do: they verify gossip in the background, and drop an answer to a node that
  // they do not know yet.
  auto view = context_.views.peers.find(client);
  if (view != context_.views.peers.end() && view->second.features.supports(wire::kBasicMpp)) {
    session.stage = Stage::Settling;
    session.until = after_ms(context_.mono, kRawClientGossipWaitMs);
    return;
  }
  session.stage = Stage::Open;
  deliver(client, session);
}

void Work::deliver(const NodeId& client, Session& session) {
  auto mailbox = self_.mailboxes.find(client);
  if (mailbox == self_.mailboxes.end() || !speaks_onion(client)) return;
  MailSeen seen;
  for (const auto& [sequence, mail] : mailbox->second.mail) {
    if (!session.sent.insert(sequence).second) continue;
    seen.sequences.push_back(sequence);
    say(SendMessage{client, mail.message});
  }
  if (seen.sequences.empty()) return;
  ping(client, std::move(seen));
  say(ClientAwake{client});
}

void Work::mail_seen(const NodeId& client, const std::vector<std::uint64_t>& sequences) {
  auto mailbox = self_.mailboxes.find(client);
  auto session = self_.sessions.find(client);
  for (auto sequence : sequences) {
    if (session != self_.sessions.end()) session->second.sent.erase(sequence);
    if (mailbox != self_.mailboxes.end()) erase(client, mailbox->second, sequence);
  }
  if (mailbox != self_.mailboxes.end() && mailbox->second.mail.empty()) self_.mailboxes.erase(mailbox);
  if (self_.mailboxes.empty()) self_.age_check.reset();
  notify(Severity::Info, "mail_delivered", {{"client", client.hex()}, {"messages", std::uint64_t{sequences.size()}}});
}

void Work::session_deadlines() {
  std::vector<NodeId> due;
  for (const auto& [client, session] : self_.sessions)
    if (session.until <= context_.mono) due.push_back(client);
  for (const auto& client : due) {
    auto& session = self_.sessions.at(client);
    if (session.stage == Stage::WaitingForChannels) {
      advance(client);
    } else if (session.stage == Stage::Settling) {
      session.stage = Stage::Open;
      deliver(client, session);
    }
  }
}

Value Work::describe_mailboxes() const {
  List out;
  for (const auto& [client, mailbox] : self_.mailboxes) {
    Value one;
    auto session = self_.sessions.find(client);
    one.set("node_id", client.hex()).set("messages", std::uint64_t{mailbox.mail.size()}).set("bytes", mailbox.bytes);
    if (!mailbox.mail.empty()) {
      auto stored_at = mailbox.mail.begin()->second.stored_at.value();
      one.set("oldest_age_s", context_.wall.value() > stored_at ? context_.wall.value() - stored_at : 0);
    }
    one.set("state", session == self_.sessions.end() ? "asleep" : name(session->second.stage));
    out.push_back(std::move(one));
  }
  return Value().set("mailboxes", std::move(out));
}

}  // namespace doze::onion_message
