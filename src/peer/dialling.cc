#include "peer/dialling.h"

#include <algorithm>

#include "peer/commands.h"
#include "peer/connection.h"
#include "peer/records.h"

namespace doze::peer {

namespace {
bool wanted(const Work& work, const NodeId& node, const Known& known) {
  return !known.paused && (known.keep || has_channel(work, node));
}
}  // namespace

/// What others announce may be the machine next to ours, or our own; where all nodes are on one machine it must be.
std::vector<wire::NetworkAddress> addresses_of(const Work& work, const NodeId& node, const Known& known) {
  auto out = known.addresses;
  const auto* in_graph = work.context.views.graph.node(node);
  if (in_graph != nullptr && in_graph->announced)
    for (const auto& address : in_graph->announced->addresses) {
      bool may = work.context.config.network == wire::Network::Regtest || wire::is_public(address);
      if (may && std::find(out.begin(), out.end(), address) == out.end()) out.push_back(address);
    }
  if (out.size() > kMaxAddresses) out.resize(kMaxAddresses);
  return out;
}

void remember(Known& known, const std::vector<wire::NetworkAddress>& addresses) {
  auto merged = addresses;
  for (const auto& address : known.addresses)
    if (std::find(merged.begin(), merged.end(), address) == merged.end()) merged.push_back(address);
  if (merged.size() > kMaxAddresses) merged.resize(kMaxAddresses);
  if (merged == known.addresses) return;
  known.addresses = std::move(merged);
  known.unsaved = true;
}

void store(Work& work, const NodeId& node, Known& known) {
  known.stored = true;
  known.unsaved = false;
  work.say(Put{Table::PeerAddress, to_bytes(node.view()), encode(known)});
}

void hear(Work& work, const Started&) {
  std::set<NodeId> nodes;
  for (const auto& [node, known] : work.state.known) nodes.insert(node);
  for (const auto& [id, channel] : work.context.views.channels)
    if (channel.phase != ChannelPhase::Closed) nodes.insert(channel.peer);
  for (const auto& node : nodes) {
    auto& known = work.state.known[node];
    if (wanted(work, node, known) && !work.state.ready.contains(node)) dial(work, node, known);
  }
}

void hear(Work& work, const WantPeer& in) {
  if (in.node_id == work.context.signer.node_id())
    return work.say(PeerUnreachable{in.node_id, "the node is this node itself"});
  auto& known = work.state.known[in.node_id];
  remember(known, in.addresses);
  if (in.keep && (!known.keep || known.unsaved)) {
    known.keep = true;
    known.paused = false;
    store(work, in.node_id, known);
  }
  if (work.state.ready.contains(in.node_id)) {
    if (known.unsaved && known.stored) store(work, in.node_id, known);
    return forget_if_useless(work, in.node_id);
  }
  known.asked = true;
  if (!known.dialling) dial(work, in.node_id, known);
}

void set_next(Work& work, const NodeId& node, Known& known, std::optional<MonoTime> next) {
  if (known.next) work.state.dials_due.erase({*known.next, node});
  known.next = next;
  if (next) work.state.dials_due.insert({*next, node});
}

void dial(Work& work, const NodeId& node, Known& known) {
  auto addresses = addresses_of(work, node, known);
  if (addresses.empty()) return dial_failed(work, node, "no address is known");
  known.dialling = true;
  set_next(work, node, known, after_ms(work.context.mono, kDialGuardMs));
  work.say(Dial{node, std::move(addresses)});
}

void hear(Work& work, const DialFailed& in) {
  dial_failed(work, in.node_id, in.reason);
}

namespace {
/// 1 s, 2 s, … 60 s, of which a random half is taken off, so that nodes that lost each other do not dial in step.
void retry_later(Work& work, const NodeId& node, Known& known) {
  if (!wanted(work, node, known) || addresses_of(work, node, known).empty()) return;
  auto doublings = std::min<std::uint32_t>(known.failures, 6);
  auto full = std::min(kFirstBackoffMs << doublings, kMaxBackoffMs);
  ++known.failures;
  set_next(work, node, known, after_ms(work.context.mono, full / 2 + work.context.rng.u64() % (full / 2 + 1)));
}
}  // namespace

void dial_failed(Work& work, const NodeId& node, const std::string& reason) {
  auto it = work.state.known.find(node);
  if (it == work.state.known.end()) return;
  auto& known = it->second;
  known.dialling = false;
  set_next(work, node, known, std::nullopt);
  known.last_failure = reason;
  if (work.state.ready.contains(node)) return;  // it dialled us meanwhile
  for (auto request : std::exchange(known.requests, {}))
    work.refuse(request, CommandErrorCode::Refused,
                "cannot connect to " + node.hex() + ": " + escape_untrusted(reason));
  if (std::exchange(known.asked, false)) work.say(PeerUnreachable{node, reason});
  work.notify(Severity::Debug, "dial_failed", {{"node_id", node.hex()}, {"reason", escape_untrusted(reason)}});
  retry_later(work, node, known);
  forget_if_useless(work, node);
}

void node_ready(Work& work, const NodeId& node) {
  auto it = work.state.known.find(node);
  if (it == work.state.known.end()) return;
  auto& known = it->second;
  known.dialling = known.asked = false;
  set_next(work, node, known, std::nullopt);
  for (auto request : std::exchange(known.requests, {})) reply_connected(work, request, node);
  if (known.unsaved) store(work, node, known);
}

void node_gone(Work& work, const NodeId& node, bool was_stable) {
  auto& known = work.state.known[node];
  if (was_stable) known.failures = 0;
  if (!known.dialling) retry_later(work, node, known);
  forget_if_useless(work, node);
}

void dial_deadlines(Work& work) {
  while (!work.state.dials_due.empty() && work.state.dials_due.begin()->first <= work.context.mono) {
    auto node = work.state.dials_due.begin()->second;
    auto& known = work.state.known.at(node);
    set_next(work, node, known, std::nullopt);
    if (known.dialling)
      dial_failed(work, node, "the dial had no result in time");
    else if (!work.state.ready.contains(node) && wanted(work, node, known))
      dial(work, node, known);
  }
}

void forget_if_useless(Work& work, const NodeId& node) {
  auto it = work.state.known.find(node);
  if (it == work.state.known.end()) return;
  const auto& known = it->second;
  if (!known.stored && !known.keep && !known.paused && !known.dialling && !known.asked && !known.next &&
      known.requests.empty())
    work.state.known.erase(it);
}

}  // namespace doze::peer
