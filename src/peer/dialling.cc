// Whom we dial, and when again.
#include <algorithm>

#include "peer/inside.h"

namespace doze::peer {

bool Work::wanted(const NodeId& node, const Known& known) const {
  return !known.paused && (known.keep || has_channel(node));
}

/// What others announce may be the machine next to ours, or our own; where all nodes are on one machine it must be.
std::vector<wire::NetworkAddress> Work::addresses_of(const NodeId& node, const Known& known) const {
  auto out = known.addresses;
  const auto* in_graph = context_.views.graph.node(node);
  if (in_graph != nullptr && in_graph->announced)
    for (const auto& address : in_graph->announced->addresses) {
      bool may = context_.config.network == wire::Network::Regtest || wire::is_public(address);
      if (may && std::find(out.begin(), out.end(), address) == out.end()) out.push_back(address);
    }
  if (out.size() > kMaxAddresses) out.resize(kMaxAddresses);
  return out;
}

/// The newest in front.
void Work::remember(Known& known, const std::vector<wire::NetworkAddress>& addresses) {
  auto merged = addresses;
  for (const auto& address : known.addresses)
    if (std::find(merged.begin(), merged.end(), address) == merged.end()) merged.push_back(address);
  if (merged.size() > kMaxAddresses) merged.resize(kMaxAddresses);
  if (merged == known.addresses) return;
  known.addresses = std::move(merged);
  known.unsaved = true;
}

void Work::store(const NodeId& node, Known& known) {
  known.stored = true;
  known.unsaved = false;
  say(Put{Table::PeerAddress, to_bytes(node.view()), encode(known)});
}

void Work::on(const Started&) {
  std::set<NodeId> nodes;
  for (const auto& [node, known] : self_.known) nodes.insert(node);
  for (const auto& [id, channel] : context_.views.channels)
    if (channel.phase != ChannelPhase::Closed) nodes.insert(channel.peer);
  for (const auto& node : nodes) {
    auto& known = self_.known[node];
    if (wanted(node, known) && !self_.ready.contains(node)) dial(node, known);
  }
}

void Work::on(const WantPeer& in) {
  if (in.node_id == context_.signer.node_id()) return say(PeerUnreachable{in.node_id, "the node is this node itself"});
  auto& known = self_.known[in.node_id];
  remember(known, in.addresses);
  if (in.keep && (!known.keep || known.unsaved)) {
    known.keep = true;
    known.paused = false;
    store(in.node_id, known);
  }
  if (self_.ready.contains(in.node_id)) {
    if (known.unsaved && known.stored) store(in.node_id, known);
    return forget_if_useless(in.node_id);
  }
  known.asked = true;
  if (!known.dialling) dial(in.node_id, known);
}

void Work::set_next(const NodeId& node, Known& known, std::optional<MonoTime> next) {
  if (known.next) self_.dials_due.erase({*known.next, node});
  known.next = next;
  if (next) self_.dials_due.insert({*next, node});
}

void Work::dial(const NodeId& node, Known& known) {
  auto addresses = addresses_of(node, known);
  if (addresses.empty()) return dial_failed(node, "no address is known");
  known.dialling = true;
  set_next(node, known, after_ms(context_.mono, kDialGuardMs));
  say(Dial{node, std::move(addresses)});
}

void Work::on(const DialFailed& in) {
  dial_failed(in.node_id, in.reason);
}

void Work::dial_failed(const NodeId& node, const std::string& reason) {
  auto it = self_.known.find(node);
  if (it == self_.known.end()) return;
  auto& known = it->second;
  known.dialling = false;
  set_next(node, known, std::nullopt);
  known.last_failure = reason;
  if (self_.ready.contains(node)) return;  // it dialled us meanwhile
  for (auto request : std::exchange(known.requests, {}))
    reply_error(request, CommandErrorCode::Refused,
                "cannot connect to " + node.hex() + ": " + escape_untrusted(reason));
  if (std::exchange(known.asked, false)) say(PeerUnreachable{node, reason});
  notify(Severity::Debug, "dial_failed", {{"node_id", node.hex()}, {"reason", escape_untrusted(reason)}});
  retry_later(node, known);
  forget_if_useless(node);
}

/// 1 s, 2 s, … 60 s, of which a random half is taken off, so that nodes that lost each other do not dial in step.
void Work::retry_later(const NodeId& node, Known& known) {
  if (!wanted(node, known) || addresses_of(node, known).empty()) return;
  auto doublings = std::min<std::uint32_t>(known.failures, 6);
  auto full = std::min(kFirstBackoffMs << doublings, kMaxBackoffMs);
  ++known.failures;
  set_next(node, known, after_ms(context_.mono, full / 2 + context_.rng.u64() % (full / 2 + 1)));
}

void Work::node_ready(const NodeId& node) {
  auto it = self_.known.find(node);
  if (it == self_.known.end()) return;
  auto& known = it->second;
  known.dialling = known.asked = false;
  set_next(node, known, std::nullopt);
  for (auto request : std::exchange(known.requests, {})) reply_connected(request, node);
  if (known.unsaved) store(node, known);
}

void Work::node_gone(const NodeId& node, bool was_stable) {
  auto& known = self_.known[node];
  if (was_stable) known.failures = 0;
  if (!known.dialling) retry_later(node, known);
  forget_if_useless(node);
}

void Work::dial_deadlines() {
  while (!self_.dials_due.empty() && self_.dials_due.begin()->first <= context_.mono) {
    auto node = self_.dials_due.begin()->second;
    auto& known = self_.known.at(node);
    set_next(node, known, std::nullopt);
    if (known.dialling)
      dial_failed(node, "the dial had no result in time");
    else if (!self_.ready.contains(node) && wanted(node, known))
      dial(node, known);
  }
}

void Work::forget_if_useless(const NodeId& node) {
  auto it = self_.known.find(node);
  if (it == self_.known.end()) return;
  const auto& known = it->second;
  if (!known.stored && !known.keep && !known.paused && !known.dialling && !known.asked && !known.next &&
      known.requests.empty())
    self_.known.erase(it);
}

}  // namespace doze::peer
