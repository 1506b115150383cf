#include "onion_message/sending.h"

#include <algorithm>

#include "effects/tags.h"
#include "onion_message/mailbox.h"
#include "onion_message/ways.h"
#include "paths/own_paths.h"

namespace doze::onion_message {

void report(Work& work, std::uint64_t tag, OnionMessageFate fate) {
  if (tag != 0) work.say(OnionMessageOutcome{tag, fate});
}

void ping(Work& work, const NodeId& node, Asked what) {
  auto token = make_tag(TagOwner::OnionMessage, work.state.next_token++);
  work.state.asked.emplace(std::pair(node, token), std::move(what));
  work.say(PingPeer{node, token});
}

std::optional<NodeId> resolve(const Work& work, const wire::IntroductionNode& introduction) {
  if (auto known = work.context.views.graph.resolve(introduction)) return known;
  const auto* named = std::get_if<wire::ScidDir>(&introduction);
  const auto* channel = named == nullptr ? nullptr : work.context.views.channel_by_scid(named->scid);
  if (channel == nullptr) return std::nullopt;
  const auto& us = work.context.signer.node_id();
  return named->direction == 0 ? std::min(us, channel->peer) : std::max(us, channel->peer);
}

std::optional<NodeId> resolve(const Work& work, const onion::NextNode& next) {
  if (const auto* node = std::get_if<NodeId>(&next)) return *node;
  const auto* channel = work.context.views.channel_by_scid(std::get<ShortChannelId>(next));
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

bool may_dial(const Work& work, const Waiting& message) {
  return work.context.config.role == Role::Server || (message.direct && work.context.config.dial_to_confirm);
}

void end_waiting(Work& work, const Waiting& message) {
  report(work, message.tag, message.relayed ? OnionMessageFate::Relayed : OnionMessageFate::Undeliverable);
}

bool may_wait(const Work& work, const Waiting& message) {
  auto count = [&](auto&& counts) {
    return static_cast<std::size_t>(std::count_if(work.state.waiting.begin(), work.state.waiting.end(), counts));
  };
  if (work.state.waiting.size() >= kMaxWaiting) return false;
  if (message.is_answer() && count([](const Waiting& other) { return other.is_answer(); }) >= kMaxWaitingAnswers)
    return false;
  return count([&](const Waiting& other) { return other.introduction == message.introduction; }) < kMaxWaitingForNode;
}

std::optional<wire::OnionMessage> build(Work& work, const Waiting& message, const std::vector<NodeId>& way) {
  return onion::build_message(fresh_key(work.context.rng), fresh_key(work.context.rng), way, message.introduction,
                              message.path, message.message);
}

/// Some nodes silently drop messages of peers without a channel, and still pong. Nodes that hold HTLCs keep
/// announcements.
void send_direct(Work& work, const Waiting& message) {
  auto built = build(work, message, {});
  if (!built) return report(work, message.tag, OnionMessageFate::Undeliverable);
  const auto& to = message.introduction;
  work.say(SendMessage{to, *std::move(built)});
  if (message.tag == 0) return;
  const auto& peer = work.context.views.peers.at(to);
  bool proves = has_channel_with(work, to) || peer.holds(Profile::Ldk) || peer.holds(Profile::Draft);
  if (proves)
    ping(work, to, Confirm{message.tag});
  else
    report(work, message.tag, OnionMessageFate::Relayed);
}

bool send_relayed(Work& work, const Waiting& message) {
  auto way = way_over_graph(work, message.introduction);
  if (way.empty()) way = way_over_lsp(work, message);
  if (way.size() < 2) return false;
  auto first = way.front();
  way.pop_back();
  auto built = build(work, message, way);
  if (!built) return false;
  work.say(SendMessage{first, *std::move(built)});
  return true;
}

/// A node without a channel with us may drop our messages: announcements use both routes, all others alternate.
void send_or_wait(Work& work, Waiting message) {
  if (speaks_onion(work, message.introduction)) {
    bool trusted = has_channel_with(work, message.introduction);
    bool takes_turns = !trusted && !message.direct && message.attempt % 2 == 1;
    if (takes_turns && send_relayed(work, message)) return report(work, message.tag, OnionMessageFate::Relayed);
    send_direct(work, message);
    if (!trusted && message.direct) (void)send_relayed(work, message);
    return;
  }
  message.relayed = send_relayed(work, message);
  bool is_done = message.relayed && !(message.direct && may_dial(work, message));
  if (is_done) return report(work, message.tag, OnionMessageFate::Relayed);
  if (work.context.views.connected(message.introduction) || !may_wait(work, message)) return end_waiting(work, message);
  if (may_dial(work, message)) work.say(WantPeer{message.introduction, {}, false});
  work.state.waiting.push_back(std::move(message));
}
}  // namespace

void hear(Work& work, const SendOnionMessage& in) {
  auto undeliverable = [&] { report(work, in.tag, OnionMessageFate::Undeliverable); };
  std::optional<wire::BlindedPath> path;
  if (const auto* node = std::get_if<NodeId>(&in.destination))
    path = onion::path_to_node(fresh_key(work.context.rng), *node);
  else
    path = std::get<wire::BlindedPath>(in.destination);
  if (!path || path->path.empty()) return undeliverable();
  auto introduction = resolve(work, path->first_node_id);
  bool ours = false;
  for (std::size_t layer = 0; introduction == work.context.signer.node_id(); ++layer) {
    auto rest = layer < onion::kMaxOwnLayers ? take_own_hop(*path, work.context.signer) : std::nullopt;
    if (!rest) return undeliverable();
    if (rest->path.path.empty()) {  // the message is for ourselves
      work.say(OnionMessageReceived{work.context.signer.node_id(), rest->mine.path_id, in.reply_path, in.contents});
      return report(work, in.tag, OnionMessageFate::Confirmed);
    }
    ours = true;
    if (rest->mine.next_node_id)
      introduction = rest->mine.next_node_id;
    else if (rest->mine.short_channel_id)
      introduction = resolve(work, onion::NextNode(*rest->mine.short_channel_id));
    else
      introduction.reset();
    path = std::move(rest->path);
    if (introduction) path->first_node_id = *introduction;
  }
  if (!introduction) return undeliverable();
  Waiting message{*introduction,
                  *std::move(path),
                  {in.contents, in.reply_path},
                  in.direct,
                  in.tag,
                  in.attempt,
                  after_ms(work.context.mono, kConnectWaitMs)};
  // A node that asks for an invoice repeats its request, so an old request is not kept as mail.
  bool mail = !std::holds_alternative<onion::InvoiceRequest>(in.contents);
  if (ours && mail && keeps_mail_for(work, *introduction) &&
      (sleeps(work, *introduction) || !work.context.views.connected(*introduction))) {
    // We introduce this client: our mailbox is the one that the message must reach.
    auto built = build(work, message, {});
    if (!built || !park(work, *introduction, work.context.signer.node_id(), *std::move(built))) return undeliverable();
    return report(work, in.tag, OnionMessageFate::Confirmed);
  }
  send_or_wait(work, std::move(message));
}

/// A peer has connected: sends the messages that wait for it, and tries again those that may use relays.
void retry_waiting(Work& work, const NodeId& ready) {
  for (auto& message : std::exchange(work.state.waiting, {})) {
    if (message.introduction == ready) {
      if (speaks_onion(work, ready))
        send_direct(work, message);
      else
        end_waiting(work, message);
      continue;
    }
    message.relayed = message.relayed || send_relayed(work, message);
    if (message.relayed && !(message.direct && may_dial(work, message)))
      end_waiting(work, message);
    else
      work.state.waiting.push_back(std::move(message));
  }
}

void hear(Work& work, const PeerUnreachable& in) {
  std::erase_if(work.state.onward, [&](const Onward& onward) { return onward.next == in.node_id; });
  for (auto& message : std::exchange(work.state.waiting, {})) {
    if (message.introduction != in.node_id) {
      work.state.waiting.push_back(std::move(message));
      continue;
    }
    message.relayed = message.relayed || send_relayed(work, message);
    if (!message.relayed &&
        relaying_peers(work, false).empty())  // just started: a relaying peer may connect in a moment
      work.state.waiting.push_back(std::move(message)), work.state.waiting.back().direct = false;
    else
      end_waiting(work, message);
  }
}

void waiting_deadlines(Work& work) {
  std::erase_if(work.state.onward, [&](const Onward& onward) { return onward.until <= work.context.mono; });
  for (auto& message : std::exchange(work.state.waiting, {})) {
    if (message.until > work.context.mono) {
      work.state.waiting.push_back(std::move(message));
      continue;
    }
    message.relayed = message.relayed || send_relayed(work, message);
    end_waiting(work, message);
  }
}

}  // namespace doze::onion_message
