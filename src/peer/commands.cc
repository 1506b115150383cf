// connect, disconnect, listpeers.
#include "crypto/crypto.h"
#include "peer/inside.h"

namespace doze::peer {

namespace {
/// "option_anchors", and numbers of bits that have no name here.
List names_of(const wire::FeatureBits& features) {
  List out;
  for (auto bit : features.bits()) {
    const char* name = wire::feature_name(bit);
    out.emplace_back(name != nullptr && *name != 0 ? std::string(name) : "bit " + std::to_string(bit));
  }
  return out;
}
}  // namespace

void Work::notify(Severity severity, Event event, Fields facts) {
  say(Notify{severity, event, std::move(facts)});
}

void Work::reply_error(RequestId request, CommandErrorCode code, std::string message) {
  say(Reply{request, CommandError{code, std::move(message), {}}});
}

void Work::reply_connected(RequestId request, const NodeId& node) {
  const auto& view = self_.views.at(node);
  Value value;
  value.set("node_id", node.hex()).set("address", view.address).set("inbound", view.inbound);
  value.set("features", names_of(view.features));
  say(Reply{request, std::move(value)});
}

void Work::on(const CommandReceived& in) {
  std::visit([&](const auto& inner) { command(in.request, inner); }, in.command);
}

void Work::command(RequestId request, const command::Connect& connect) {
  const auto& node = connect.node_id;
  if (!crypto::is_valid(node))
    return reply_error(request, CommandErrorCode::BadRequest, "node_id: expected a valid point, not " + node.hex());
  if (node == context_.signer.node_id())
    return reply_error(request, CommandErrorCode::BadRequest, "node_id: this is the node itself");
  auto& known = self_.known[node];
  known.paused = false;
  if (connect.address) remember(known, {*connect.address});
  if (self_.ready.contains(node)) {
    reply_connected(request, node);
    return forget_if_useless(node);
  }
  if (addresses_of(node, known).empty()) {
    reply_error(request, CommandErrorCode::NotFound,
                "peer: no address of " + node.hex() + " is known: expected <node_id>@<host>:<port>");
    return forget_if_useless(node);
  }
  known.requests.push_back(request);
  if (!known.dialling) dial(node, known);
}

void Work::command(RequestId request, const command::Disconnect& disconnect) {
  const auto& node = disconnect.node_id;
  auto it = self_.known.find(node);
  bool connected = self_.ready.contains(node);
  if (!connected && it == self_.known.end())
    return reply_error(request, CommandErrorCode::NotFound, "node_id: no such peer: " + node.hex());
  auto& known = self_.known[node];
  known.paused = true;
  set_next(node, known, std::nullopt);
  if (std::exchange(known.keep, false)) store(node, known);
  for (auto waiting : std::exchange(known.requests, {}))
    reply_error(waiting, CommandErrorCode::Refused, "disconnected by another command");
  if (connected) close(self_.ready.at(node), "the user asked for it", true);
  say(Reply{request, Value().set("node_id", node.hex()).set("was_connected", connected)});
}

void Work::command(RequestId request, const command::ListPeers&) {
  std::set<NodeId> nodes;
  for (const auto& [node, view] : self_.views) nodes.insert(node);
  for (const auto& [node, known] : self_.known) nodes.insert(node);
  List list;
  for (const auto& node : nodes) {
    Value peer;
    auto view = self_.views.find(node);
    peer.set("node_id", node.hex()).set("connected", view != self_.views.end());
    if (view != self_.views.end()) {
      peer.set("address", view->second.address).set("inbound", view->second.inbound);
      peer.set("connected_since", time_text(view->second.connected_since));
      peer.set("features", names_of(view->second.features));
    }
    if (auto known = self_.known.find(node); known != self_.known.end()) {
      peer.set("reconnect", known->second.keep);
      List addresses;
      for (const auto& address : known->second.addresses) addresses.emplace_back(wire::to_text(address));
      peer.set("known_addresses", std::move(addresses));
      if (view == self_.views.end() && !known->second.last_failure.empty())
        peer.set("last_failure", known->second.last_failure);
    }
    list.push_back(std::move(peer));
  }
  say(Reply{request, Value().set("peers", std::move(list))});
}

}  // namespace doze::peer
