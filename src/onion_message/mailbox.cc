// Mail for sleeping clients: durable first, erased when a pong proves that it was handled. The messages are on disk
// only; a batch that is due is read from there (ReadRows, RowsRead), and messages erased meanwhile are not sent.
#include <algorithm>

#include "effects/pages.h"
#include "onion_message/inside.h"

namespace doze::onion_message {

const char* name(Stage stage) {
  switch (stage) {
    case Stage::WaitingForChannels:
      return "waiting for its channels";
    case Stage::Gossip:
      return "receiving our gossip";
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
  return context_.views.invited.contains(node) || context_.views.any_channel_with(node, [](const ChannelView& channel) {
    return !channel.announced && channel.funded();
  });
}

// ---- keeping ----

Share& Work::share_of(Mailbox& mailbox, const Mail& mail) const {
  return mail.stranger ? mailbox.strangers : mailbox.sources[mail.source];
}

/// Kept messages stay, because they were confirmed: no newer message replaces them. A refused sender repeats its
/// message.
const char* Work::objection(const NodeId& client, const Mail& mail) const {
  static const Mailbox kEmpty;
  static const Share kNothing;
  auto at = self_.mailboxes.find(client);
  const auto& box = at == self_.mailboxes.end() ? kEmpty : at->second;
  auto known = box.sources.find(mail.source);
  const auto& share = mail.stranger ? box.strangers : known == box.sources.end() ? kNothing : known->second;
  const auto& allowance = mail.stranger ? kStrangersMail : kPeersMail;
  auto full_at = after_ms(std::max(share.full_at, context_.mono), mail.units() * allowance.unit_ms);
  if (full_at > after_ms(context_.mono, allowance.burst_units * allowance.unit_ms))
    return "the source is above its rate";
  if (share.units + mail.units() > allowance.most_units) return "the source has too much mail in this mailbox";
  if (mail.stranger) {
    bool reserved = share.units + mail.units() <= kStrangersReserve;
    bool fits = self_.strangers_units + mail.units() <= kAllStrangersMail + (reserved ? kAllStrangersReserves : 0);
    return fits ? nullptr : "strangers have too much mail in all mailboxes";
  }
  auto familiar_units = box.all.units - box.strangers.units;
  if (share.units + mail.units() > kSourceReserve && familiar_units + mail.units() > kBoxUnits)
    return "the mailbox is full";
  auto in_all = self_.source_units.find(mail.source);
  if (in_all != self_.source_units.end() && in_all->second + mail.units() > kSourceUnitsInAll)
    return "the source has too much mail in all mailboxes";
  return self_.familiar_units + mail.units() > kAllFamiliarMail
             ? "peers with channels have too much mail in all mailboxes"
             : nullptr;
}

void Work::enter(Mailbox& mailbox, std::uint64_t sequence, const Mail& mail) {
  mailbox.all.add(mail);
  share_of(mailbox, mail).add(mail);
  (mail.stranger ? self_.strangers_units : self_.familiar_units) += mail.units();
  if (!mail.stranger) self_.source_units[mail.source] += mail.units();
  mailbox.mail.emplace(sequence, mail);
}

void Work::remove(Mailbox& mailbox, std::uint64_t sequence) {
  auto mail = mailbox.mail.extract(sequence).mapped();
  mailbox.all.remove(mail);
  auto& share = share_of(mailbox, mail);
  share.remove(mail);
  (mail.stranger ? self_.strangers_units : self_.familiar_units) -= mail.units();
  if (mail.stranger) return;
  if (share.messages == 0) mailbox.sources.erase(mail.source);
  auto in_all = self_.source_units.find(mail.source);
  in_all->second -= mail.units();
  if (in_all->second == 0) self_.source_units.erase(in_all);
}

/// After loading: only the views tell which sources are strangers.
void Work::classify_mail() {
  for (auto& [client, mailbox] : self_.mailboxes)
    for (auto& [sequence, mail] : std::exchange(mailbox.mail, {})) {
      mail.stranger = mail.source != context_.signer.node_id() && !context_.views.is_client(mail.source);
      enter(mailbox, sequence, mail);
    }
}

bool Work::park(const NodeId& client, const NodeId& source, const wire::OnionMessage& message) {
  Mail mail{source, context_.wall, static_cast<std::uint32_t>(message.onion_message_packet.size())};
  mail.stranger = source != context_.signer.node_id() && !context_.views.is_client(source);
  if (const auto* why = objection(client, mail)) {
    notify(Severity::Debug, "mail_refused", {{"client", client.hex()}, {"from", source.hex()}, {"reason", why}});
    return false;
  }
  auto sequence = self_.next_sequence++;
  say(Put{Table::Mailbox, mail_key(client, sequence), encode(StoredMail{source, context_.wall, message})});
  auto& mailbox = self_.mailboxes[client];
  auto& share = share_of(mailbox, mail);
  auto unit_ms = (mail.stranger ? kStrangersMail : kPeersMail).unit_ms;
  share.full_at = after_ms(std::max(share.full_at, context_.mono), mail.units() * unit_ms);
  enter(mailbox, sequence, mail);
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

/// Too old, or for a node that is no longer a client.
void Work::drop_old_mail() {
  for (auto& [client, mailbox] : self_.mailboxes) {
    // Even if the node was started with role client by mistake, this is our clients' mail.
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
  end_session(client);
  auto& session = self_.sessions[client];
  set_stage(client, session, Stage::WaitingForChannels, after_ms(context_.mono, kDeliverAnywayMs));
  advance(client);
}

void Work::end_session(const NodeId& client) {
  auto session = self_.sessions.find(client);
  if (session == self_.sessions.end()) return;
  self_.stages_end.erase({session->second.until, client});
  if (session->second.turn) self_.turns.erase(*session->second.turn);
  self_.sessions.erase(session);
}

void Work::on(const ChannelUsable& in) {
  if (!keeps_mail_for(in.peer) || !context_.views.connected(in.peer)) return;
  if (self_.sessions.contains(in.peer))
    advance(in.peer);
  else
    open_session(in.peer);
}

/// Mail makes a client answer, and the released payments arrive over its channels: they must be usable first.
void Work::advance(const NodeId& client) {
  auto& session = self_.sessions.at(client);
  if (session.stage != Stage::WaitingForChannels) return;
  bool unusable = context_.views.any_channel_with(
      client, [](const ChannelView& channel) { return channel.phase == ChannelPhase::Normal && !channel.usable; });
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

/// In batches, because unconfirmed messages fill buffers on both sides. One batch at a time is read per client;
/// messages that arrive meanwhile follow, so the order is kept.
void Work::deliver(const NodeId& client, Session& session) {
  auto mailbox = self_.mailboxes.find(client);
  if (mailbox == self_.mailboxes.end() || session.reading || session.turn || !speaks_onion(client)) return;
  const auto& mail = mailbox->second.mail;
  auto at = mail.lower_bound(session.next);
  auto has_room = [&] { return session.messages_under_way < kBatchMessages && session.bytes_under_way < kBatchBytes; };
  if (at == mail.end() || !has_room()) return;
  if (self_.reads.size() >= kBatchesRead) {
    session.turn = self_.next_turn++;
    self_.turns.emplace(*session.turn, client);
    return;
  }
  Reading reading{client};
  ReadRows wanted{Table::Mailbox, {}, make_tag(TagOwner::OnionMessage, self_.next_token++)};
  for (; at != mail.end() && has_room(); ++at) {
    ++session.messages_under_way;
    session.bytes_under_way += at->second.size();
    ++reading.messages;
    reading.bytes += at->second.size();
    session.next = at->first + 1;
    wanted.keys.push_back(mail_key(client, at->first));
  }
  session.reading = wanted.tag;
  self_.reads.emplace(wanted.tag, reading);
  say(std::move(wanted));
}

void Work::on(const RowsRead& in) {
  auto reading = self_.reads.extract(in.tag);
  if (reading.empty()) return;
  const auto& [client, messages, bytes] = reading.mapped();
  auto session = self_.sessions.find(client);
  if (session != self_.sessions.end() && session->second.reading == in.tag) {
    session->second.reading.reset();
    session->second.messages_under_way -= messages;
    session->second.bytes_under_way -= bytes;
    hand_over(client, session->second, in.rows);
    deliver(client, session->second);
  }
  while (!self_.turns.empty() && self_.reads.size() < kBatchesRead) {
    auto next = self_.turns.extract(self_.turns.begin()).mapped();
    auto& waiting = self_.sessions.at(next);
    waiting.turn.reset();
    deliver(next, waiting);
  }
}

void Work::hand_over(const NodeId& client, Session& session, const std::vector<Row>& rows) {
  auto mailbox = self_.mailboxes.find(client);
  if (mailbox == self_.mailboxes.end()) return;
  MailSeen seen;
  for (const auto& row : rows) {
    auto key = read_mail_key(row.key);
    auto stored = decode(row.value);
    if (!key || !stored) {  // damaged since it was loaded, or written wrongly
      notify(Severity::Error, "mail_unreadable", {{"client", client.hex()}, {"key", to_hex(row.key)}});
      continue;
    }
    auto mail = mailbox->second.mail.find(key->second);
    if (mail == mailbox->second.mail.end()) continue;  // it became too old meanwhile
    ++session.messages_under_way;
    session.bytes_under_way += mail->second.size();
    seen.sequences.push_back(key->second);
    seen.bytes += mail->second.size();
    say(SendMessage{client, std::move(stored->message)});
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

Value Work::describe(const NodeId& client, const Mailbox& mailbox) const {
  Value out;
  auto session = self_.sessions.find(client);
  out.set("node_id", client.hex())
      .set("messages", std::uint64_t{mailbox.mail.size()})
      .set("bytes", std::uint64_t{mailbox.all.bytes});
  if (!mailbox.mail.empty()) {
    auto stored_at = mailbox.mail.begin()->second.stored_at.value();
    out.set("oldest_age_s", context_.wall.value() > stored_at ? context_.wall.value() - stored_at : 0);
  }
  out.set("state", session == self_.sessions.end() ? "asleep" : name(session->second.stage));
  return out;
}

/// By node id, the greatest first: mailboxes fill and empty between one page and the next, and ids stay.
void Work::list_mailboxes(RequestId request, const command::Page& page) {
  auto source = [&](const std::optional<Place>& before) -> PageSource {
    auto at = self_.mailboxes.end();
    if (before) {
      NodeId place;
      if (before->key.size() != place.bytes.size()) return {};
      std::copy(before->key.begin(), before->key.end(), place.bytes.begin());
      at = self_.mailboxes.lower_bound(place);
    }
    auto place = std::make_shared<decltype(at)>(at);
    return {[this, place]() -> std::optional<Place> {
              if (*place == self_.mailboxes.begin()) return std::nullopt;
              return Place{UnixTime(), 0, to_bytes(std::prev(*place)->first.view())};
            },
            [this, place] {
              --*place;
              return describe((*place)->first, (*place)->second);
            }};
  };
  say(Reply{request, page_of("mailboxes", page, [&](const auto& before) { return std::vector{source(before)}; })});
}

}  // namespace doze::onion_message
