// Every message of BOLT 2 in every phase of a channel, once and twice: never a crash, never a change of the funds.
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

struct Phase {
  const char* name;
  std::function<void(Pair&)> reach;
};

/// Messages go from A to B and back until the next one is of this kind; it stays where it is.
template <class M>
void run_until(Pair& pair) {
  auto is_next = [](FakeNode& node) { return !node.outbox.empty() && std::holds_alternative<M>(node.outbox.front()); };
  for (int i = 0; i < 100 && !is_next(pair.a) && !is_next(pair.b); ++i)
    if (!pair.deliver(pair.a) && !pair.deliver(pair.b)) break;
}
void with_htlcs(Pair& pair) {
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 2, Profile::Ldk));
  pair.run();
}

const Phase kPhases[] = {
    {"no_channel", [](Pair& pair) { pair.connect(); }},
    {"open_channel_sent",
     [](Pair& pair) {
       pair.connect();
       pair.start_opening();
     }},
    {"accept_channel_sent",
     [](Pair& pair) {
       pair.connect();
       pair.start_opening();
       run_until<wire::AcceptChannel>(pair);
     }},
    {"funding_created_sent",
     [](Pair& pair) {
       pair.connect();
       pair.start_opening();
       run_until<wire::FundingCreated>(pair);
     }},
    {"waits_for_depth",
     [](Pair& pair) {
       pair.connect();
       pair.start_opening();
       pair.run();
     }},
    {"normal", [](Pair& pair) { pair.open(); }},
    {"with_htlcs", with_htlcs},
    {"commitment_under_way",
     [](Pair& pair) {
       with_htlcs(pair);
       pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 3));
       pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 4));
       run_until<wire::RevokeAndAck>(pair);
     }},
    {"before_reestablish",
     [](Pair& pair) {
       with_htlcs(pair);
       pair.cut();
       pair.connect();
     }},
    {"shutdown_with_htlcs",
     [](Pair& pair) {
       with_htlcs(pair);
       pair.a.step(
           CommandReceived{8, command::CloseChannel{pair.id(), false, address(bitcoin::p2wpkh_script(pair.a.id))}});
       pair.run();
     }},
    {"closing_signed_under_way",
     [](Pair& pair) {
       pair.open();
       pair.a.step(
           CommandReceived{8, command::CloseChannel{pair.id(), false, address(bitcoin::p2wpkh_script(pair.a.id))}});
       run_until<wire::ClosingSigned>(pair);
     }},
    {"mutually_closed",
     [](Pair& pair) {
       pair.open();
       pair.a.step(
           CommandReceived{8, command::CloseChannel{pair.id(), false, address(bitcoin::p2wpkh_script(pair.a.id))}});
       pair.run();
     }},
    {"force_closing",
     [](Pair& pair) {
       with_htlcs(pair);
       pair.a.step(CommandReceived{8, command::CloseChannel{pair.id(), true, {}, true}});
       pair.run();
     }},
};

/// Each message with fields that could be meant (`plausible`) or that are all zero.
std::vector<wire::Message> messages(const ChannelId& id, bool plausible, const PublicKey& point) {
  Signature signature;
  if (plausible) signature.bytes.fill(0x11);
  auto key = plausible ? point : PublicKey{};
  wire::OpenChannel open;
  open.chain_hash = plausible ? wire::chain_hash(wire::Network::Regtest) : ChainHash{};
  open.temporary_channel_id = id;
  wire::AcceptChannel accept;
  accept.temporary_channel_id = id;
  if (plausible) {
    open.funding_satoshis = Sat(500'000);
    open.feerate_per_kw = FeeratePerKw(2'500);
    auto fill = [&](auto& m) {
      m.dust_limit_satoshis = Sat(354);
      m.max_htlc_value_in_flight_msat = Msat(500'000'000);
      m.channel_reserve_satoshis = Sat(10'000);
      m.htlc_minimum_msat = Msat(1);
      m.to_self_delay = 144;
      m.max_accepted_htlcs = 483;
      m.funding_pubkey = m.revocation_basepoint = m.payment_basepoint = m.delayed_payment_basepoint = m.htlc_basepoint =
          m.first_per_commitment_point = key;
    };
    fill(open);
    fill(accept);
    accept.minimum_depth = 3;
  }
  wire::UpdateAddHtlc add;
  add.channel_id = id;
  add.onion_routing_packet = Bytes(wire::kPaymentOnionBytes);
  if (plausible) {
    add.id = 1;
    add.amount_msat = Msat(1'000'000);
    add.cltv_expiry = CltvExpiry(600);
    add.payment_hash = hash(9);
    add.hold_htlc = Profile::Ldk;
  }
  std::vector<wire::ReleasePath> paths;
  if (plausible) paths.push_back({0, {point, point, {{point, Bytes(20)}}}, Profile::Ldk});
  return {
      open,
      accept,
      wire::FundingCreated{id, {}, 0, signature},
      wire::FundingSigned{id, signature},
      wire::ChannelReady{id, key, std::nullopt, {}},
      wire::Shutdown{id, plausible ? bitcoin::p2wpkh_script(point) : Bytes{}, {}},
      wire::ClosingSigned{id, Sat(plausible ? 1'000 : 0), signature, std::nullopt, {}},
      add,
      wire::UpdateFulfillHtlc{id, 0, preimage(99), {}},
      wire::UpdateFailHtlc{id, plausible ? 0U : 7U, Bytes(plausible ? 292 : 0), {}},
      wire::UpdateFailMalformedHtlc{id, 0, {}, static_cast<std::uint16_t>(plausible ? 0xc005 : 0)},
      wire::CommitmentSigned{id, signature, {}, {}},
      wire::RevokeAndAck{id, {}, key, paths, {}},
      wire::UpdateFee{id, FeeratePerKw(plausible ? 3'000 : 0)},
      wire::ChannelReestablish{id, plausible ? 1U : 0U, 0, {}, key, {}},
      wire::AnnouncementSignatures{id, {}, signature, signature},
      wire::Error{id, Bytes(plausible ? 5 : 0, 'x')},
      wire::Warning{id, Bytes(plausible ? 5 : 0, 'x')},
  };
}

/// The id that messages about the channel carry: before the funding the temporary one.
ChannelId current_id(const Pair& pair, const FakeNode& node) {
  if (!node.channels.empty()) return node.channels.begin()->first;
  for (const auto* other : {&pair.a, &pair.b})
    for (const auto& open : other->sent<wire::OpenChannel>()) return open.temporary_channel_id;
  ChannelId none;
  none.bytes.fill(5);
  return none;
}

struct Funds {
  Msat local, remote;
  friend bool operator==(const Funds&, const Funds&) = default;
};
std::map<ChannelId, Funds> funds(const FakeNode& node) {
  std::map<ChannelId, Funds> out;
  for (const auto& [id, channel] : node.channels) out[id] = {channel.local_balance, channel.remote_balance};
  return out;
}

void expect_harmless(const Pair& pair, const FakeNode& node, const std::map<ChannelId, Funds>& before) {
  // No HTLC has an outcome, and none is handed over.
  EXPECT_TRUE(node.all<HtlcReceived>().empty());
  EXPECT_TRUE(node.all<HtlcFulfilled>().empty());
  EXPECT_TRUE(node.all<HtlcFailed>().empty());
  auto after = funds(node);
  for (const auto& [id, value] : before) EXPECT_TRUE(!after.contains(id) || after.at(id) == value);
  // What is published spends the channel by the rules: our commitment, or a closing that both signed.
  for (const auto& word : node.all<Broadcast>()) {
    ASSERT_FALSE(pair.funding.outputs.empty());
    EXPECT_TRUE(pair.spends_funding(word.transaction));
  }
  EXPECT_TRUE(node.loaded().has_value());
}

class AnyPhase : public ::testing::TestWithParam<Phase> {};

TEST_P(AnyPhase, takes_every_message_once_and_twice) {
  for (bool plausible : {true, false})
    for (bool to_a : {true, false}) {
      auto count = messages({}, plausible, {}).size();
      for (std::size_t which = 0; which < count; ++which) {
        Pair pair;
        GetParam().reach(pair);
        auto& node = to_a ? pair.a : pair.b;
        auto& peer = to_a ? pair.b : pair.a;
        auto message = messages(current_id(pair, node), plausible, peer.id)[which];
        SCOPED_TRACE(std::string(to_a ? "to the opener, " : "to the accepter, ") + (plausible ? "plausible" : "zero") +
                     " message " + std::to_string(which));
        if (pair.funding.outputs.empty())
          for (const auto& word : pair.a.all<Broadcast>()) pair.funding = word.transaction;
        auto before = funds(node);
        node.said.clear();
        for (int times = 0; times < 2; ++times) {
          node.dropped = false;
          node.step(MessageReceived{peer.id, message});
          expect_harmless(pair, node, before);
          if (node.dropped) {  // the peer comes back and says it again
            node.peers.erase(peer.id);
            node.step(PeerGone{peer.id});
            node.peers.insert_or_assign(peer.id, PeerView{peer.id, own_features(peer.config), "x", false, node.wall});
            node.step(PeerReady{peer.id});
          }
        }
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Phases, AnyPhase, ::testing::ValuesIn(kPhases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace doze::channel
