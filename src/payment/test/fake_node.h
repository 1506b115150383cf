// Payment rooms with hand-made surroundings: S pays over L (holds) and M to R, whose offer and static invoice are real.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "crypto/crypto.h"
#include "effects/features.h"
#include "effects/limits.h"
#include "effects/own_paths.h"
#include "effects/seed_signer.h"
#include "effects/tags.h"
#include "offers/static_invoice.h"
#include "onion/payment_onion.h"
#include "onion/release_path.h"
#include "onion/route_blinding.h"
#include "payment/inside.h"
#include "payment/onions.h"

namespace doze::payment::testing {

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

template <class E>
std::vector<E> of(const Effects& effects) {
  std::vector<E> out;
  for (const auto& effect : effects)
    if (const auto* one = std::get_if<E>(&effect)) out.push_back(*one);
  return out;
}

inline PrivateKey key(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return PrivateKey(bytes);
}
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
inline std::string text_of(const Value& value, std::string_view field) {
  const auto* found = value.find(field);
  const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(&found->inner());
  return text == nullptr ? "" : *text;
}
inline std::uint64_t number_of(const Value& value, std::string_view field) {
  const auto* found = value.find(field);
  const auto* number = found == nullptr ? nullptr : std::get_if<std::uint64_t>(&found->inner());
  return number == nullptr ? UINT64_MAX : *number;
}
inline std::uint64_t number_of(const Fields& fields, std::string_view field) {
  return number_of(Value(fields), field);
}
inline bool flag_of(const Value& value, std::string_view field) {
  const auto* found = value.find(field);
  const auto* flag = found == nullptr ? nullptr : std::get_if<bool>(&found->inner());
  return flag != nullptr && *flag;
}

struct FakeNode {
  FakeNode(std::uint8_t seed, Role role)
      : signer(make_seed_signer(Bytes(64, seed), wire::Network::Regtest)), rng(seed), id(signer->node_id()) {
    config.role = role;
  }
  FakeNode(const FakeNode&) = delete;
  FakeNode& operator=(const FakeNode&) = delete;

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
  Views views{graph, channels, peers, policies, offers, invited, true};
  MonoTime mono{1'000'000};
  UnixTime wall{1'700'000'000};
  BlockHeight tip{800};
  Payments room;
  std::map<std::pair<Table, Bytes>, Bytes> rows;
  Effects said;  // everything since the last clear()

  [[nodiscard]] Context context() { return {mono, wall, tip, rng, config, views, *signer, parallel}; }
  /// The effects of this step alone.
  Effects step(const Input& input) {
    auto transition = payment::step(std::move(room), input, context());
    room = std::move(transition.next);
    for (const auto& effect : transition.effects) {
      said.push_back(effect);
      if (const auto* put = std::get_if<Put>(&effect)) rows[{put->table, put->key}] = put->value;
      if (const auto* erase = std::get_if<doze::Erase>(&effect)) rows.erase({erase->table, erase->key});
    }
    return std::move(transition.effects);
  }
  Effects command(command::Command command, RequestId request = 1) {
    return step(CommandReceived{request, std::move(command)});
  }
  void reload() {
    std::vector<Row> stored;
    for (const auto& [key, value] : rows) stored.push_back({key.first, key.second, value});
    auto loaded = load(stored);
    ASSERT_TRUE(loaded.has_value());
    room = *std::move(loaded);
  }
  /// The process ends and starts again from its rows; nobody is connected yet.
  Effects restart() {
    reload();
    peers.clear();
    for (auto& [id, channel] : channels) channel.usable = false;
    said.clear();
    return step(Started{});
  }
  /// Time goes to the next deadline, which is told.
  Effects next_deadline() {
    auto at = deadline(room);
    LN_ASSERT(at.has_value());
    pass(at->value() > mono.value() ? at->value() - mono.value() : 0);
    return step(DeadlineReached{});
  }
  void pass(std::uint64_t ms) {
    mono = after_ms(mono, ms);
    wall = after_s(wall, ms / 1000);
  }
  Effects block(std::uint32_t height) {
    tip = BlockHeight(height);
    return step(BlockConnected{tip, BlockHash{}, std::make_shared<bitcoin::Block>()});
  }
  void see(const FakeNode& peer) { see(peer.id, own_features(peer.config)); }
  void see(const NodeId& peer, wire::FeatureBits features) {
    peers.insert_or_assign(peer, PeerView{peer, std::move(features), "x", false, wall});
  }
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
  template <class E>
  [[nodiscard]] std::vector<E> all() const {
    return of<E>(said);
  }
  [[nodiscard]] std::size_t count(Table table) const {
    return static_cast<std::size_t>(
        std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return row.first.first == table; }));
  }
  /// What the log said of this event, its field `reason`.
  [[nodiscard]] std::vector<std::string> reasons(std::string_view event) const {
    std::vector<std::string> out;
    for (const auto& word : all<Notify>())
      if (word.event == event) out.push_back(text_of(Value(word.facts), "reason"));
    return out;
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
  Bytes static_invoice(Profile profile = Profile::Ldk, std::size_t message_paths = 1) {
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
