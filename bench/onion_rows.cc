// Onion messages, payment onions, blinded paths, the handshake.
#include <algorithm>

#include "bench.h"
#include "crypto/crypto.h"
#include "floor.h"
#include "link.h"
#include "onion/htlc_onion.h"
#include "onion/onion_message.h"
#include "onion/own_path.h"
#include "onion/payment_onion.h"
#include "onion_message/onion_messages.h"

namespace bench {

namespace {

constexpr std::size_t operations(const Options& options) {
  return options.quick ? 2 : 48;
}

floor::Key key_of(const PublicKey& key) {
  return key.bytes;
}

// ---- onion messages ----

struct Message {
  wire::OnionMessage message;
  Bytes frame;  // as it comes over the connection, or the message itself
};

/// Messages from A through us to B, or to us.
struct Messages {
  BenchNode us{1, Role::Server}, a{2, Role::Server}, b{3, Role::Server};
  Link from_a{us, a}, to_b{b, us};
  onion_message::OnionMessages room;
  std::vector<Message> inputs;
  bool to_us, large;
  // the floor's
  floor::Block node_key = floor::scalar(1), frame_key = floor::scalar(2);
  floor::Buffer payloads, recipient_data, frame;

  Messages(bool final_hop, bool large_packet, std::size_t peers) : to_us(final_hop), large(large_packet) {
    us.see(a.id);
    us.see(b.id);
    while (us.peers.size() < peers) us.see(a.rng.id<NodeId>());
    payloads.resize(large ? onion::kLargeMessagePayloads : onion::kPaymentPayloads);
    recipient_data = floor::sealed(frame_key, to_us ? 37 : 35);
    frame = floor::sealed(frame_key, 2 + 33 + 2 + onion::kPacketOverhead + payloads.size());
  }
  void fresh(std::size_t count) {
    inputs.clear();
    for (std::size_t i = 0; i < count; ++i) {
      auto path_id = seal(*us.signer, PathPurpose::Offer, Bytes(16, 7));
      auto path = to_us ? onion::path_to_self(fresh_key(a.rng), us.id, path_id)
                        : onion::path_through_peer(fresh_key(a.rng), us.id, b.id, path_id);
      onion::FinalMessage contents{onion::InvoiceRequest{Bytes(large ? 2'000 : 400, 5)}, std::nullopt};
      auto message = onion::build_message(fresh_key(a.rng), fresh_key(a.rng), {}, us.id, *path, contents);
      must(message.has_value(), "no onion message");
      auto bytes = wire::encode(*message);
      inputs.push_back({*message, to_us ? bytes : from_a.far_sends(bytes)});
    }
  }
  Effects hear(const Bytes& bytes) {
    auto decoded = wire::decode(bytes);
    must(decoded.has_value(), "an onion message does not parse");
    us.mono = after_ms(us.mono, 2'000);
    auto next = onion_message::step(std::move(room), MessageReceived{a.id, *std::move(decoded)}, us.context());
    room = std::move(next.next);
    must(next.effects.size() == 1, "one effect expected");
    return std::move(next.effects);
  }
  void forward(std::size_t i) {
    for (auto& bytes : from_a.near_receives(inputs[i].frame)) {
      auto effects = hear(bytes);
      auto* sent = std::get_if<SendMessage>(&effects[0]);
      must(sent != nullptr && sent->node_id == b.id, "not forwarded");
      (void)to_b.far_sends(wire::encode(sent->message));
    }
  }
  void receive(std::size_t i) {
    auto effects = hear(inputs[i].frame);
    auto* word = std::get_if<OnionMessageReceived>(&effects[0]);
    must(word != nullptr && open(*us.signer, PathPurpose::Offer, *word->path_id).has_value(), "not received");
  }
  void floor(std::size_t i) {
    const auto& message = inputs[i].message;
    std::array<std::uint8_t, 64> small;
    if (!to_us) {
      static const auto kHeader = floor::sealed(frame_key, 2);
      (void)floor::open(frame_key, small.data(), kHeader);
      (void)floor::open(frame_key, frame_out.data(), frame);
    }
    auto tweaked = floor::unblind(message.path_key.bytes.data(), node_key, frame_key, recipient_data, !to_us);
    (void)floor::peel(message.onion_message_packet.data() + 1, tweaked, payloads, 54, !to_us);
    if (to_us) {
      (void)floor::hmac(floor::hmac(node_key, small.data(), 12), small.data(), 17);
    } else {
      floor::seal(frame_key, small.data(), small.data() + 32, 2);
      floor::seal(frame_key, frame_out.data(), frame.data(), frame.size() - 16);
    }
  }
  floor::Buffer frame_out = floor::Buffer(40'000);
};

Row message_row(const char* name, double goal, bool to_us, bool large, std::size_t peers = 2) {
  return {name,
          goal,
          [=](const Options& options) {
            auto state = std::make_shared<Messages>(to_us, large, peers);
            Sides out;
            out.operations = operations(options);
            out.fresh = [=, count = out.operations] { state->fresh(count); };
            out.floor = [=](std::size_t i) { state->floor(i); };
            out.ours = [=](std::size_t i) { to_us ? state->receive(i) : state->forward(i); };
            return out;
          },
          false,
          to_us || large ? "" : "om_forward",
          peers,
          Growth::Constant};
}

// ---- payment onions ----

struct Payments {
  BenchNode us{1, Role::Server}, b{3, Role::Server};
  bool blinded;
  std::vector<Bytes> inputs;  // update_add_htlc
  std::vector<wire::UpdateAddHtlc> parsed;
  floor::Block node_key = floor::scalar(1), data_key = floor::scalar(2);
  floor::Buffer payloads = floor::Buffer(onion::kPaymentPayloads), recipient_data;

  explicit Payments(bool through_path_key) : blinded(through_path_key) { recipient_data = floor::sealed(data_key, 30); }
  void fresh(std::size_t count) {
    inputs.clear();
    parsed.clear();
    for (std::size_t i = 0; i < count; ++i) {
      wire::UpdateAddHtlc add;
      add.amount_msat = Msat(1'000'000);
      add.cltv_expiry = CltvExpiry(1000);
      add.payment_hash = us.rng.id<PaymentHash>();
      std::vector<onion::Hop> hops;
      if (blinded) {
        onion::RecipientData data;
        data.short_channel_id = ShortChannelId::of(1, 2, 3);
        data.payment_relay = onion::PaymentRelay{CltvDelta(72), 100, Msat(1000)};
        data.payment_constraints = onion::PaymentConstraints{CltvExpiry(2000), Msat(1)};
        auto path = onion::blind(fresh_key(us.rng), {{us.id, onion::encode(data)}, {b.id, Bytes(40)}});
        must(path.has_value(), "no path");
        add.path_key = path->first_path_key;
        for (const auto& hop : path->path)
          hops.push_back({hop.blinded_node_id, onion::with_length(onion::encode(onion::BlindedForwardPayload{
                                                   hop.encrypted_recipient_data, std::nullopt}))});
      } else {
        auto payload = onion::with_length(
            onion::encode(onion::ForwardPayload{Msat(990'000), CltvExpiry(900), ShortChannelId::of(1, 2, 3)}));
        hops = {{us.id, payload}, {b.id, payload}};
      }
      auto packet = onion::build_packet(fresh_key(us.rng), hops, add.payment_hash.view(), onion::kPaymentPayloads);
      must(packet.has_value(), "no packet");
      add.onion_routing_packet = *packet;
      inputs.push_back(wire::encode(add));
      parsed.push_back(std::move(add));
    }
  }
  void ours(std::size_t i) {
    auto message = wire::decode(inputs[i]);
    must(message.has_value(), "update_add_htlc does not parse");
    auto peeled = onion::peel_htlc(std::get<wire::UpdateAddHtlc>(*message), us.id, own_ecdh(*us.signer), us.tip);
    auto* forward = std::get_if<onion::PeeledForward>(&peeled);
    must(forward != nullptr, "not to be forwarded");
    wire::UpdateAddHtlc next;
    next.amount_msat = forward->amt_to_forward;
    next.cltv_expiry = forward->outgoing_cltv_value;
    next.onion_routing_packet = std::move(forward->next_onion);
    next.path_key = forward->next_path_key;
    (void)wire::encode(next);
  }
  void floor(std::size_t i) {
    const auto& add = parsed[i];
    auto key = node_key;
    if (blinded) key = floor::unblind(add.path_key->bytes.data(), node_key, data_key, recipient_data, true);
    (void)floor::peel(add.onion_routing_packet.data() + 1, key, payloads, blinded ? 50 : 20, true);
  }
};

Row peel_row(const char* name, double goal, bool blinded) {
  return {name, goal, [=](const Options& options) {
            auto state = std::make_shared<Payments>(blinded);
            Sides out;
            out.operations = operations(options);
            out.fresh = [=, count = out.operations] { state->fresh(count); };
            out.floor = [=](std::size_t i) { state->floor(i); };
            out.ours = [=](std::size_t i) { state->ours(i); };
            return out;
          }};
}

/// Three ordinary hops, then a blinded tail of one.
struct Building {
  SeededRng rng{5};
  std::size_t request_bytes;
  struct Input {
    PrivateKey session;
    std::vector<PublicKey> hops;
    Hash32 payment_hash;
    PublicKey path_key;
  };
  std::vector<Input> inputs;
  floor::Buffer payloads = floor::Buffer(onion::kPaymentPayloads);

  explicit Building(std::size_t invoice_request) : request_bytes(invoice_request) {}
  void fresh(std::size_t count) {
    inputs.clear();
    for (std::size_t i = 0; i < count; ++i) {
      Input input{fresh_key(rng), {}, rng.id<Hash32>(), crypto::public_key(fresh_key(rng))};
      for (int hop = 0; hop < 4; ++hop) input.hops.push_back(crypto::public_key(fresh_key(rng)));
      inputs.push_back(std::move(input));
    }
  }
  [[nodiscard]] std::vector<onion::Hop> hops_of(const Input& input) const {
    std::vector<onion::Hop> hops;
    for (std::size_t i = 0; i < 3; ++i)
      hops.push_back({input.hops[i], onion::with_length(onion::encode(onion::ForwardPayload{
                                         Msat(1'000'000), CltvExpiry(900), ShortChannelId::of(1, 2, 3)}))});
    onion::FinalPayload last;
    last.amt_to_forward = Msat(990'000);
    last.total_amount_msat = Msat(990'000);
    last.outgoing_cltv_value = CltvExpiry(800);
    last.encrypted_recipient_data = Bytes(80, 1);
    last.current_path_key = input.path_key;
    if (request_bytes != 0) last.invoice_request = Bytes(request_bytes, 2);
    hops.push_back({input.hops[3], onion::with_length(onion::encode(last))});
    return hops;
  }
  void ours(std::size_t i) {
    const auto& input = inputs[i];
    must(onion::build_packet(input.session, hops_of(input), input.payment_hash.view(), onion::kPaymentPayloads)
             .has_value(),
         "no packet");
  }
  void floor(std::size_t i) {
    std::vector<floor::Key> keys;
    for (const auto& hop : inputs[i].hops) keys.push_back(key_of(hop));
    floor::build(floor::scalar(i), keys, {20, 20, 20, 140 + request_bytes}, payloads);
  }
};

Row build_row(const char* name, std::size_t request_bytes) {
  return {name, 1.09, [=](const Options& options) {
            auto state = std::make_shared<Building>(request_bytes);
            Sides out;
            out.operations = operations(options);
            out.fresh = [=, count = out.operations] { state->fresh(count); };
            out.floor = [=](std::size_t i) { state->floor(i); };
            out.ours = [=](std::size_t i) { state->ours(i); };
            return out;
          }};
}

// ---- blinded paths ----

Row path_row(const char* name, std::size_t hops) {
  return {name,
          1.20,
          [=](const Options& options) {
            struct State {
              BenchNode us{1, Role::Client}, peer{2, Role::Server};
              Bytes path_id = Bytes(49, 3);
              floor::Block node_key = floor::scalar(1);
              secp256k1_pubkey peer_key = floor::parse(peer.id.bytes.data());
            };
            auto state = std::make_shared<State>();
            Sides out;
            out.operations = operations(options);
            out.floor = [=](std::size_t i) {
              floor::blind(floor::scalar(i), state->peer_key, state->node_key, hops - 1, 51);
            };
            out.ours = [=](std::size_t) {
              auto& us = state->us;
              auto key = fresh_key(us.rng);
              if (hops == 2) {
                must(onion::path_through_peer(key, state->peer.id, own_node(*us.signer), state->path_id).has_value(),
                     "no path");
                return;
              }
              // Dummy hops: to ourselves, again and again.
              onion::RecipientData relay;
              relay.next_node_id = us.id;
              std::vector<onion::BlindHop> path{{state->peer.id, onion::encode(relay)}};
              while (path.size() + 1 < hops) path.push_back({us.id, onion::encode(relay)});
              onion::RecipientData last;
              last.path_id = state->path_id;
              path.push_back({us.id, onion::encode(last)});
              must(onion::blind(key, path, own_node(*us.signer)).has_value(), "no path");
            };
            return out;
          },
          false,
          "bpath_build",
          hops,
          Growth::Linear};
}

// ---- BOLT 8 ----

Row noise_row() {
  return {"noise_accept", 1.05, [](const Options& options) {
            struct Input {
              PrivateKey ephemeral;
              Bytes act_one, act_three;
              PublicKey their_ephemeral, their_id;
            };
            struct State {
              BenchNode us{1, Role::Server};
              SeededRng rng{9};
              std::vector<Input> inputs;
              floor::Block node_key = floor::scalar(1);
              floor::Buffer empty = floor::sealed(node_key, 0), key = floor::sealed(node_key, 33);
            };
            auto state = std::make_shared<State>();
            Sides out;
            out.operations = operations(options);
            out.fresh = [=, count = out.operations] {
              state->inputs.clear();
              for (std::size_t i = 0; i < count; ++i) {
                BenchNode them(static_cast<std::uint8_t>(10 + i), Role::Client);
                auto theirs = fresh_key(state->rng);
                Input input{fresh_key(state->rng), {}, {}, crypto::public_key(theirs), them.id};
                auto initiator = transport::Transport::initiator(state->us.id, them.id, ecdh_of(them), theirs);
                auto responder = transport::Transport::responder(state->us.id, ecdh_of(state->us), input.ephemeral);
                input.act_one = initiator.take_output();
                must(responder.feed(input.act_one).has_value(), "act one");
                must(initiator.feed(responder.take_output()).has_value(), "act two");
                input.act_three = initiator.take_output();
                state->inputs.push_back(std::move(input));
              }
            };
            out.ours = [=](std::size_t i) {
              const auto& input = state->inputs[i];
              auto responder = transport::Transport::responder(state->us.id, ecdh_of(state->us), input.ephemeral);
              must(responder.feed(input.act_one).has_value(), "act one");
              auto act_two = responder.take_output();
              must(responder.feed(input.act_three).has_value() && responder.ready(), "act three");
              responder.send(Bytes(60));
              (void)responder.take_output();
            };
            out.floor = [=](std::size_t i) {
              const auto& input = state->inputs[i];
              std::array<std::uint8_t, 128> text{};
              floor::Block chaining_key{}, key{}, ephemeral = floor::scalar(i);
              auto hash = [&](std::size_t size) { (void)floor::sha256(text.data(), size); };
              for (auto size : {36U, 41U, 65U}) hash(size);  // the protocol, the prologue, our key
              auto theirs = floor::parse(input.their_ephemeral.bytes.data());
              hash(65);
              floor::hkdf(chaining_key, key, floor::ecdh(theirs, state->node_key));
              (void)floor::open(state->node_key, text.data(), state->empty);
              hash(48);
              (void)floor::save(floor::generator_times(ephemeral));
              hash(65);
              floor::hkdf(chaining_key, key, floor::ecdh(theirs, ephemeral));
              floor::seal(key, text.data(), text.data(), 0);
              hash(48);
              (void)floor::open(state->node_key, text.data(), state->key);
              hash(81);
              auto id = floor::parse(input.their_id.bytes.data());
              floor::hkdf(chaining_key, key, floor::ecdh(id, ephemeral));
              (void)floor::open(state->node_key, text.data(), state->empty);
              hash(48);
              floor::hkdf(chaining_key, key, floor::Block{});
              floor::seal(key, text.data(), text.data() + 64, 2);
              floor::seal(key, text.data(), text.data(), 60);
            };
            return out;
          }};
}

}  // namespace

std::vector<Row> onion_rows() {
  return {message_row("om_forward", 1.07, false, false),
          message_row("om_forward_10k_peers", 1.07, false, false, 10'000),
          message_row("om_forward_32k", 1.25, false, true),
          message_row("om_final", 1.08, true, false),
          peel_row("pay_peel", 1.06, false),
          peel_row("pay_peel_blinded", 1.10, true),
          build_row("pay_build_4", 0),
          build_row("pay_build_4_invreq", 402),
          path_row("bpath_build_2", 2),
          path_row("bpath_build_4", 4),
          path_row("bpath_build_5", 5),
          noise_row()};
}

}  // namespace bench
