// A peer room with hand-made surroundings, and a wire between two of them.
#pragma once

#include <gtest/gtest.h>

#include <deque>

#include "effects/test/surroundings.h"
#include "peer/peers.h"
#include "transport/noise.h"

namespace doze::peer::testing {

using namespace doze::test;  // NOLINT

struct FakeNode : test::Surroundings {
  using Surroundings::Surroundings;
  Peers room;

  /// The effects of this step alone.
  Effects step(const Input& input) {
    auto effects = tell(input);
    std::ranges::move(tell(EndOfStep{}), std::back_inserter(effects));
    return effects;
  }
  /// The same, but the step goes on.
  Effects tell(const Input& input) {
    auto transition = peer::step(std::move(room), input, context());
    room = std::move(transition.next);
    peers = doze::peer::views(room);
    note(transition.effects);
    return std::move(transition.effects);
  }
  /// The process ends and starts again from its rows.
  void restart() {
    auto loaded = load(stored());
    ASSERT_TRUE(loaded.has_value());
    room = *std::move(loaded);
    said.clear();
    step(Started{});
  }
  /// Goes to the next deadline and says that it has come.
  Effects next_deadline() {
    pass_to(deadline(room));
    return step(DeadlineReached{});
  }
  void add_channel(const NodeId& peer) {
    ChannelView channel;
    channel.channel_id = convert<ChannelId>(PaymentId::from_hex_or_die(std::string(64, 'c')));
    channel.peer = peer;
    channel.phase = ChannelPhase::Normal;
    channels.emplace(channel.channel_id, channel);
  }
};

/// Two nodes and the bytes between them. Both ends of a connection have the same number.
struct Wire {
  FakeNode &a, &b;

  void connect(ConnectionId id, FakeNode& dialler) {
    FakeNode& other = &dialler == &a ? b : a;
    perform(other, other.step(PeerConnected{id, std::nullopt, "198.51.100.1:1234"}));
    perform(dialler, dialler.step(PeerConnected{id, other.id, "198.51.100.2:9735"}));
  }
  void perform(FakeNode& from, const Effects& effects) {
    FakeNode& to = &from == &a ? b : a;
    for (const auto& effect : effects) {
      if (const auto* write = std::get_if<WriteBytes>(&effect))
        under_way.push_back({&to, BytesReceived{write->connection, write->bytes}});
      if (const auto* hangup = std::get_if<Hangup>(&effect))
        under_way.push_back({&to, PeerDisconnected{hangup->connection}});
    }
  }
  /// Until nothing is under way.
  void settle() {
    while (!under_way.empty()) deliver_one();
  }
  void deliver_one() {
    auto [to, input] = under_way.front();
    under_way.pop_front();
    perform(*to, to->step(input));
  }
  void step(FakeNode& node, const Input& input) {
    perform(node, node.step(input));
    settle();
  }
  std::deque<std::pair<FakeNode*, Input>> under_way;
};

/// A peer that follows a script: it has done its handshake and says what the test wants.
class Scripted {
 public:
  Scripted(FakeNode& node, ConnectionId id, std::uint8_t seed = 77, const std::string& address = "198.51.100.7:7")
      : Scripted(node, id, Bytes(64, seed), address) {}
  Scripted(FakeNode& node, ConnectionId id, ByteView seed, const std::string& address)
      : node_(node),
        id_(id),
        signer_(make_seed_signer(to_bytes(seed), wire::Network::Regtest)),
        noise_(transport_to(node, seed[0])) {
    take(node_.step(PeerConnected{id_, std::nullopt, address}));
    pump();
    pump();
  }
  [[nodiscard]] const NodeId& node_id() const { return signer_->node_id(); }
  [[nodiscard]] ConnectionId connection() const { return id_; }
  void say(const wire::Message& message) { say_bytes(wire::encode(message)); }
  void say_bytes(ByteView bytes) {
    noise_.send(bytes);
    pump();
  }
  /// The bytes of a message that has not left yet.
  Bytes frame(const wire::Message& message) {
    noise_.send(wire::encode(message));
    return noise_.take_output();
  }
  void say_init(wire::FeatureBits features = {wire::kOnionMessages + 1}) {
    say(wire::Init{std::move(features), {{wire::chain_hash(wire::Network::Regtest)}}, std::nullopt});
  }
  void pump() {
    auto out = noise_.take_output();
    if (!out.empty()) take(node_.step(BytesReceived{id_, out}));
  }
  /// What the node said: give it the effects of steps made elsewhere.
  void take(const Effects& effects) {
    for (const auto& effect : effects) {
      if (const auto* hangup = std::get_if<Hangup>(&effect); hangup != nullptr && hangup->connection == id_)
        closed = true;
      const auto* write = std::get_if<WriteBytes>(&effect);
      if (write == nullptr || write->connection != id_) continue;
      ASSERT_TRUE(noise_.feed(write->bytes).has_value());
      for (const auto& bytes : noise_.take_messages()) {
        auto message = wire::decode(bytes);
        ASSERT_TRUE(message.has_value());
        heard.push_back(*std::move(message));
      }
    }
  }
  template <class M>
  [[nodiscard]] std::vector<M> all() const {
    std::vector<M> out;
    for (const auto& message : heard)
      if (const auto* one = std::get_if<M>(&message)) out.push_back(*one);
    return out;
  }
  bool closed = false;
  std::vector<wire::Message> heard;

 private:
  transport::Transport transport_to(FakeNode& node, std::uint8_t seed) {
    auto* signer = signer_.get();
    return transport::Transport::initiator(
        node.id, signer->node_id(), [signer](const PublicKey& point) { return signer->node_ecdh(point); },
        PrivateKey(std::array<std::uint8_t, 32>{seed, 1}));
  }
  FakeNode& node_;
  ConnectionId id_;
  std::unique_ptr<Signer> signer_;
  transport::Transport noise_;
};

/// A stranger with a key of its own for each number.
inline std::unique_ptr<Scripted> stranger(FakeNode& node, ConnectionId id,
                                          const std::string& address = "198.51.100.7:7") {
  Bytes seed(64, 5);
  for (std::size_t i = 0; i < 8; ++i) seed[i] = static_cast<std::uint8_t>(id >> (8 * i));
  auto out = std::make_unique<Scripted>(node, id, seed, address);
  out->say_init();
  return out;
}

inline wire::NetworkAddress address(std::uint8_t last) {
  return {wire::Ipv4{198, 51, 100, last}, 9735};
}

}  // namespace doze::peer::testing
