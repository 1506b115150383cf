// Messages from peers: for us, for a neighbour, or too many.
#include <algorithm>

#include "onion_message/inside.h"
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

bool Work::within_limits(const NodeId& from, std::size_t bytes) {
  const auto& allowance = context_.views.is_client(from) ? kFamiliarAllowance : kStrangerAllowance;  // [B4-msg-07]
  auto [it, fresh] = self_.budgets.try_emplace(from, allowance, context_.mono);
  if (!it->second.take(allowance, bytes, context_.mono)) return false;
  if (context_.views.is_client(from)) return true;
  if (!within_part_of_network(from, bytes)) return false;
  if (!self_.all_strangers) self_.all_strangers.emplace(kAllStrangersAllowance, context_.mono);
  return self_.all_strangers->take(kAllStrangersAllowance, bytes, context_.mono);
}

bool Work::within_part_of_network(const NodeId& from, std::size_t bytes) {
  auto now = context_.mono;
  auto& seen = self_.networks_seen;
  while (!seen.empty() && after_ms(seen.front().first, kNetworkMemoryMs) <= now) {
    auto network = seen.front().second;
    seen.pop_front();
    auto budget = self_.networks.find(network);
    if (after_ms(budget->second.last_used(), kNetworkMemoryMs) <= now)
      self_.networks.erase(budget);
    else
      seen.emplace_back(budget->second.last_used(), network);  // later than some behind it: those are only kept longer
  }
  auto peer = context_.views.peers.find(from);
  auto network = peer == context_.views.peers.end() ? 0 : wire::network_of(peer->second.address);
  auto parts = self_.networks.size() + (self_.networks.contains(network) ? 1 : 2);
  auto part = part_of(kAllStrangersAllowance, parts);
  auto [it, fresh] = self_.networks.try_emplace(network, part, now);
  if (fresh) seen.emplace_back(now, network);
  return it->second.take(part, bytes, now);
}

/// Refuses a message. A stranger that pings after its message gets no pong; a neighbour relays the messages of many
/// nodes, and keeps its connection.
void Work::refuse(const NodeId& from, const char* why) {
  notify(Severity::Debug, "onion_message_not_taken", {{"from", from.hex()}, {"reason", why}});
  if (!context_.views.is_client(from)) say(DropPeer{from, why});
}

void Work::on(const MessageReceived& in) {
  const auto* message = std::get_if<wire::OnionMessage>(&in.message);
  if (message == nullptr) return;
  if (!within_limits(in.node_id, message->onion_message_packet.size()))
    return refuse(in.node_id, "too many onion messages");
  const auto& signer = context_.signer;
  auto ecdh = [&](const PublicKey& point, const Hash32* tweak) {
    return tweak == nullptr ? signer.node_ecdh(point) : signer.node_ecdh_tweaked(point, tweak->view());
  };
  auto is_us = [&](const onion::NextNode& next) { return next == onion::NextNode(signer.node_id()); };
  auto peeled = onion::peel_message(*message, ecdh, is_us);
  if (!peeled) {
    // Any node can send us rubbish: no answer (BOLT 4), no warning in the log.
    return notify(Severity::Debug, "onion_message_refused",  // [B4-msg-09]
                  {{"from", in.node_id.hex()}, {"reason", onion::name(peeled.error())}});
  }
  if (auto* relayed = std::get_if<onion::RelayMessage>(&*peeled)) return relay(in.node_id, *relayed);
  auto& received = std::get<onion::ReceivedMessage>(*peeled);
  say(OnionMessageReceived{in.node_id, std::move(received.path_id), std::move(received.reply_path),  // [B4-msg-17]
                           std::move(received.contents)});
}

/// Messages for a client always go through the mailbox, connected or not: a phone's connection may be dead for a minute
/// before this is noticed.
void Work::relay(const NodeId& from, const onion::RelayMessage& message) {
  auto next = resolve(message.next);
  if (!next || *next == from) return;
  bool connected = context_.views.connected(*next);
  if (keeps_mail_for(*next) && (!connected || (sleeps(*next) && speaks_onion(*next)))) {
    if (!park(*next, from, message.message)) refuse(from, "the mailbox is full");
    return;
  }
  if (speaks_onion(*next)) return say(SendMessage{*next, message.message});  // [B4-msg-14]
  if (!connected && context_.config.role == Role::Server && context_.views.is_client(from))
    return relay_by_dialling(from, *next, message.message);
  notify(Severity::Debug, "onion_message_dropped", {{"from", from.hex()}, {"next", next->hex()}});
}

/// Dials for our clients, so that they stay hidden from the path's first node; we are announced. Never for strangers.
void Work::relay_by_dialling(const NodeId& from, const NodeId& next, const wire::OnionMessage& message) {
  const auto* node = context_.views.graph.node(next);
  auto of_client = std::count_if(self_.onward.begin(), self_.onward.end(),
                                 [&](const Onward& onward) { return onward.from == from; });
  if (node == nullptr || !node->announced || node->announced->addresses.empty()) return;
  if (self_.onward.size() >= kMaxOnward || static_cast<std::size_t>(of_client) >= kMaxOnwardOfClient) return;
  self_.onward.push_back({from, next, message, after_ms(context_.mono, kConnectWaitMs)});
  say(WantPeer{next, {}, false});
}

void Work::send_onward(const NodeId& ready) {
  std::erase_if(self_.onward, [&](Onward& onward) {
    if (onward.next != ready) return false;
    if (speaks_onion(ready)) say(SendMessage{ready, std::move(onward.message)});
    return true;
  });
}

}  // namespace doze::onion_message
