// Our own messages: to whom, over whom, and what became of them.
#include <algorithm>

#include "graph/pathfind.h"
#include "onion_message/inside.h"

namespace doze::onion_message {

void Work::report(std::uint64_t tag, OnionMessageFate fate) {
  if (tag != 0) say(OnionMessageOutcome{tag, fate});
}

std::optional<NodeId> Work::resolve(const wire::IntroductionNode& introduction) const {
  if (auto known = context_.views.graph.resolve(introduction)) return known;
  const auto* named = std::get_if<wire::ScidDir>(&introduction);
  const auto* channel = named == nullptr ? nullptr : context_.views.channel_by_scid(named->scid);
  if (channel == nullptr) return std::nullopt;
  const auto& us = context_.signer.node_id();
  return named->direction == 0 ? std::min(us, channel->peer) : std::max(us, channel->peer);
}

std::optional<NodeId> Work::resolve(const onion::NextNode& next) const {
  if (const auto* node = std::get_if<NodeId>(&next)) return *node;
  const auto* channel = context_.views.channel_by_scid(std::get<ShortChannelId>(next));
  return channel == nullptr ? std::nullopt : std::optional(channel->peer);
}

std::set<NodeId> Work::relaying_peers() const {
  std::set<NodeId> out;
  for (const auto& [node, view] : context_.views.peers)
    if (view.onion_messages()) out.insert(node);
  return out;
}

namespace {
/// The path behind our own first hop. `mine`: what that hop says to us.
struct Rest {
  onion::RecipientData mine;
  wire::BlindedPath path;  // without hops if ours was the last; its introduction is filled in by the caller
};
std::optional<Rest> take_own_hop(wire::BlindedPath path, const Signer& signer) {
  auto open = onion::unblind(path.first_path_key, path.path.front().encrypted_recipient_data,
                             [&](const PublicKey& point) { return signer.node_ecdh(point); });
  if (!open) return std::nullopt;
  auto data = onion::decode_recipient_data(open->data);
  if (!data) return std::nullopt;
  path.first_path_key = open->next_path_key(*data);
  path.path.erase(path.path.begin());
  return Rest{*std::move(data), std::move(path)};
}
}  // namespace

void Work::on(const SendOnionMessage& in) {
  auto undeliverable = [&] { report(in.tag, OnionMessageFate::Undeliverable); };
  std::optional<wire::BlindedPath> path;
  if (const auto* node = std::get_if<NodeId>(&in.destination))
    path = onion::path_to_node(fresh_key(context_.rng), *node);
  else
    path = std::get<wire::BlindedPath>(in.destination);
  if (!path || path->path.empty()) return undeliverable();
  auto introduction = resolve(path->first_node_id);
  bool ours = false;
  for (std::size_t layer = 0; introduction == context_.signer.node_id(); ++layer) {
    auto rest = layer < onion::kMaxOwnLayers ? take_own_hop(*path, context_.signer) : std::nullopt;
    if (!rest) return undeliverable();
    if (rest->path.path.empty()) {  // we talk to ourselves
      say(OnionMessageReceived{context_.signer.node_id(), rest->mine.path_id, in.reply_path, in.contents});
      return report(in.tag, OnionMessageFate::Confirmed);
    }
    ours = true;
    if (rest->mine.next_node_id)
      introduction = rest->mine.next_node_id;
    else if (rest->mine.short_channel_id)
      introduction = resolve(onion::NextNode(*rest->mine.short_channel_id));
    else
      introduction.reset();
    path = std::move(rest->path);
    if (introduction) path->first_node_id = *introduction;
  }
  if (!introduction) return undeliverable();
  Waiting message{*introduction, *std::move(path), {in.contents, in.reply_path},
                  in.direct,     in.tag,           after_ms(context_.mono, kConnectWaitMs)};
  // Whoever asks for an invoice asks again, or has answered the request itself: an old one is no mail.
  bool mail = !std::holds_alternative<onion::InvoiceRequest>(in.contents);
  if (ours && mail && keeps_mail_for(*introduction) &&
      (sleeps(*introduction) || !context_.views.connected(*introduction))) {
    // We introduce this client: our mailbox is the one that the message must reach.
    auto built = build(message, {});
    if (!built || !park(*introduction, context_.signer.node_id(), *std::move(built))) return undeliverable();
    return report(in.tag, OnionMessageFate::Confirmed);
  }
  send_or_wait(std::move(message));
}

void Work::send_or_wait(Waiting message) {
  if (speaks_onion(message.introduction)) return send_direct(message);
  if (!message.direct && send_over_graph(message)) return;
  if (context_.views.connected(message.introduction) || !may_wait(message))
    return report(message.tag, OnionMessageFate::Undeliverable);
  say(WantPeer{message.introduction, {}, false});
  self_.waiting.push_back(std::move(message));
}

bool Work::may_wait(const Waiting& message) const {
  auto count = [&](auto&& counts) {
    return static_cast<std::size_t>(std::count_if(self_.waiting.begin(), self_.waiting.end(), counts));
  };
  if (self_.waiting.size() >= kMaxWaiting) return false;
  if (message.is_answer() && count([](const Waiting& other) { return other.is_answer(); }) >= kMaxWaitingAnswers)
    return false;
  return count([&](const Waiting& other) { return other.introduction == message.introduction; }) < kMaxWaitingForNode;
}

std::optional<wire::OnionMessage> Work::build(const Waiting& message, const std::vector<NodeId>& way) {
  return onion::build_message(fresh_key(context_.rng), fresh_key(context_.rng), way, message.introduction, message.path,
                              message.message);
}

void Work::send_direct(const Waiting& message) {
  auto built = build(message, {});
  if (!built) return report(message.tag, OnionMessageFate::Undeliverable);
  say(SendMessage{message.introduction, *std::move(built)});
  if (message.tag != 0) ping(message.introduction, Confirm{message.tag});
}

bool Work::send_over_graph(const Waiting& message) {
  auto way =
      graph::find_message_path(context_.views.graph, context_.signer.node_id(), relaying_peers(), message.introduction);
  if (!way || way->size() < 2) return false;
  auto first = way->front();
  way->pop_back();
  auto built = build(message, *way);
  if (!built) return false;
  say(SendMessage{first, *std::move(built)});
  report(message.tag, OnionMessageFate::Relayed);
  return true;
}

bool Work::send_over_graph(const Waiting& message, Searches& searches) {
  auto& left = message.is_answer() ? searches.answers : searches.own;
  if (left == 0 || searches.no_way.contains(message.introduction)) return false;
  --left;
  if (send_over_graph(message)) return true;
  searches.no_way.insert(message.introduction);
  return false;
}

/// A connection is there: what waits for this node leaves, and what may go over relays finds a way perhaps.
void Work::retry_waiting(const NodeId& ready) {
  Searches searches;
  for (auto& message : std::exchange(self_.waiting, {})) {
    if (message.introduction == ready) {
      if (speaks_onion(ready))
        send_direct(message);
      else
        report(message.tag, OnionMessageFate::Undeliverable);
    } else if (message.direct || !send_over_graph(message, searches)) {
      self_.waiting.push_back(std::move(message));
    }
  }
}

void Work::on(const PeerUnreachable& in) {
  Searches searches;
  for (auto& message : std::exchange(self_.waiting, {})) {
    if (message.introduction != in.node_id)
      self_.waiting.push_back(std::move(message));
    else if (send_over_graph(message, searches))
      continue;
    else if (relaying_peers().empty())  // just started: a peer that relays may be there in a moment
      self_.waiting.push_back(std::move(message)), self_.waiting.back().direct = false;
    else
      report(message.tag, OnionMessageFate::Undeliverable);
  }
}

void Work::waiting_deadlines() {
  Searches searches;
  for (auto& message : std::exchange(self_.waiting, {})) {
    if (message.until > context_.mono)
      self_.waiting.push_back(std::move(message));
    else if (!send_over_graph(message, searches))
      report(message.tag, OnionMessageFate::Undeliverable);
  }
}

}  // namespace doze::onion_message
