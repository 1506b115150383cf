#include "onion_message/receiving.h"

#include <algorithm>

#include "onion_message/mailbox.h"
#include "onion_message/sending.h"
#include "onion_message/ways.h"
#include "wire/address.h"

namespace doze::onion_message {

namespace {
Allowance part_of(const Allowance& all, std::uint64_t parts) {
  const auto& least = kLeastOfNetwork;
  return {std::max(all.messages / parts, least.messages), std::max(all.messages_per_s / parts, least.messages_per_s),
          std::max(all.bytes / parts, least.bytes), std::max(all.bytes_per_s / parts, least.bytes_per_s)};
}
}  // namespace

bool Budget::take(const Allowance& allowance, std::uint64_t bytes, MonoTime now) {
  auto elapsed = std::min<std::uint64_t>(now.value() - at_.value(), kBudgetMemoryMs);  // no overflow
  at_ = now;
  thousandths_ = std::min(allowance.messages * 1000, thousandths_ + elapsed * allowance.messages_per_s);
  bytes_ = std::min(allowance.bytes, bytes_ + elapsed * allowance.bytes_per_s / 1000);
  if (thousandths_ < 1000 || bytes_ < bytes) return false;
  thousandths_ -= 1000;
  bytes_ -= bytes;
  return true;
}

namespace {
bool within_part_of_network(Work& work, const NodeId& from, std::size_t bytes) {
  auto now = work.context.mono;
  auto& seen = work.state.networks_seen;
  while (!seen.empty() && after_ms(seen.front().first, kNetworkMemoryMs) <= now) {
    auto network = seen.front().second;
    seen.pop_front();
    auto budget = work.state.networks.find(network);
    if (after_ms(budget->second.last_used(), kNetworkMemoryMs) <= now)
      work.state.networks.erase(budget);
    else
      seen.emplace_back(budget->second.last_used(), network);  // later than some behind it: those are only kept longer
  }
  auto peer = work.context.views.peers.find(from);
  auto network = peer == work.context.views.peers.end() ? 0 : wire::network_of(peer->second.address);
  auto parts = work.state.networks.size() + (work.state.networks.contains(network) ? 1 : 2);
  auto part = part_of(kAllStrangersAllowance, parts);
  auto [it, fresh] = work.state.networks.try_emplace(network, part, now);
  if (fresh) seen.emplace_back(now, network);
  return it->second.take(part, bytes, now);
}

bool within_limits(Work& work, const NodeId& from, std::size_t bytes) {
  const auto& allowance = work.context.views.is_client(from) ? kFamiliarAllowance : kStrangerAllowance;  // [B4-msg-07]
  auto [it, fresh] = work.state.budgets.try_emplace(from, allowance, work.context.mono);
  if (!it->second.take(allowance, bytes, work.context.mono)) return false;
  if (work.context.views.is_client(from)) return true;
  if (!within_part_of_network(work, from, bytes)) return false;
  if (!work.state.all_strangers) work.state.all_strangers.emplace(kAllStrangersAllowance, work.context.mono);
  return work.state.all_strangers->take(kAllStrangersAllowance, bytes, work.context.mono);
}

/// Refuses a message. A stranger that pings after its message gets no pong; a neighbour relays the messages of many
/// nodes, and keeps its connection.
void refuse(Work& work, const NodeId& from, const char* why) {
  work.notify(Severity::Debug, "onion_message_not_taken", {{"from", from.hex()}, {"reason", why}});
  if (!work.context.views.is_client(from)) work.say(DropPeer{from, why});
}

/// Dials for our clients, so that they stay hidden from the path's first node; we are announced. Never for strangers.
void relay_by_dialling(Work& work, const NodeId& from, const NodeId& next, const wire::OnionMessage& message) {
  const auto* node = work.context.views.graph.node(next);
  auto of_client = std::count_if(work.state.onward.begin(), work.state.onward.end(),
                                 [&](const Onward& onward) { return onward.from == from; });
  if (node == nullptr || !node->announced || node->announced->addresses.empty()) return;
  if (work.state.onward.size() >= kMaxOnward || static_cast<std::size_t>(of_client) >= kMaxOnwardOfClient) return;
  work.state.onward.push_back({from, next, message, after_ms(work.context.mono, kConnectWaitMs)});
  work.say(WantPeer{next, {}, false});
}

/// Messages for a client always go through the mailbox, connected or not: a phone's connection may be dead for a minute
/// before this is noticed.
void relay(Work& work, const NodeId& from, const onion::RelayMessage& message) {
  auto next = resolve(work, message.next);
  if (!next || *next == from) return;
  bool connected = work.context.views.connected(*next);
  if (keeps_mail_for(work, *next) && (!connected || (sleeps(work, *next) && speaks_onion(work, *next)))) {
    if (!park(work, *next, from, message.message)) refuse(work, from, "the mailbox is full");
    return;
  }
  if (speaks_onion(work, *next)) return work.say(SendMessage{*next, message.message});  // [B4-msg-14]
  if (!connected && work.context.config.role == Role::Server && work.context.views.is_client(from))
    return relay_by_dialling(work, from, *next, message.message);
  work.notify(Severity::Debug, "onion_message_dropped", {{"from", from.hex()}, {"next", next->hex()}});
}
}  // namespace

void hear(Work& work, const MessageReceived& in) {
  const auto* message = std::get_if<wire::OnionMessage>(&in.message);
  if (message == nullptr) return;
  if (!within_limits(work, in.node_id, message->onion_message_packet.size()))
    return refuse(work, in.node_id, "too many onion messages");
  const auto& signer = work.context.signer;
  auto ecdh = [&](const PublicKey& point, const Hash32* tweak) {
    return tweak == nullptr ? signer.node_ecdh(point) : signer.node_ecdh_tweaked(point, tweak->view());
  };
  auto is_us = [&](const onion::NextNode& next) { return next == onion::NextNode(signer.node_id()); };
  auto peeled = onion::peel_message(*message, ecdh, is_us);
  if (!peeled) {
    // Any node can send us rubbish: no answer (BOLT 4), no warning in the log.
    return work.notify(Severity::Debug, "onion_message_refused",  // [B4-msg-09]
                       {{"from", in.node_id.hex()}, {"reason", onion::name(peeled.error())}});
  }
  if (auto* relayed = std::get_if<onion::RelayMessage>(&*peeled)) return relay(work, in.node_id, *relayed);
  auto& received = std::get<onion::ReceivedMessage>(*peeled);
  work.say(OnionMessageReceived{in.node_id, std::move(received.path_id), std::move(received.reply_path),  // [B4-msg-17]
                                std::move(received.contents)});
}

void send_onward(Work& work, const NodeId& ready) {
  std::erase_if(work.state.onward, [&](Onward& onward) {
    if (onward.next != ready) return false;
    if (speaks_onion(work, ready)) work.say(SendMessage{ready, std::move(onward.message)});
    return true;
  });
}

}  // namespace doze::onion_message
