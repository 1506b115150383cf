// Onion message rooms with hand-made surroundings, and a mesh that carries their words between them.
#pragma once

#include <gtest/gtest.h>

#include <deque>

#include "crypto/crypto.h"
#include "effects/features.h"
#include "effects/limits.h"
#include "effects/tags.h"
#include "effects/test/surroundings.h"
#include "onion/onion_message.h"
#include "onion/own_path.h"
#include "onion_message/onion_messages.h"
#include "paths/own_paths.h"

namespace doze::onion_message::testing {

using namespace doze::test;  // NOLINT

struct FakeNode : test::Surroundings {
  using Surroundings::Surroundings;
  OnionMessages room;
  bool answers_reads = true;
  std::deque<ReadRows> asked;  // if not: what waits for answer_reads

  Effects step(const Input& input) {
    auto transition = onion_message::step(std::move(room), input, context());
    room = std::move(transition.next);
    note(transition.effects);
    auto out = std::move(transition.effects);
    for (auto& wanted : of<ReadRows>(out)) asked.push_back(std::move(wanted));
    if (answers_reads)
      for (auto& effect : answer_reads()) out.push_back(std::move(effect));
    return out;
  }
  /// As the driver: after the commit, in the order of the questions.
  Effects answer_reads() {
    Effects out;
    while (!asked.empty()) {
      auto wanted = std::move(asked.front());
      asked.pop_front();
      for (auto& effect : step(read(wanted))) out.push_back(std::move(effect));
    }
    return out;
  }
  void restart() {
    auto loaded = load(stored());
    ASSERT_TRUE(loaded.has_value());
    room = *std::move(loaded);
    peers.clear();
    asked.clear();
    for (auto& [id, channel] : channels) channel.usable = false;
    said.clear();
    step(Started{});
  }
  Effects next_deadline() {
    pass_to(deadline(room));
    return step(DeadlineReached{});
  }
  void see(const NodeId& peer, wire::FeatureBits features = {wire::kOnionMessages + 1}) {
    Surroundings::see(peer, std::move(features));
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
