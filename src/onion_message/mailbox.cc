#include "onion_message/mailbox.h"

#include <algorithm>

#include "effects/pages.h"
#include "onion_message/delivery.h"
#include "onion_message/records.h"

namespace doze::onion_message {

bool keeps_mail_for(const Work& work, const NodeId& node) {
  return work.context.config.role == Role::Server && work.context.views.is_client(node);
}

bool sleeps(const Work& work, const NodeId& node) {
  return work.context.views.invited.contains(node) ||
         work.context.views.any_channel_with(
             node, [](const ChannelView& channel) { return !channel.announced && channel.funded(); });
}

namespace {
Share& share_of(Mailbox& mailbox, const Mail& mail) {
  return mail.stranger ? mailbox.strangers : mailbox.sources[mail.source];
}

/// Kept messages stay, because they were confirmed: no newer message replaces them. A refused sender repeats its
/// message.
const char* objection(const Work& work, const NodeId& client, const Mail& mail) {
  static const Mailbox kEmpty;
  static const Share kNothing;
  auto at = work.state.mailboxes.find(client);
  const auto& box = at == work.state.mailboxes.end() ? kEmpty : at->second;
  auto known = box.sources.find(mail.source);
  const auto& share = mail.stranger ? box.strangers : known == box.sources.end() ? kNothing : known->second;
  const auto& allowance = mail.stranger ? kStrangersMail : kPeersMail;
  auto full_at = after_ms(std::max(share.full_at, work.context.mono), mail.units() * allowance.unit_ms);
  if (full_at > after_ms(work.context.mono, allowance.burst_units * allowance.unit_ms))
    return "the source is above its rate";
  if (share.units + mail.units() > allowance.most_units) return "the source has too much mail in this mailbox";
  if (mail.stranger) {
    bool reserved = share.units + mail.units() <= kStrangersReserve;
    bool fits = work.state.strangers_units + mail.units() <= kAllStrangersMail + (reserved ? kAllStrangersReserves : 0);
    return fits ? nullptr : "strangers have too much mail in all mailboxes";
  }
  auto familiar_units = box.all.units - box.strangers.units;
  if (share.units + mail.units() > kSourceReserve && familiar_units + mail.units() > kBoxUnits)
    return "the mailbox is full";
  auto in_all = work.state.source_units.find(mail.source);
  if (in_all != work.state.source_units.end() && in_all->second + mail.units() > kSourceUnitsInAll)
    return "the source has too much mail in all mailboxes";
  return work.state.familiar_units + mail.units() > kAllFamiliarMail
             ? "peers with channels have too much mail in all mailboxes"
             : nullptr;
}

void enter(Work& work, Mailbox& mailbox, std::uint64_t sequence, const Mail& mail) {
  mailbox.all.add(mail);
  share_of(mailbox, mail).add(mail);
  (mail.stranger ? work.state.strangers_units : work.state.familiar_units) += mail.units();
  if (!mail.stranger) work.state.source_units[mail.source] += mail.units();
  mailbox.mail.emplace(sequence, mail);
}

void remove(Work& work, Mailbox& mailbox, std::uint64_t sequence) {
  auto mail = mailbox.mail.extract(sequence).mapped();
  mailbox.all.remove(mail);
  auto& share = share_of(mailbox, mail);
  share.remove(mail);
  (mail.stranger ? work.state.strangers_units : work.state.familiar_units) -= mail.units();
  if (mail.stranger) return;
  if (share.messages == 0) mailbox.sources.erase(mail.source);
  auto in_all = work.state.source_units.find(mail.source);
  in_all->second -= mail.units();
  if (in_all->second == 0) work.state.source_units.erase(in_all);
}
}  // namespace

void classify_mail(Work& work) {
  for (auto& [client, mailbox] : work.state.mailboxes)
    for (auto& [sequence, mail] : std::exchange(mailbox.mail, {})) {
      mail.stranger = mail.source != work.context.signer.node_id() && !work.context.views.is_client(mail.source);
      enter(work, mailbox, sequence, mail);
    }
}

bool park(Work& work, const NodeId& client, const NodeId& source, const wire::OnionMessage& message) {
  Mail mail{source, work.context.wall, static_cast<std::uint32_t>(message.onion_message_packet.size())};
  mail.stranger = source != work.context.signer.node_id() && !work.context.views.is_client(source);
  if (const auto* why = objection(work, client, mail)) {
    work.notify(Severity::Debug, "mail_refused", {{"client", client.hex()}, {"from", source.hex()}, {"reason", why}});
    return false;
  }
  auto sequence = work.state.next_sequence++;
  work.say(Put{Table::Mailbox, mail_key(client, sequence), encode(StoredMail{source, work.context.wall, message})});
  auto& mailbox = work.state.mailboxes[client];
  auto& share = share_of(mailbox, mail);
  auto unit_ms = (mail.stranger ? kStrangersMail : kPeersMail).unit_ms;
  share.full_at = after_ms(std::max(share.full_at, work.context.mono), mail.units() * unit_ms);
  enter(work, mailbox, sequence, mail);
  if (!work.state.age_check) work.state.age_check = after_ms(work.context.mono, kAgeCheckMs);
  if (!work.context.views.connected(client)) {
    work.notify(Severity::Info, "mail_parked",
                {{"client", client.hex()}, {"messages", std::uint64_t{mailbox.mail.size()}}});
    return true;
  }
  if (!work.state.sessions.contains(client)) open_session(work, client);  // it became a client while it was connected
  auto& session = work.state.sessions.at(client);
  if (session.stage == Stage::Open) deliver(work, client, session);
  return true;
}

void erase(Work& work, const NodeId& client, Mailbox& mailbox, std::uint64_t sequence) {
  if (!mailbox.mail.contains(sequence)) return;
  remove(work, mailbox, sequence);
  work.say(Erase{Table::Mailbox, mail_key(client, sequence)});
}

void drop_old_mail(Work& work) {
  for (auto& [client, mailbox] : work.state.mailboxes) {
    // Even if the node was started with role client by mistake, this is our clients' mail.
    bool client_still = work.context.config.role != Role::Server || keeps_mail_for(work, client);
    std::vector<std::uint64_t> old;
    for (const auto& [sequence, mail] : mailbox.mail)
      if (!client_still || after_s(mail.stored_at, kMailboxAgeS) <= work.context.wall) old.push_back(sequence);
    for (auto sequence : old) erase(work, client, mailbox, sequence);
  }
  std::erase_if(work.state.mailboxes, [](const auto& entry) { return entry.second.mail.empty(); });
  work.state.age_check.reset();
  if (!work.state.mailboxes.empty()) work.state.age_check = after_ms(work.context.mono, kAgeCheckMs);
}

namespace {
Value describe(const Work& work, const NodeId& client, const Mailbox& mailbox) {
  Value out;
  auto session = work.state.sessions.find(client);
  out.set("node_id", client.hex())
      .set("messages", std::uint64_t{mailbox.mail.size()})
      .set("bytes", std::uint64_t{mailbox.all.bytes});
  if (!mailbox.mail.empty()) {
    auto stored_at = mailbox.mail.begin()->second.stored_at.value();
    out.set("oldest_age_s", work.context.wall.value() > stored_at ? work.context.wall.value() - stored_at : 0);
  }
  out.set("state", session == work.state.sessions.end() ? "asleep" : name(session->second.stage));
  return out;
}
}  // namespace

/// By node id, the greatest first: mailboxes fill and empty between one page and the next, and ids stay.
void list_mailboxes(Work& work, RequestId request, const command::Page& page) {
  auto source = [&](const std::optional<Place>& before) -> PageSource {
    auto at = work.state.mailboxes.end();
    if (before) {
      NodeId place;
      if (before->key.size() != place.bytes.size()) return {};
      std::copy(before->key.begin(), before->key.end(), place.bytes.begin());
      at = work.state.mailboxes.lower_bound(place);
    }
    auto place = std::make_shared<decltype(at)>(at);
    return {[&work, place]() -> std::optional<Place> {
              if (*place == work.state.mailboxes.begin()) return std::nullopt;
              return Place{UnixTime(), 0, to_bytes(std::prev(*place)->first.view())};
            },
            [&work, place] {
              --*place;
              return describe(work, (*place)->first, (*place)->second);
            }};
  };
  work.reply(request, page_of("mailboxes", page, [&](const auto& before) { return std::vector{source(before)}; }));
}

}  // namespace doze::onion_message
