// A gossip room with its world: rows as the store would keep them, other nodes that sign what they say.
#pragma once

#include <gtest/gtest.h>

#include "bitcoin/script.h"
#include "commitment/commitment_tx.h"
#include "effects/test/test_chain.h"
#include "gossip/inside.h"
#include "keys/seed_signer.h"

namespace doze::gossip {

class NoRng : public Rng {
 public:
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), 9); }
};

class GossipTest : public testing::Test {
 protected:
  using SignerPtr = std::unique_ptr<Signer>;
  static constexpr std::uint32_t kNow = 1'700'000'000;

  GossipTest() {
    for (std::uint8_t seed = 1; seed <= 4; ++seed)
      nodes_.push_back(make_seed_signer(Bytes(64, seed), wire::Network::Regtest));
    config_.role = Role::Server;
    config_.alias = "server";
    config_.announced_addresses = {*wire::parse_address("127.0.0.1:9735")};
    tell(Started{});
  }
  const Signer& self() const { return *nodes_[0]; }
  const Signer& node(std::size_t i) const { return *nodes_[i]; }
  const NodeId& id(std::size_t i) const { return nodes_[i]->node_id(); }

  Gossip reload_value() {
    std::vector<Row> rows;
    for (const auto& [key, value] : rows_) rows.push_back({key.first, key.second, value});
    auto loaded = load(rows);
    EXPECT_TRUE(loaded.has_value());
    return *std::move(loaded);
  }
  void restart() {
    gossip_ = reload_value();
    peers_.clear();
    watched_ = {};
    tell(Started{});
  }

  Effects tell(const Input& input) {
    ChannelIndex index(channels_);
    Views views{graph(gossip_), channels_, index, peers_, policies(gossip_), offers_, invited_};
    Context context{MonoTime(mono_), UnixTime(wall_), BlockHeight(tip_), rng_, config_, views, self(), parallel_};
    auto transition = step(std::move(gossip_), input, context);
    gossip_ = std::move(transition.next);
    for (const auto& effect : transition.effects) {
      if (const auto* put = std::get_if<Put>(&effect)) rows_[{put->table, put->key}] = put->value;
      if (const auto* erase = std::get_if<Erase>(&effect)) rows_.erase({erase->table, erase->key});
      if (const auto* watch = std::get_if<Watch>(&effect)) watched_.apply(*watch);
      if (const auto* unwatch = std::get_if<Unwatch>(&effect)) watched_.apply(*unwatch);
    }
    EXPECT_EQ(watched_.size(), gossip_.inside->fundings.size());
    expect_same_after_reload();
    return std::move(transition.effects);
  }
  /// A visit of the chain driver.
  void hear(const std::vector<ChainWord>& words) {
    hand_over(words, watched_, [&]<class In>(const In& one) {
      if constexpr (std::is_constructible_v<Input, In>) tell(one);
    });
  }
  /// Every step's rows say what the memory says.
  void expect_same_after_reload() {
    if (!check_reload_) return;
    auto twin = reload_value();
    const auto &a = graph(gossip_).channels(), &b = graph(twin).channels();
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [scid, channel] : a) {
      const auto& other = b.at(scid);
      EXPECT_EQ(channel.raw, other.raw);
      EXPECT_EQ(channel.capacity, other.capacity);
      EXPECT_EQ(channel.spent_at, other.spent_at);
      for (int direction : {0, 1})
        if (!channel.spent_at && channel.directions[direction]) {
          ASSERT_TRUE(other.directions[direction].has_value());
          EXPECT_EQ(channel.directions[direction]->raw, other.directions[direction]->raw);
        }
    }
    graph(gossip_).for_each_node([&](const graph::Node& node) {
      const auto* other = graph(twin).node(node.node_id);
      ASSERT_NE(other, nullptr);
      ASSERT_EQ(node.announced.has_value(), other->announced.has_value());
      if (node.announced) {
        EXPECT_EQ(node.announced->raw, other->announced->raw);
      }
    });
    ASSERT_EQ(policies(gossip_).size(), policies(twin).size());
    for (const auto& [channel, pair] : policies(gossip_)) {
      EXPECT_EQ(pair.local.has_value(), policies(twin).at(channel).local.has_value());
      EXPECT_EQ(pair.remote.has_value(), policies(twin).at(channel).remote.has_value());
    }
  }

  // ---- what the effects say ----
  template <class M>
  static std::vector<M> sent(const Effects& effects, const NodeId& to) {
    std::vector<M> out;
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<SendMessage>(&effect); send && send->node_id == to)
        if (const auto* message = std::get_if<M>(&send->message)) out.push_back(*message);
    return out;
  }
  static std::size_t sent_count(const Effects& effects) {
    return static_cast<std::size_t>(std::count_if(effects.begin(), effects.end(), [](const Effect& effect) {
      return std::holds_alternative<SendMessage>(effect);
    }));
  }
  static std::vector<ShortChannelId> lookups(const Effects& effects) {
    std::vector<ShortChannelId> out;
    for (const auto& effect : effects)
      if (const auto* lookup = std::get_if<LookUpOutput>(&effect)) out.push_back(lookup->scid);
    return out;
  }

  // ---- what others say ----
  static ShortChannelId scid(std::uint32_t number) { return ShortChannelId::of(100 + number / 2, number, 0); }
  wire::ChannelAnnouncement announcement(std::size_t a, std::size_t b, ShortChannelId scid,
                                         const wire::FeatureBits& features = {}) const {
    if (id(b) < id(a)) std::swap(a, b);
    auto keys_a = node(a).channel(scid.tx()), keys_b = node(b).channel(scid.tx());
    wire::ChannelAnnouncement out;
    out.chain_hash = wire::chain_hash(wire::Network::Regtest);
    out.features = features;
    out.short_channel_id = scid;
    out.node_id_1 = id(a);
    out.node_id_2 = id(b);
    out.bitcoin_key_1 = keys_a->public_keys().funding;
    out.bitcoin_key_2 = keys_b->public_keys().funding;
    auto digest = wire::signature_hash(out);
    out.node_signature_1 = node(a).sign_with_node_key(digest);
    out.node_signature_2 = node(b).sign_with_node_key(digest);
    out.bitcoin_signature_1 = keys_a->sign_announcement(digest);
    out.bitcoin_signature_2 = keys_b->sign_announcement(digest);
    out.raw = wire::encode(out);
    return out;
  }
  wire::ChannelUpdate update(std::size_t from, std::size_t to, ShortChannelId scid, std::uint32_t timestamp,
                             bool disabled = false) const {
    wire::ChannelUpdate out;
    out.chain_hash = wire::chain_hash(wire::Network::Regtest);
    out.short_channel_id = scid;
    out.timestamp = timestamp;
    out.channel_flags = static_cast<std::uint8_t>((id(from) < id(to) ? 0 : 1) | (disabled ? 2 : 0));
    out.cltv_expiry_delta = 40;
    out.fee_base_msat = 1'000;
    out.fee_proportional_millionths = 10;
    out.htlc_minimum_msat = Msat(1);
    out.htlc_maximum_msat = Msat(90'000'000);
    out.signature = node(from).sign_with_node_key(wire::signature_hash(out));
    out.raw = wire::encode(out);
    return out;
  }
  wire::NodeAnnouncement node_announcement(std::size_t from, std::uint32_t timestamp) const {
    wire::NodeAnnouncement out;
    out.timestamp = timestamp;
    out.node_id = id(from);
    out.alias[0] = 'x';
    out.signature = node(from).sign_with_node_key(wire::signature_hash(out));
    out.raw = wire::encode(out);
    return out;
  }
  static bitcoin::TxOut funding_output(const wire::ChannelAnnouncement& channel) {
    return {Sat(100'000),
            bitcoin::p2wsh_script(commitment::funding_script(channel.bitcoin_key_1, channel.bitcoin_key_2))};
  }

  Effects ready(std::size_t i, bool queries = true) {
    PeerView view;
    view.node_id = id(i);
    if (queries) view.features.set(wire::kGossipQueries + 1);
    peers_[id(i)] = view;
    return tell(PeerReady{id(i)});
  }
  Effects say(std::size_t from, wire::Message message) { return tell(MessageReceived{id(from), std::move(message)}); }
  Effects set_filter(std::size_t from, std::uint32_t first = 0, std::uint32_t range = 0xffffffff) {
    return say(from, wire::GossipTimestampFilter{wire::chain_hash(wire::Network::Regtest), first, range});
  }
  /// A channel between two others, with both updates, in the graph; learnt from node 1.
  wire::ChannelAnnouncement learn(std::size_t a, std::size_t b, ShortChannelId scid) {
    auto channel = announcement(a, b, scid);
    say(1, channel);
    tell(OutputLookedUp{scid, funding_output(channel)});
    say(1, update(a, b, scid, kNow - 10));
    say(1, update(b, a, scid, kNow - 10));
    return channel;
  }
  /// A channel of our own with node `i`, usable.
  ChannelView& own_channel(std::size_t i, bool announced) {
    ChannelView view;
    view.channel_id.bytes[0] = static_cast<std::uint8_t>(i);
    view.peer = id(i);
    view.phase = ChannelPhase::Normal;
    view.announced = announced;
    view.usable = true;
    view.scid = ShortChannelId::of(200, static_cast<std::uint32_t>(i), 0);
    view.local_alias = ShortChannelId(0x1111 + i);
    view.remote_alias = ShortChannelId(0x2222 + i);
    view.capacity = Sat(100'000);
    view.htlc_minimum_remote = Msat(500);
    return channels_[view.channel_id] = view;
  }
  Effects announce_own(std::size_t i) {
    const auto& view = own_channel(i, true);
    return tell(ChannelAnnounced{view.channel_id, announcement(0, i, *view.scid)});
  }
  bool verified(const wire::ChannelUpdate& update) const;

  std::vector<SignerPtr> nodes_;
  std::map<std::pair<Table, Bytes>, Bytes> rows_;
  NoRng rng_;
  Config config_;
  ParallelMap parallel_;
  std::map<ChannelId, ChannelView> channels_;
  std::map<NodeId, PeerView> peers_;
  std::map<OfferId, OfferView> offers_;
  std::set<NodeId> invited_;
  std::uint64_t mono_ = 1'000, wall_ = kNow;
  std::uint32_t tip_ = 100'000;
  bool check_reload_ = true;
  WatchSet watched_;  // as the chain driver has it
  Gossip gossip_;
};

}  // namespace doze::gossip
