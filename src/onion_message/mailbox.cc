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

Share& Work::share_of(Mailbox& mailbox, const Mail& mail) const {
  return mail.stranger ? mailbox.strangers : mailbox.sources[mail.source];
}

/// What is there stays, for it has been confirmed: nothing makes room for what is newer. Who is refused comes back.
const char* Work::objection(const NodeId& client, const Mail& mail) const {
  static const Mailbox kEmpty;
  static const Share kNothing;
  auto at = self_.mailboxes.find(client);
  const auto& box = at == self_.mailboxes.end() ? kEmpty : at->second;
  auto known = box.sources.find(mail.source);
  const auto& share = mail.stranger ? box.strangers : known == box.sources.end() ? kNothing : known->second;
  const auto& allowance = mail.stranger ? kStrangersMail : kPeersMail;
  auto full_at = after_ms(std::max(share.full_at, context_.mono), mail.units() * allowance.unit_ms);
  if (full_at > after_ms(context_.mono, allowance.burst_units * allowance.unit_ms)) return "too much at once";
  if (share.units + mail.units() > allowance.most_units) return "too much of this source";
  if (mail.stranger)
    return self_.strangers_bytes + mail.size() > kAllStrangersMail ? "too much mail of strangers in all" : nullptr;
  auto familiar_units = box.all.units - box.strangers.units;
  if (share.units + mail.units() > kSourceReserve && familiar_units + mail.units() > kBoxUnits)
    return "the mailbox is full";
  auto in_all = self_.source_bytes.find(mail.source);
  if (in_all != self_.source_bytes.end() && in_all->second + mail.size() > kSourceBytesInAll)
    return "too much of this source in all mailboxes";
  return self_.familiar_bytes + mail.size() > kAllFamiliarMail ? "too much mail in all" : nullptr;
}

void Work::enter(Mailbox& mailbox, std::uint64_t sequence, Mail mail) {
  mailbox.all.add(mail);
  share_of(mailbox, mail).add(mail);
  (mail.stranger ? self_.strangers_bytes : self_.familiar_bytes) += mail.size();
  if (!mail.stranger) self_.source_bytes[mail.source] += mail.size();
  mailbox.mail.emplace(sequence, std::move(mail));
}

void Work::remove(Mailbox& mailbox, std::uint64_t sequence) {
  auto mail = std::move(mailbox.mail.extract(sequence).mapped());
  mailbox.all.remove(mail);
  auto& share = share_of(mailbox, mail);
  share.remove(mail);
  (mail.stranger ? self_.strangers_bytes : self_.familiar_bytes) -= mail.size();
  if (mail.stranger) return;
  if (share.messages == 0) mailbox.sources.erase(mail.source);
  auto in_all = self_.source_bytes.find(mail.source);
  in_all->second -= mail.size();
  if (in_all->second == 0) self_.source_bytes.erase(in_all);
}

/// After loading: who is a stranger shows only in the views.
void Work::classify_mail() {
  for (auto& [client, mailbox] : self_.mailboxes)
    for (auto& [sequence, mail] : std::exchange(mailbox.mail, {})) {
      mail.stranger = mail.source != context_.signer.node_id() && !context_.views.is_client(mail.source);
      enter(mailbox, sequence, std::move(mail));
    }
}

bool Work::park(const NodeId& client, const NodeId& source, wire::OnionMessage message) {
  Mail mail{source, context_.wall, std::move(message)};
  mail.stranger = source != context_.signer.node_id() && !context_.views.is_client(source);
  if (const auto* why = objection(client, mail)) {
    notify(Severity::Debug, "mail_refused", {{"client", client.hex()}, {"from", source.hex()}, {"reason", why}});
    return false;
  }
  auto sequence = self_.next_sequence++;
  say(Put{Table::Mailbox, mail_key(client, sequence), encode(mail)});
  auto& mailbox = self_.mailboxes[client];
  auto& share = share_of(mailbox, mail);
  auto unit_ms = (mail.stranger ? kStrangersMail : kPeersMail).unit_ms;
  share.full_at = after_ms(std::max(share.full_at, context_.mono), mail.units() * unit_ms);
  enter(mailbox, sequence, std::move(mail));
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

void Work::set_stage(const NodeId& client, Session& session, Stage stage, std::optional<MonoTime> until) {
  self_.stages_end.erase({session.until, client});
  session.stage = stage;
  session.until = until.value_or(MonoTime());
  if (until) self_.stages_end.insert({*until, client});
}

void Work::open_session(const NodeId& client) {
  auto& session = self_.sessions[client];
  set_stage(client, session, Stage::WaitingForChannels, after_ms(context_.mono, kDeliverAnywayMs));
  session.next = 0;
  session.messages_under_way = session.bytes_under_way = 0;
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
  set_stage(client, session, Stage::Gossip);
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
    return set_stage(client, session, Stage::Settling, after_ms(context_.mono, kRawClientGossipWaitMs));
  }
  set_stage(client, session, Stage::Open);
  deliver(client, session);
}

/// In batches: what is not confirmed fills buffers here and there.
void Work::deliver(const NodeId& client, Session& session) {
  auto mailbox = self_.mailboxes.find(client);
  if (mailbox == self_.mailboxes.end() || !speaks_onion(client)) return;
  MailSeen seen;
  const auto& mail = mailbox->second.mail;
  for (auto at = mail.lower_bound(session.next); at != mail.end(); ++at) {
    if (session.messages_under_way >= kBatchMessages || session.bytes_under_way >= kBatchBytes) break;
    ++session.messages_under_way;
    session.bytes_under_way += at->second.size();
    session.next = at->first + 1;
    seen.sequences.push_back(at->first);
    seen.bytes += at->second.size();
    say(SendMessage{client, at->second.message});
  }
  if (seen.sequences.empty()) return;
  ping(client, std::move(seen));
  say(ClientAwake{client});
}

void Work::mail_seen(const NodeId& client, const MailSeen& seen) {
  auto mailbox = self_.mailboxes.find(client);
  if (mailbox != self_.mailboxes.end()) {
    for (auto sequence : seen.sequences) erase(client, mailbox->second, sequence);
    if (mailbox->second.mail.empty()) self_.mailboxes.erase(mailbox);
  }
  if (self_.mailboxes.empty()) self_.age_check.reset();
  notify(Severity::Info, "mail_delivered",
         {{"client", client.hex()}, {"messages", std::uint64_t{seen.sequences.size()}}});
  auto session = self_.sessions.find(client);
  if (session == self_.sessions.end()) return;
  session->second.messages_under_way -= seen.sequences.size();
  session->second.bytes_under_way -= seen.bytes;
  if (session->second.stage == Stage::Open) deliver(client, session->second);
}

void Work::session_deadlines() {
  std::vector<NodeId> due;
  for (const auto& [until, client] : self_.stages_end) {
    if (until > context_.mono) break;
    due.push_back(client);
  }
  for (const auto& client : due) {
    auto& session = self_.sessions.at(client);
    if (session.stage == Stage::WaitingForChannels) {
      advance(client);
    } else if (session.stage == Stage::Settling) {
      set_stage(client, session, Stage::Open);
      deliver(client, session);
    }
  }
}

Value Work::describe_mailboxes() const {
  List out;
  for (const auto& [client, mailbox] : self_.mailboxes) {
    Value one;
    auto session = self_.sessions.find(client);
    one.set("node_id", client.hex())
        .set("messages", std::uint64_t{mailbox.mail.size()})
        .set("bytes", std::uint64_t{mailbox.all.bytes});
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
