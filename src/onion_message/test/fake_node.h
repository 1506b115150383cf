// Onion message rooms with hand-made surroundings, and a mesh that carries their words between them.
#pragma once

#include <gtest/gtest.h>

#include <deque>

#include "crypto/crypto.h"
#include "effects/features.h"
#include "effects/limits.h"
#include "effects/own_paths.h"
#include "effects/seed_signer.h"
#include "effects/tags.h"
#include "onion/onion_message.h"
#include "onion/release_path.h"
#include "onion_message/onion_messages.h"

namespace doze::onion_message::testing {

class CountingRng final : public Rng {
 public:
  explicit CountingRng(std::uint8_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<std::uint8_t>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

struct FakeNode {
  explicit FakeNode(std::uint8_t seed, Role role = Role::Client)
      : signer(make_seed_signer(Bytes(64, seed), wire::Network::Regtest)), rng(seed), id(signer->node_id()) {
    config.role = role;
  }

  std::unique_ptr<Signer> signer;
  CountingRng rng;
  NodeId id;
  Config config;
  ParallelMap parallel;
  graph::Graph graph;
  std::map<ChannelId, ChannelView> channels;
  std::map<NodeId, PeerView> peers;
  std::map<ChannelId, PolicyPair> policies;
  std::map<OfferId, OfferView> offers;
  std::set<NodeId> invited;
  MonoTime mono{1'000'000};
  UnixTime wall{1'700'000'000};
  OnionMessages room;
  std::map<Bytes, Bytes> rows;
  Effects said;  // everything since the last clear()

  Effects step(const Input& input) {
    Views world{graph, channels, peers, policies, offers, invited};
    Context context{mono, wall, BlockHeight(100), rng, config, world, *signer, parallel};
    auto transition = onion_message::step(std::move(room), input, context);
    room = std::move(transition.next);
    for (const auto& effect : transition.effects) {
      said.push_back(effect);
      if (const auto* put = std::get_if<Put>(&effect)) rows[put->key] = put->value;
      if (const auto* erase = std::get_if<doze::Erase>(&effect)) rows.erase(erase->key);
    }
    return std::move(transition.effects);
  }
  void restart() {
    std::vector<Row> stored;
    for (const auto& [key, value] : rows) stored.push_back({Table::Mailbox, key, value});
    auto loaded = load(stored);
    ASSERT_TRUE(loaded.has_value());
    room = *std::move(loaded);
    peers.clear();
    for (auto& [id, channel] : channels) channel.usable = false;
    said.clear();
    step(Started{});
  }
  Effects next_deadline() {
    auto at = deadline(room);
    LN_ASSERT(at.has_value());
    mono = std::max(mono, *at);
    return step(DeadlineReached{});
  }
  void see(const NodeId& peer, wire::FeatureBits features = {wire::kOnionMessages + 1}) {
    peers.insert_or_assign(peer, PeerView{peer, std::move(features), "x", false, wall});
  }
  Effects ready(const NodeId& peer, wire::FeatureBits features = {wire::kOnionMessages + 1}) {
    see(peer, std::move(features));
    return step(PeerReady{peer});
  }
  Effects gone(const NodeId& peer) {
    peers.erase(peer);
    for (auto& [id, channel] : channels)
      if (channel.peer == peer) channel.usable = false;
    return step(PeerGone{peer});
  }
  ChannelView& add_channel(const NodeId& peer, ShortChannelId alias, bool announced = false) {
    ChannelView channel;
    channel.channel_id.bytes = crypto::sha256(peer.view()).bytes;
    channel.peer = peer;
    channel.phase = ChannelPhase::Normal;
    channel.announced = announced;
    channel.local_alias = alias;
    return channels.insert_or_assign(channel.channel_id, channel).first->second;
  }
  template <class E>
  [[nodiscard]] std::vector<E> all() const {
    return of<E>(said);
  }
  template <class E>
  static std::vector<E> of(const Effects& effects) {
    std::vector<E> out;
    for (const auto& effect : effects)
      if (const auto* one = std::get_if<E>(&effect)) out.push_back(*one);
    return out;
  }
  /// The pongs for these pings come.
  void answer(const Effects& effects) {
    for (const auto& ping : of<PingPeer>(effects)) step(PongReceived{ping.node_id, ping.token});
  }
};

/// The words of `effects` in order, as a test wants to read them: "gossip", "ping", "mail", "awake", "erase", "put".
inline std::string story(const Effects& effects) {
  std::string out;
  for (const auto& effect : effects) {
    const char* word =
        std::visit(Overloaded{[](const SendOurGossip&) { return "gossip"; }, [](const PingPeer&) { return "ping"; },
                              [](const SendMessage&) { return "mail"; }, [](const ClientAwake&) { return "awake"; },
                              [](const doze::Erase&) { return "erase"; }, [](const Put&) { return "put"; },
                              [](const auto&) { return ""; }},
                   effect);
    if (*word != '\0') out += (out.empty() ? "" : " ") + std::string(word);
  }
  return out;
}

/// A small invoice_request, told apart by `which`.
inline onion::MessageContents contents(std::uint8_t which, std::size_t size = 10) {
  return onion::InvoiceRequest{Bytes(size, which)};
}
inline std::uint8_t which(const onion::MessageContents& contents) {
  if (const auto* invoice = std::get_if<onion::Invoice>(&contents)) return invoice->bytes.at(0);
  return std::get<onion::InvoiceRequest>(contents).bytes.at(0);
}

}  // namespace doze::onion_message::testing
