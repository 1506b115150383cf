// Paths to ourselves, as each of their hops reads them.
#include "paths/own_paths.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "effects/limits.h"
#include "effects/test/surroundings.h"
#include "onion/route_blinding.h"

namespace doze {
namespace {

struct OwnPaths : ::testing::Test {
  test::Surroundings r{4}, m{3, Role::Server};
  ChannelPolicy policy{Msat(1'000), 100, CltvDelta(72), Msat(5), Msat(900'000'000), false};

  OwnPaths() {
    ChannelView channel;
    channel.channel_id.bytes.fill(3);
    channel.peer = m.id;
    channel.phase = ChannelPhase::Normal;
    channel.usable = true;
    channel.scid = ShortChannelId::of(3, 1, 0);
    channel.remote_alias = ShortChannelId::of(16'000'000, 1, 2);
    channel.capacity = Sat(1'000'000);
    channel.receivable = Msat(900'000'000);
    r.channels.emplace(channel.channel_id, channel);
    r.policies[channel.channel_id].remote = policy;
  }
  /// What both hops of a path from m to r find in it.
  std::vector<onion::RecipientData> read(const wire::BlindedPath& path) {
    std::vector<onion::RecipientData> out;
    auto point = path.first_path_key;
    auto signer = m.signer.get();
    for (const auto& hop : path.path) {
      auto opened =
          onion::unblind(point, hop.encrypted_recipient_data, [&](const PublicKey& p) { return signer->node_ecdh(p); });
      LN_ASSERT(opened.has_value());
      out.push_back(*onion::decode_recipient_data(opened->data));
      point = opened->next_path_key();
      signer = r.signer.get();
    }
    return out;
  }
};

// [B12-inv-11, B4-path-01, B4-path-02, B4-path-03, B4-path-04, B4-path-05, B4-blind-02]
TEST_F(OwnPaths, for_payments_say_to_each_hop_what_it_needs_and_the_sum_to_the_payer) {
  const Bytes path_id{1, 2, 3};
  auto paths = payment_paths_to_self(r.context(), path_id, 2, CltvExpiry(5'000), Msat(1'000));
  ASSERT_EQ(paths.size(), 1U);
  EXPECT_EQ(paths[0].path.first_node_id, wire::IntroductionNode(m.id));
  auto hops = read(paths[0].path);
  ASSERT_EQ(hops.size(), 2U);

  EXPECT_EQ(hops[0].short_channel_id, ShortChannelId::of(16'000'000, 1, 2));
  EXPECT_FALSE(hops[0].next_node_id);
  EXPECT_FALSE(hops[0].path_id);
  EXPECT_EQ(hops[0].payment_relay, (onion::PaymentRelay{CltvDelta(72), 100, Msat(1'000)}));
  EXPECT_EQ(hops[0].payment_constraints, (onion::PaymentConstraints{CltvExpiry(5'072), Msat(5)}));

  EXPECT_EQ(hops[1].path_id, path_id);
  EXPECT_FALSE(hops[1].short_channel_id || hops[1].next_node_id || hops[1].payment_relay);
  EXPECT_EQ(hops[1].payment_constraints, (onion::PaymentConstraints{CltvExpiry(5'000), Msat(5)}));

  auto again = payment_paths_to_self(r.context(), path_id, 2, CltvExpiry(5'000), Msat(1'000));
  EXPECT_NE(again.at(0).path.first_path_key, paths[0].path.first_path_key) << "of a random key";

  const auto& sum = paths[0].payinfo;
  EXPECT_EQ(sum.fee_base_msat, 1'000U);
  EXPECT_EQ(sum.fee_proportional_millionths, 100U);
  EXPECT_EQ(sum.cltv_expiry_delta, 72U + kFinalCltvDelta.value());
  EXPECT_EQ(sum.htlc_minimum_msat, Msat(5));
  EXPECT_EQ(sum.htlc_maximum_msat, Msat(900'000'000));
  EXPECT_TRUE(sum.features.empty());
  for (const auto& hop : hops) EXPECT_FALSE(hop.allowed_features);
}

// [B2-ready-08]
TEST_F(OwnPaths, route_hints_name_a_private_channel_by_the_alias_of_its_peer) {
  auto hints = route_hints_to_self(r.context(), 3, Msat(1'000));
  ASSERT_EQ(hints.size(), 1U);
  ASSERT_EQ(hints[0].hops.size(), 1U);
  EXPECT_EQ(hints[0].hops[0].node_id, m.id);
  EXPECT_EQ(hints[0].hops[0].short_channel_id, ShortChannelId::of(16'000'000, 1, 2));
}

// [B4-msg-01]
TEST_F(OwnPaths, for_messages_name_the_next_node_and_nothing_of_payments) {
  r.peers[m.id].features = wire::FeatureBits{wire::kOnionMessages};
  auto paths = message_paths_to_self(r.context(), Bytes{7}, 1, m.id);
  ASSERT_EQ(paths.size(), 1U);
  auto hops = read(paths[0]);
  ASSERT_EQ(hops.size(), 2U);
  EXPECT_TRUE(hops[0].next_node_id.has_value() != hops[0].short_channel_id.has_value());
  EXPECT_EQ(hops[1].path_id, Bytes{7});
  for (const auto& hop : hops) EXPECT_FALSE(hop.payment_relay || hop.payment_constraints || hop.allowed_features);
}

// [B4-path-06, B4-read-11]
TEST_F(OwnPaths, aggregated_fees_cover_what_each_hop_takes) {
  std::vector<onion::PaymentRelay> relays{{CltvDelta(10), 1'000, Msat(5)}, {CltvDelta(20), 2'500, Msat(7)}};
  auto sum = onion::aggregate(relays, CltvDelta(42));
  ASSERT_TRUE(sum.has_value());
  EXPECT_EQ(sum->cltv_expiry_delta, 72U);
  for (std::uint64_t amount : {1'000ULL, 999'999ULL, 123'456'789ULL}) {
    auto fee = sum->fee_base_msat + (amount * sum->fee_proportional_millionths + 999'999) / 1'000'000;
    auto first = onion::relay(relays[0], Msat(amount + fee), CltvExpiry(1'000));
    ASSERT_TRUE(first.has_value());
    auto second = onion::relay(relays[1], first->amount, first->expiry);
    ASSERT_TRUE(second.has_value());
    EXPECT_GE(second->amount, Msat(amount));
    EXPECT_LE(second->amount, Msat(amount + amount / 500'000 + 10));  // a millionth per hop is rounded up
    EXPECT_EQ(second->expiry, CltvExpiry(970));
  }
}

}  // namespace
}  // namespace doze
