// Static invoices: made by the recipient, verified by the payer, handed out by the server.
#include "bench.h"
#include "crypto/crypto.h"
#include "floor.h"
#include "invoicing/records.h"
#include "link.h"
#include "offers/invoice_request.h"
#include "offers/static_invoice.h"
#include "onion/onion_message.h"
#include "onion/own_path.h"
#include "onion_message/onion_messages.h"
#include "wire/chains.h"

namespace bench {

namespace {

/// R, whose peers and channels are M and another one.
struct Recipient {
  BenchNode us{4, Role::Client};
  NodeId m = BenchNode(3, Role::Server).id, other = BenchNode(5, Role::Server).id;
  PrivateKey issuer = fresh_key(us.rng);

  Recipient() {
    for (const auto& peer : {m, other}) {
      us.see(peer);
      us.add_channel(peer, peer == m ? 3 : 4);
    }
  }
  offers::Offer offer(std::vector<wire::BlindedPath> paths) {
    offers::OfferTerms terms;
    terms.chains = {wire::chain_hash(wire::Network::Regtest)};
    terms.description = "coffee";
    terms.amount = Msat(50'000'000);
    terms.paths = std::move(paths);
    terms.issuer_id = crypto::public_key(issuer);
    auto made = offers::Offer::make(terms);
    must(made.has_value(), "no offer");
    return *made;
  }
  Bytes invoice(const offers::Offer& offer, std::size_t paths) {
    auto context = us.context();
    PaymentContext payment;
    payment.kind = PaymentContext::Kind::StaticInvoice;
    payment.offer_id = offer.id();
    offers::StaticInvoiceTerms terms;
    for (auto& path : payment_paths_to_self(context, seal(*us.signer, payment), paths, CltvExpiry(5'000), std::nullopt))
      terms.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
    terms.message_paths =
        message_paths_to_self(context, seal(*us.signer, PathPurpose::HeldHtlcAvailable, Bytes(8, 1)), paths);
    terms.created_at = us.wall;
    terms.node_key = issuer;
    auto made = offers::StaticInvoice::make(offer, terms);
    must(made.has_value() && made->payment_paths().size() == paths && made->message_paths().size() == paths,
         "no static invoice");
    return made->bytes();
  }
  wire::BlindedPath path() { return *onion::path_through_peer(fresh_key(us.rng), m, us.id, Bytes(40, 2)); }
};

constexpr std::size_t kRecords = 9;  // of such an invoice, without its signature

Row create_row(const char* name, std::size_t paths) {
  return {name, 1.20, [=](const Options& options) {
            struct State {
              Recipient recipient;
              offers::Offer offer = recipient.offer({recipient.path()});
              secp256k1_pubkey peer = floor::parse(recipient.m.bytes.data());
              floor::Block key = floor::scalar(1);
            };
            auto state = std::make_shared<State>();
            Sides out;
            out.operations = options.quick ? 2 : 24;
            out.ours = [=](std::size_t) { (void)state->recipient.invoice(state->offer, paths); };
            out.floor = [=](std::size_t i) {
              for (std::size_t path = 0; path < 2 * paths; ++path)
                floor::blind(floor::scalar(i), state->peer, state->key, 1, 60);
              (void)floor::schnorr_sign(floor::merkle(kRecords, 120), state->key);
            };
            return out;
          }};
}

Row verify_row(const char* name, double goal, offers::Checks checks) {
  return {name, goal, [=](const Options& options) {
            struct Input {
              offers::Offer offer;
              Bytes invoice;
            };
            struct State {
              Recipient recipient;
              std::vector<Input> inputs;
            };
            auto state = std::make_shared<State>();
            Sides out;
            out.operations = options.quick ? 2 : 24;
            out.fresh = [=, count = out.operations] {
              auto& recipient = state->recipient;
              state->inputs.clear();
              for (std::size_t i = 0; i < count; ++i) {
                recipient.issuer = fresh_key(recipient.us.rng);
                auto offer = recipient.offer({recipient.path()});
                state->inputs.push_back({offer, recipient.invoice(offer, 2)});
              }
            };
            out.ours = [=](std::size_t i) {
              const auto& input = state->inputs[i];
              auto read = offers::StaticInvoice::parse(input.invoice, checks);
              must(read.has_value() && !offers::check_static_invoice(*read, input.offer, state->recipient.us.wall),
                   "a static invoice does not pass");
            };
            out.floor = [=](std::size_t i) {
              const auto& invoice = state->inputs[i].invoice;
              auto root = floor::merkle(kRecords, invoice.size() / kRecords);
              if (checks == offers::Checks::All)
                for (std::size_t point = 0; point < 20; ++point) (void)floor::parse(state->recipient.m.bytes.data());
              // The signature is the last record; a wrong digest takes as long as the right one.
              (void)floor::schnorr_verify(invoice.data() + invoice.size() - 64, root,
                                          state->inputs[i].offer.issuer_id()->bytes.data() + 1);
            };
            return out;
          }};
}

/// M with static invoices for many recipients, all away. Requests come over a connection, answers leave over it.
struct Serving {
  Recipient recipient;
  BenchNode us{3, Role::Server}, peer{7, Role::Server};
  Link link{us, peer};
  onion_message::OnionMessages messages;
  invoicing::Invoicing room;
  std::size_t stored, paths;
  SeededRng rng{11};
  struct Input {
    Bytes frame;
    wire::OnionMessage message;
    Bytes request;
    PublicKey payer;
    std::vector<floor::Key> reply_hops;
  };
  std::vector<Input> inputs;
  std::optional<offers::Offer> offer;
  // the floor's
  floor::Block key = floor::scalar(1);
  floor::Buffer in_frame, out_frame, scratch = floor::Buffer(40'000), payloads, data = floor::sealed(key, 64);

  Serving(std::size_t recipients, std::size_t paths_each) : stored(recipients), paths(paths_each) {
    us.see(peer.id);
    us.invited.insert(peer.id);  // a familiar peer: the small allowance of strangers is not what is measured
    offer = recipient.offer({*onion::path_to_self(fresh_key(rng), us.id, Bytes(60, 1))});
    auto bytes = recipient.invoice(*offer, paths);
    auto invoice = offers::StaticInvoice::parse(bytes);
    must(invoice.has_value(), "no static invoice");
    auto forward = recipient.path();
    invoicing::Served served(*invoice, forward, us.wall);
    auto& state = *room.inside;
    for (std::size_t i = 0; i < stored; ++i) {
      invoicing::Invited invitation;
      invitation.id = id_of(i);
      state.invitations.emplace(invitation.id, invitation);
      state.served.emplace(invoicing::SlotKey{invitation.id, 0}, served);
    }
    payloads.resize(paths == 1 ? onion::kPaymentPayloads : onion::kLargeMessagePayloads);
    in_frame = floor::sealed(key, 2 + 33 + 2 + onion::kPacketOverhead + onion::kPaymentPayloads);
    out_frame.resize(2 + 33 + 2 + onion::kPacketOverhead + payloads.size());
  }
  static invoicing::Nonce id_of(std::size_t number) {
    invoicing::Nonce out{};
    auto bytes = Writer().u64(number * 0x9e3779b97f4a7c15).u64(number).take();  // spread evenly, as random ones are
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
  }
  void fresh(std::size_t count) {
    inputs.clear();
    for (std::size_t i = 0; i < count; ++i) {
      auto slot = Writer().bytes(id_of(rng.u64() % stored)).u16(0).u64(us.wall.value() + 1'000).take();
      auto path = onion::path_to_self(fresh_key(rng), us.id, seal(*us.signer, PathPurpose::ServedOffer, slot));
      offers::RequestTerms terms;
      terms.metadata = Bytes(16, 9);
      terms.chain = wire::chain_hash(wire::Network::Regtest);
      terms.payer_key = fresh_key(rng);
      auto request = offers::InvoiceRequest::make(*offer, terms);
      must(request.has_value(), "no invoice_request");
      onion::RecipientData relay;
      relay.next_node_id = us.id;
      onion::RecipientData last;
      last.path_id = Bytes(40, 6);
      auto hop = onion::encode(relay);
      auto reply = onion::blind(fresh_key(rng),
                                {{peer.id, hop}, {recipient.other, hop}, {recipient.us.id, onion::encode(last)}});
      must(reply.has_value(), "no reply path");
      auto message = onion::build_message(fresh_key(rng), fresh_key(rng), {}, us.id, *path,
                                          {onion::InvoiceRequest{request->bytes()}, *reply});
      must(message.has_value(), "no onion message");
      Input input{link.far_sends(wire::encode(*message)), *message, request->bytes(), request->payer_id(), {}};
      for (const auto& one : reply->path) input.reply_hops.push_back(one.blinded_node_id.bytes);
      inputs.push_back(std::move(input));
    }
  }
  template <class Room, class Word>
  Effects step_of(Room& state, const Word& word) {
    auto next = step(std::move(state), word, us.context());
    state = std::move(next.next);
    return std::move(next.effects);
  }
  void ours(std::size_t i) {
    us.mono = after_ms(us.mono, 1'000);
    for (auto& bytes : link.near_receives(inputs[i].frame)) {
      auto decoded = wire::decode(bytes);
      must(decoded.has_value(), "an onion message does not parse");
      auto received = step_of(messages, onion_message::Input(MessageReceived{peer.id, *std::move(decoded)}));
      must(received.size() == 1, "the request was not received");
      auto answered = step_of(room, invoicing::Input(std::get<OnionMessageReceived>(std::move(received[0]))));
      must(answered.size() == 1, "the request was not answered");
      auto& word = std::get<SendOnionMessage>(answered[0]);
      must(std::holds_alternative<onion::StaticInvoice>(word.contents), "no static invoice");
      auto sent = step_of(messages, onion_message::Input(std::move(word)));
      must(sent.size() == 1, "the answer was not sent");
      auto frame = link.near_sends(wire::encode(std::get<SendMessage>(sent[0]).message));
      must((frame.size() > 2'000) == (paths != 1), "the answer has another size than the row says");
    }
  }
  void floor(std::size_t i) {
    const auto& input = inputs[i];
    static const auto kHeader = floor::sealed(floor::scalar(1), 2);
    (void)floor::open(key, scratch.data(), kHeader);
    (void)floor::open(key, scratch.data(), in_frame);
    auto tweaked = floor::unblind(input.message.path_key.bytes.data(), key, key, data, false);
    floor::Buffer packet(onion::kPaymentPayloads);
    (void)floor::peel(input.message.onion_message_packet.data() + 1, tweaked, packet, 0, false);
    (void)floor::hmac(floor::hmac(key, scratch.data(), 12), scratch.data(), 27);  // the slot's MAC
    (void)floor::schnorr_verify(input.request.data() + input.request.size() - 64, floor::merkle(8, 50),
                                input.payer.bytes.data() + 1);
    floor::build(floor::scalar(i), input.reply_hops, {60, 60, paths == 1 ? 900U : 1'500U}, payloads);
    floor::seal(key, scratch.data(), scratch.data() + 64, 2);
    floor::seal(key, scratch.data(), out_frame.data(), out_frame.size());
  }
};

Row serve_row(const char* name, double goal, std::size_t recipients, std::size_t paths) {
  auto size =
      recipients >= 1'000'000 ? std::to_string(recipients / 1'000'000) + "M" : std::to_string(recipients / 1'000) + "k";
  return {std::string(name) + "_" + size,
          goal,
          [=](const Options& options) {
            auto state = std::make_shared<Serving>(recipients, paths);
            Sides out;
            out.operations = options.quick ? 2 : 48;
            out.fresh = [=, count = out.operations] { state->fresh(count); };
            out.floor = [=](std::size_t i) { state->floor(i); };
            out.ours = [=](std::size_t i) { state->ours(i); };
            return out;
          },
          false,
          name,
          recipients,
          Growth::Constant};
}

}  // namespace

std::vector<Row> invoice_rows(const Options& options) {
  std::vector<Row> out{create_row("si_create", 2), create_row("si_create_1+1", 1),
                       verify_row("si_verify", 1.25, offers::Checks::PathsLater),
                       verify_row("si_verify_eager", 0, offers::Checks::All)};
  std::vector<std::size_t> sizes{options.quick ? 1'000U : 10'000U};
  if (!options.quick && options.recipients > sizes[0]) sizes.push_back(options.recipients);
  for (auto size : sizes) {
    out.push_back(serve_row("si_serve", 1.07, size, 1));
    out.push_back(serve_row("si_serve_32k", 1.25, size, 2));
  }
  return out;
}

}  // namespace bench
