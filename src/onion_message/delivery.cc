#include "onion_message/delivery.h"

#include "effects/tags.h"
#include "onion_message/mailbox.h"
#include "onion_message/records.h"
#include "onion_message/sending.h"
#include "onion_message/ways.h"

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

namespace {
void set_stage(Work& work, const NodeId& client, Session& session, Stage stage,
               std::optional<MonoTime> until = std::nullopt) {
  work.state.stages_end.erase({session.until, client});
  session.stage = stage;
  session.until = until.value_or(MonoTime());
  if (until) work.state.stages_end.insert({*until, client});
}

/// Mail makes a client answer, and the released payments arrive over its channels: they must be usable first.
void advance(Work& work, const NodeId& client) {
  auto& session = work.state.sessions.at(client);
  if (session.stage != Stage::WaitingForChannels) return;
  bool unusable = work.context.views.any_channel_with(
      client, [](const ChannelView& channel) { return channel.phase == ChannelPhase::Normal && !channel.usable; });
  if (unusable && work.context.mono < session.until) return;
  set_stage(work, client, session, Stage::Gossip);
  work.say(SendOurGossip{client});
  ping(work, client, GossipSeen{});
}
}  // namespace

void open_session(Work& work, const NodeId& client) {
  end_session(work, client);
  auto& session = work.state.sessions[client];
  set_stage(work, client, session, Stage::WaitingForChannels, after_ms(work.context.mono, kDeliverAnywayMs));
  advance(work, client);
}

void end_session(Work& work, const NodeId& client) {
  auto session = work.state.sessions.find(client);
  if (session == work.state.sessions.end()) return;
  work.state.stages_end.erase({session->second.until, client});
  if (session->second.turn) work.state.turns.erase(*session->second.turn);
  work.state.sessions.erase(session);
}

void hear(Work& work, const ChannelUsable& in) {
  if (!keeps_mail_for(work, in.peer) || !work.context.views.connected(in.peer)) return;
  if (work.state.sessions.contains(in.peer))
    advance(work, in.peer);
  else
    open_session(work, in.peer);
}

void gossip_seen(Work& work, const NodeId& client) {
  auto it = work.state.sessions.find(client);
  if (it == work.state.sessions.end() || it->second.stage != Stage::Gossip) return;
  auto& session = it->second;
  // We never announce basic_mpp, all others do: they verify gossip in the background, and drop an answer to a node that
  // they do not know yet.
  auto view = work.context.views.peers.find(client);
  if (view != work.context.views.peers.end() && view->second.features.supports(wire::kBasicMpp)) {
    return set_stage(work, client, session, Stage::Settling, after_ms(work.context.mono, kRawClientGossipWaitMs));
  }
  set_stage(work, client, session, Stage::Open);
  deliver(work, client, session);
}

/// In batches, because unconfirmed messages fill buffers on both sides. One batch at a time is read per client;
/// messages that arrive meanwhile follow, so the order is kept.
void deliver(Work& work, const NodeId& client, Session& session) {
  auto mailbox = work.state.mailboxes.find(client);
  if (mailbox == work.state.mailboxes.end() || session.reading || session.turn || !speaks_onion(work, client)) return;
  const auto& mail = mailbox->second.mail;
  auto at = mail.lower_bound(session.next);
  auto has_room = [&] { return session.messages_under_way < kBatchMessages && session.bytes_under_way < kBatchBytes; };
  if (at == mail.end() || !has_room()) return;
  if (work.state.reads.size() >= kBatchesRead) {
    session.turn = work.state.next_turn++;
    work.state.turns.emplace(*session.turn, client);
    return;
  }
  Reading reading{client};
  ReadRows wanted{Table::Mailbox, {}, make_tag(TagOwner::OnionMessage, work.state.next_token++)};
  for (; at != mail.end() && has_room(); ++at) {
    ++session.messages_under_way;
    session.bytes_under_way += at->second.size();
    ++reading.messages;
    reading.bytes += at->second.size();
    session.next = at->first + 1;
    wanted.keys.push_back(mail_key(client, at->first));
  }
  session.reading = wanted.tag;
  work.state.reads.emplace(wanted.tag, reading);
  work.say(std::move(wanted));
}

namespace {
void hand_over(Work& work, const NodeId& client, Session& session, const std::vector<Row>& rows) {
  auto mailbox = work.state.mailboxes.find(client);
  if (mailbox == work.state.mailboxes.end()) return;
  MailSeen seen;
  for (const auto& row : rows) {
    auto key = read_mail_key(row.key);
    auto stored = decode(row.value);
    if (!key || !stored) {  // damaged since it was loaded, or written wrongly
      work.notify(Severity::Error, "mail_unreadable", {{"client", client.hex()}, {"key", to_hex(row.key)}});
      continue;
    }
    auto mail = mailbox->second.mail.find(key->second);
    if (mail == mailbox->second.mail.end()) continue;  // it became too old meanwhile
    ++session.messages_under_way;
    session.bytes_under_way += mail->second.size();
    seen.sequences.push_back(key->second);
    seen.bytes += mail->second.size();
    work.say(SendMessage{client, std::move(stored->message)});
  }
  if (seen.sequences.empty()) return;
  ping(work, client, std::move(seen));
  work.say(ClientAwake{client});
}
}  // namespace

void hear(Work& work, const RowsRead& in) {
  auto reading = work.state.reads.extract(in.tag);
  if (reading.empty()) return;
  const auto& [client, messages, bytes] = reading.mapped();
  auto session = work.state.sessions.find(client);
  if (session != work.state.sessions.end() && session->second.reading == in.tag) {
    session->second.reading.reset();
    session->second.messages_under_way -= messages;
    session->second.bytes_under_way -= bytes;
    hand_over(work, client, session->second, in.rows);
    deliver(work, client, session->second);
  }
  while (!work.state.turns.empty() && work.state.reads.size() < kBatchesRead) {
    auto next = work.state.turns.extract(work.state.turns.begin()).mapped();
    auto& waiting = work.state.sessions.at(next);
    waiting.turn.reset();
    deliver(work, next, waiting);
  }
}

void mail_seen(Work& work, const NodeId& client, const MailSeen& seen) {
  auto mailbox = work.state.mailboxes.find(client);
  if (mailbox != work.state.mailboxes.end()) {
    for (auto sequence : seen.sequences) erase(work, client, mailbox->second, sequence);
    if (mailbox->second.mail.empty()) work.state.mailboxes.erase(mailbox);
  }
  if (work.state.mailboxes.empty()) work.state.age_check.reset();
  work.notify(Severity::Info, "mail_delivered",
              {{"client", client.hex()}, {"messages", std::uint64_t{seen.sequences.size()}}});
  auto session = work.state.sessions.find(client);
  if (session == work.state.sessions.end()) return;
  session->second.messages_under_way -= seen.sequences.size();
  session->second.bytes_under_way -= seen.bytes;
  if (session->second.stage == Stage::Open) deliver(work, client, session->second);
}

void session_deadlines(Work& work) {
  std::vector<NodeId> due;
  for (const auto& [until, client] : work.state.stages_end) {
    if (until > work.context.mono) break;
    due.push_back(client);
  }
  for (const auto& client : due) {
    auto& session = work.state.sessions.at(client);
    if (session.stage == Stage::WaitingForChannels) {
      advance(work, client);
    } else if (session.stage == Stage::Settling) {
      set_stage(work, client, session, Stage::Open);
      deliver(work, client, session);
    }
  }
}

}  // namespace doze::onion_message
