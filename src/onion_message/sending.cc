// Our own messages: their recipients, their routes, and their fate.
#include <algorithm>

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

namespace {
/// The path after our own first hop. `mine`: the contents of that hop for us.
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
    if (rest->path.path.empty()) {  // the message is for ourselves
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
  Waiting message{*introduction, *std::move(path), {in.contents, in.reply_path},           in.direct,
                  in.tag,        in.attempt,       after_ms(context_.mono, kConnectWaitMs)};
  // A node that asks for an invoice repeats its request, so an old request is not kept as mail.
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

bool Work::may_dial(const Waiting& message) const {
  return context_.config.role == Role::Server || (message.direct && context_.config.dial_to_confirm);
}

/// A node without a channel with us may drop our messages: announcements use both routes, all others alternate.
void Work::send_or_wait(Waiting message) {
  if (speaks_onion(message.introduction)) {
    bool trusted = has_channel_with(message.introduction);
    bool takes_turns = !trusted && !message.direct && message.attempt % 2 == 1;
    if (takes_turns && send_relayed(message)) return report(message.tag, OnionMessageFate::Relayed);
    send_direct(message);
    if (!trusted && message.direct) (void)send_relayed(message);
    return;
  }
  message.relayed = send_relayed(message);
  bool is_done = message.relayed && !(message.direct && may_dial(message));
  if (is_done) return report(message.tag, OnionMessageFate::Relayed);
  if (context_.views.connected(message.introduction) || !may_wait(message)) return end_waiting(message);
  if (may_dial(message)) say(WantPeer{message.introduction, {}, false});
  self_.waiting.push_back(std::move(message));
}

void Work::end_waiting(const Waiting& message) {
  report(message.tag, message.relayed ? OnionMessageFate::Relayed : OnionMessageFate::Undeliverable);
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

/// Some nodes silently drop messages of peers without a channel, and still pong. Nodes that hold HTLCs keep
/// announcements.
void Work::send_direct(const Waiting& message) {
  auto built = build(message, {});
  if (!built) return report(message.tag, OnionMessageFate::Undeliverable);
  const auto& to = message.introduction;
  say(SendMessage{to, *std::move(built)});
  if (message.tag == 0) return;
  const auto& peer = context_.views.peers.at(to);
  bool proves = has_channel_with(to) || peer.holds(Profile::Ldk) || peer.holds(Profile::Draft);
  if (proves)
    ping(to, Confirm{message.tag});
  else
    report(message.tag, OnionMessageFate::Relayed);
}

bool Work::send_relayed(const Waiting& message) {
  auto way = way_over_graph(message.introduction);
  if (way.empty()) way = way_over_lsp(message);
  if (way.size() < 2) return false;
  auto first = way.front();
  way.pop_back();
  auto built = build(message, way);
  if (!built) return false;
  say(SendMessage{first, *std::move(built)});
  return true;
}

/// A peer has connected: sends the messages that wait for it, and tries again those that may use relays.
void Work::retry_waiting(const NodeId& ready) {
  for (auto& message : std::exchange(self_.waiting, {})) {
    if (message.introduction == ready) {
      if (speaks_onion(ready))
        send_direct(message);
      else
        end_waiting(message);
      continue;
    }
    message.relayed = message.relayed || send_relayed(message);
    if (message.relayed && !(message.direct && may_dial(message)))
      end_waiting(message);
    else
      self_.waiting.push_back(std::move(message));
  }
}

void Work::on(const PeerUnreachable& in) {
  std::erase_if(self_.onward, [&](const Onward& onward) { return onward.next == in.node_id; });
  for (auto& message : std::exchange(self_.waiting, {})) {
    if (message.introduction != in.node_id) {
      self_.waiting.push_back(std::move(message));
      continue;
    }
    message.relayed = message.relayed || send_relayed(message);
    if (!message.relayed && relaying_peers(false).empty())  // just started: a relaying peer may connect in a moment
      self_.waiting.push_back(std::move(message)), self_.waiting.back().direct = false;
    else
      end_waiting(message);
  }
}

void Work::waiting_deadlines() {
  std::erase_if(self_.onward, [&](const Onward& onward) { return onward.until <= context_.mono; });
  for (auto& message : std::exchange(self_.waiting, {})) {
    if (message.until > context_.mono) {
      self_.waiting.push_back(std::move(message));
      continue;
    }
    message.relayed = message.relayed || send_relayed(message);
    end_waiting(message);
  }
}

}  // namespace doze::onion_message
