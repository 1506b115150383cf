// Payment and forwarding rooms of a node, with hand-made surroundings: S pays over L (holds) and M to R, whose offer
// and static invoice are real.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "crypto/crypto.h"
#include "effects/features.h"
#include "effects/limits.h"
#include "effects/tags.h"
#include "effects/test/surroundings.h"
#include "effects/test/test_chain.h"
#include "forwarding/records.h"
#include "forwarding/state.h"
#include "offers/static_invoice.h"
#include "onion/own_path.h"
#include "onion/payment_onion.h"
#include "onion/release_path.h"
#include "onion/route_blinding.h"
#include "paths/own_paths.h"
#include "payment/bolt11.h"
#include "payment/records.h"
#include "payment/routing.h"
#include "payment/state.h"

namespace doze::payment::testing {

using namespace doze::test;  // NOLINT

inline Preimage preimage(std::uint8_t number) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(number);
  return Preimage(bytes);
}
inline PaymentHash hash(std::uint8_t number) {
  return crypto::payment_hash(preimage(number));
}
inline ChannelId channel_id(std::uint8_t number) {
  ChannelId out;
  out.bytes.fill(number);
  return out;
}
inline ShortChannelId scid(std::uint8_t number) {
  return ShortChannelId::of(number, 1, 0);
}
struct FakeNode : test::Surroundings {
  FakeNode(std::uint8_t seed, Role role) : Surroundings(seed, role) { tip = BlockHeight(800); }
  Payments room;
  forwarding::Forwarding forwarding;

  /// What the rooms ask the store is answered at once, in the next steps, whose effects come with these. Or it waits
  /// for answer_reads.
  bool reads_at_once = true;
  std::deque<Read> asked;

  /// The effects of this step, and of those that answer it. What the two rooms say to each other is heard in it, as the
  /// corridor does.
  template <class Word>
  Effects step(const Word& word) {
    Effects out;
    hear(word, out);
    if (!reads_at_once) return out;
    auto more = answer_reads();
    out.insert(out.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return out;
  }
  /// As the driver does: in order, with the rows as they are now.
  Effects answer_reads(std::size_t most = SIZE_MAX) {
    Effects out;
    for (; most > 0 && !asked.empty(); --most) {
      auto wanted = std::move(asked.front());
      asked.pop_front();
      hear(std::visit([&](const auto& one) { return read(one); }, wanted), out);
    }
    return out;
  }
  /// A payment that was made, in memory or over.
  [[nodiscard]] std::optional<Outgoing> payment(const PaymentId& id) const {
    if (auto row = room.inside->outgoing.find(id)) return row;
    for (const auto& row : rows_of_table(rows, Table::EndedPayment))
      if (auto read = read_outgoing(row.value); read && read->id == id) return *read;
    return std::nullopt;
  }
  /// A forward, in memory or over.
  [[nodiscard]] std::optional<forwarding::Forward> forward(const HtlcKey& key) const {
    if (auto row = forwarding.inside->forwards.find(key)) return row;
    for (const auto& row : rows_of_table(rows, Table::EndedForward))
      if (auto read = forwarding::read_forward(row.value); read && read->incoming == key) return *read;
    return std::nullopt;
  }
  Effects command(command::Command command, RequestId request = 1) {
    return step(CommandReceived{request, std::move(command)});
  }
  void reload() {
    auto loaded = load(stored());
    auto ledger = forwarding::load(stored());
    ASSERT_TRUE(loaded.has_value() && ledger.has_value());
    room = *std::move(loaded);
    forwarding = *std::move(ledger);
  }
  /// The process ends and starts again from its rows; nobody is connected yet.
  Effects restart() {
    reload();
    peers.clear();
    asked.clear();
    for (auto& [id, channel] : channels) channel.usable = false;
    said.clear();
    return step(Started{});
  }
  [[nodiscard]] onion::PeeledHtlc peel(const wire::UpdateAddHtlc& htlc) const {
    return onion::peel_htlc(htlc, id, own_ecdh(*signer), tip);
  }
  /// Of both rooms.
  [[nodiscard]] std::optional<MonoTime> deadline() const {
    auto ours = payment::deadline(room), theirs = forwarding::deadline(forwarding);
    return !ours || (theirs && *theirs < *ours) ? theirs : ours;
  }
  /// Time goes to the next deadline, which is told.
  Effects next_deadline() {
    pass_to(deadline());
    return step(DeadlineReached{});
  }
  /// The chain driver comes to this height: says so at the end, or is still on its way if the chain is behind.
  Effects block(std::uint32_t height) {
    bool behind = !views.chain_synced;
    auto before = std::min(tip.value(), height - 1);
    Effects out;
    hand_over(TestChain(BlockHeight(before)).mine({}, height - before), watched, [&]<class In>(const In& one) {
      if (behind && std::is_same_v<In, ChainStatus>) return;
      follow(one);
      if constexpr (std::is_constructible_v<Input, In>) hear(one, out);
    });
    return out;
  }
  /// The chain driver has given every block.
  Effects synced() {
    views.chain_synced = true;
    return step(ChainStatus{true, true, ""});
  }
  using Surroundings::see;
  void see(const FakeNode& peer) { see(peer.id, own_features(peer.config)); }
  ChannelView& add_channel(const NodeId& peer, std::uint8_t number) {
    ChannelView channel;
    channel.channel_id = channel_id(number);
    channel.peer = peer;
    channel.phase = ChannelPhase::Normal;
    channel.usable = true;
    channel.scid = scid(number);
    channel.spendable = channel.receivable = Msat(1'000'000'000);
    channel.max_held_received = kMaxHeldPerChannel;
    PolicyPair both;
    both.remote = ChannelPolicy{Msat(1000), 100, CltvDelta(72), Msat(1), Msat(900'000'000), false};
    both.local = both.remote;
    policies.insert_or_assign(channel.channel_id, both);
    return channels.insert_or_assign(channel.channel_id, channel).first->second;
  }
  Effects usable(std::uint8_t number) {
    auto& channel = channels.at(channel_id(number));
    channel.usable = true;
    return step(ChannelUsable{channel.channel_id, channel.peer});
  }
  Effects unusable(std::uint8_t number) {
    auto& channel = channels.at(channel_id(number));
    channel.usable = false;
    return step(ChannelUnusable{channel.channel_id, channel.peer});
  }

 private:
  template <class Word>
  static bool is_of(const Word& word, bool forward) {
    if constexpr (requires { word.origin; })
      return std::holds_alternative<ForwardOrigin>(word.origin) == forward;
    else
      return true;
  }
  template <class Word>
  void hear(const Word& word, Effects& out) {
    if constexpr (std::is_constructible_v<forwarding::Input, Word>)
      if (is_of(word, true)) tell(forwarding, forwarding::Input(word), out);
    if constexpr (std::is_constructible_v<Input, Word>)
      if (is_of(word, false)) tell(room, Input(word), out);
  }
  template <class Machine, class MachineInput>
  void tell(Machine& machine, const MachineInput& input, Effects& out) {
    auto transition = doze_step(std::move(machine), input);
    machine = std::move(transition.next);
    note(transition.effects);
    for (auto& effect : transition.effects) {
      if (const auto* rows = std::get_if<ReadRows>(&effect)) asked.emplace_back(*rows);
      if (const auto* range = std::get_if<ReadRange>(&effect)) asked.emplace_back(*range);
      if (const auto* arrived = std::get_if<HtlcArrived>(&effect)) hear(*arrived, out);
      if (const auto* received = std::get_if<HtlcReceived>(&effect)) hear(*received, out);
      out.push_back(std::move(effect));
    }
  }
  Transition<Payments> doze_step(Payments state, const Input& input) {
    return payment::step(std::move(state), input, context());
  }
  Transition<forwarding::Forwarding> doze_step(forwarding::Forwarding state, const forwarding::Input& input) {
    return forwarding::step(std::move(state), input, context());
  }
};

/// S -1- L -2- M -3- R.
struct World {
  FakeNode s{1, Role::Client}, l{2, Role::Server}, m{3, Role::Server}, r{4, Role::Client};
  offers::Offer offer = make_offer();

  World() {
    join(s, l, 1);
    join(l, m, 2);
    join(m, r, 3);
    announce(s.graph, l.id, m.id, 2);
    r.offers.emplace(offer.id(), OfferView{offer, true, false});
  }
  static void join(FakeNode& a, FakeNode& b, std::uint8_t number) {
    a.add_channel(b.id, number);
    b.add_channel(a.id, number);
    a.see(b);
    b.see(a);
  }
  static void announce(graph::Graph& graph, const NodeId& a, const NodeId& b, std::uint8_t number) {
    wire::ChannelAnnouncement channel;
    channel.short_channel_id = scid(number);
    channel.node_id_1 = std::min(a, b);
    channel.node_id_2 = std::max(a, b);
    ASSERT_TRUE(graph.add_channel(channel, {}, Sat(10'000'000), UnixTime(1'700'000'000)).has_value());
    for (std::uint8_t direction : {0, 1}) {
      wire::ChannelUpdate update;
      update.short_channel_id = scid(number);
      update.timestamp = 1;
      update.message_flags = 1;
      update.channel_flags = direction;
      update.cltv_expiry_delta = 72;
      update.fee_base_msat = 1000;
      update.fee_proportional_millionths = 100;
      update.htlc_maximum_msat = Msat(900'000'000);
      ASSERT_TRUE(graph.apply(update, Bytes{direction}).has_value());
    }
  }
  offers::Offer make_offer(Msat amount = Msat(50'000'000)) {
    offers::OfferTerms terms;
    terms.chains = {wire::chain_hash(wire::Network::Regtest)};
    terms.amount = amount;
    terms.description = "coffee";
    terms.paths = {*onion::path_to_self(key(60), m.id, Bytes(40, 1))};
    terms.issuer_id = crypto::public_key(key(61));
    auto made = offers::Offer::make(terms);
    LN_ASSERT(made.has_value());
    return *std::move(made);
  }
  Bytes request(std::optional<Msat> amount = std::nullopt, std::optional<std::string> note = std::nullopt) const {
    return request_for(offer, amount, std::move(note));
  }
  static Bytes request_for(const offers::Offer& offer, std::optional<Msat> amount = std::nullopt,
                           std::optional<std::string> note = std::nullopt) {
    offers::RequestTerms terms;
    terms.metadata = Bytes(16, 9);
    terms.chain = wire::chain_hash(wire::Network::Regtest);
    terms.amount = amount;
    terms.payer_note = std::move(note);
    terms.payer_key = key(62);
    auto made = offers::InvoiceRequest::make(offer, terms);
    LN_ASSERT(made.has_value());
    return made->bytes();
  }
  /// What R's payment paths carry: the invoice ends 14 days after the worlds begin.
  PaymentContext terms() const {
    PaymentContext out;
    out.kind = PaymentContext::Kind::StaticInvoice;
    out.offer_id = offer.id();
    out.expiry = UnixTime(1'700'000'000 + 1'209'600);
    return out;
  }
  /// As R makes it, with M as the introduction node of everything.
  Bytes static_invoice(Profile profile = Profile::Ldk, std::size_t message_paths = 1,
                       const std::function<void(offers::StaticInvoiceTerms&)>& change = nullptr) {
    offers::StaticInvoiceTerms out;
    out.profile = profile;
    out.created_at = r.wall;
    auto context = r.context();
    for (auto& path : payment_paths_to_self(context, seal(*r.signer, terms()), 1, CltvExpiry(100'000), std::nullopt))
      out.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
    if (profile == Profile::Draft) message_paths = std::max(message_paths, offers::kMinMessagePathsDraft);
    auto held = seal(*r.signer, PathPurpose::HeldHtlcAvailable, Writer().u64(terms().expiry.value()).view());
    out.message_paths = message_paths_to_self(context, held, message_paths, m.id);
    out.node_key = key(61);
    if (change) change(out);
    auto made = offers::StaticInvoice::make(offer, out);
    LN_ASSERT(made.has_value());
    return made->bytes();
  }
};

inline wire::UpdateAddHtlc on_wire(const AddHtlc& add, std::uint64_t htlc_id) {
  wire::UpdateAddHtlc out;
  out.channel_id = add.channel_id;
  out.id = htlc_id;
  out.amount_msat = add.amount;
  out.payment_hash = add.payment_hash;
  out.cltv_expiry = add.cltv_expiry;
  out.onion_routing_packet = add.onion_routing_packet;
  out.path_key = add.path_key;
  out.hold_htlc = add.hold;
  return out;
}

/// release_held_htlc that came over a path with this path_id.
inline OnionMessageReceived release_over(const NodeId& from, std::optional<Bytes> path_id) {
  return {from, std::move(path_id), std::nullopt, onion::ReleaseHeldHtlc{}};
}
/// What the release path of this HTLC carries to the node that made it.
inline Bytes release_context(FakeNode& node, const ChannelId& channel, std::uint64_t htlc_id,
                             Profile profile = Profile::Ldk) {
  auto paths = onion::release_paths(node.signer->secret(SecretUse::ReleasePath), node.id, {channel, htlc_id}, profile);
  LN_ASSERT(!paths.empty());
  auto opened = onion::unblind(paths[0].first_path_key, paths[0].path[0].encrypted_recipient_data,
                               [&](const PublicKey& point) { return node.signer->node_ecdh(point); });
  LN_ASSERT(opened.has_value());
  auto data = onion::decode_recipient_data(opened->data);
  LN_ASSERT(data.has_value() && data->path_id.has_value());
  return *data->path_id;
}

}  // namespace doze::payment::testing
