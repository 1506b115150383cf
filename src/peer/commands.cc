#include "peer/commands.h"

#include "crypto/crypto.h"
#include "effects/hearers.h"
#include "peer/connection.h"
#include "peer/dialling.h"

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

void reply_connected(Work& work, RequestId request, const NodeId& node) {
  const auto& view = work.state.views.at(node);
  Value value;
  value.set("node_id", node.hex()).set("address", view.address).set("inbound", view.inbound);
  value.set("features", names_of(view.features));
  work.reply(request, std::move(value));
}

namespace {
void answer(Work& work, RequestId request, const command::Connect& connect) {
  const auto& node = connect.node_id;
  if (!crypto::is_valid(node))
    return work.refuse(request, CommandErrorCode::BadRequest, "node_id: expected a valid point, not " + node.hex());
  if (node == work.context.signer.node_id())
    return work.refuse(request, CommandErrorCode::BadRequest, "node_id: this is the node itself");
  auto& known = work.state.known[node];
  known.paused = false;
  if (connect.address) remember(known, {*connect.address});
  if (work.state.ready.contains(node)) {
    reply_connected(work, request, node);
    return forget_if_useless(work, node);
  }
  if (addresses_of(work, node, known).empty()) {
    work.refuse(request, CommandErrorCode::NotFound,
                "peer: no address of " + node.hex() + " is known: expected <node_id>@<host>:<port>");
    return forget_if_useless(work, node);
  }
  known.requests.push_back(request);
  if (!known.dialling) dial(work, node, known);
}

void answer(Work& work, RequestId request, const command::Disconnect& disconnect) {
  const auto& node = disconnect.node_id;
  auto it = work.state.known.find(node);
  bool connected = work.state.ready.contains(node);
  if (!connected && it == work.state.known.end())
    return work.refuse(request, CommandErrorCode::NotFound, "node_id: no such peer: " + node.hex());
  auto& known = work.state.known[node];
  known.paused = true;
  set_next(work, node, known, std::nullopt);
  if (std::exchange(known.keep, false)) store(work, node, known);
  for (auto waiting : std::exchange(known.requests, {}))
    work.refuse(waiting, CommandErrorCode::Refused, "disconnected by another command");
  if (connected) close(work, work.state.ready.at(node), "the user asked for it", true);
  work.reply(request, Value().set("node_id", node.hex()).set("was_connected", connected));
}

void answer(Work& work, RequestId request, const command::ListPeers&) {
  std::set<NodeId> nodes;
  for (const auto& [node, view] : work.state.views) nodes.insert(node);
  for (const auto& [node, known] : work.state.known) nodes.insert(node);
  List list;
  for (const auto& node : nodes) {
    Value peer;
    auto view = work.state.views.find(node);
    peer.set("node_id", node.hex()).set("connected", view != work.state.views.end());
    if (view != work.state.views.end()) {
      peer.set("address", view->second.address).set("inbound", view->second.inbound);
      peer.set("connected_since", time_text(view->second.connected_since));
      peer.set("features", names_of(view->second.features));
    }
    if (auto known = work.state.known.find(node); known != work.state.known.end()) {
      peer.set("reconnect", known->second.keep);
      List addresses;
      for (const auto& address : known->second.addresses) addresses.emplace_back(wire::to_text(address));
      peer.set("known_addresses", std::move(addresses));
      if (view == work.state.views.end() && !known->second.last_failure.empty())
        peer.set("last_failure", known->second.last_failure);
    }
    list.push_back(std::move(peer));
  }
  work.reply(request, Value().set("peers", std::move(list)));
}
}  // namespace

void hear(Work& work, const CommandReceived& in) {
  std::visit(
      [&]<class C>(const C& command) {
        if constexpr (PeerCommand<C>) answer(work, in.request, command);
      },
      in.command);
}

}  // namespace doze::peer
