// L's ledger with real onions: S offers over channel 1, M is behind channel 2.
#pragma once

#include "payment/test/fake_node.h"

namespace doze::forwarding::testing {

using payment::testing::channel_id;
using payment::testing::FakeNode;
using payment::testing::hash;
using payment::testing::preimage;
using payment::testing::release_context;
using payment::testing::release_over;
using payment::testing::scid;
using payment::testing::World;
using namespace doze::test;  // NOLINT

struct Holds : ::testing::Test {
  World world;
  FakeNode& l = world.l;
  const CltvExpiry out{1'000}, in{1'072};

  /// S offers an HTLC for L that goes on to M over channel 2.
  wire::UpdateAddHtlc htlc(std::uint64_t id, std::optional<Profile> hold = Profile::Ldk, std::uint8_t payment = 1,
                           std::uint8_t channel = 1) {
    return htlc_until(id, in, out, hold, payment, channel);
  }
  wire::UpdateAddHtlc htlc_until(std::uint64_t id, CltvExpiry expiry_in, CltvExpiry expiry_out,
                                 std::optional<Profile> hold = Profile::Ldk, std::uint8_t payment = 1,
                                 std::uint8_t channel = 1) {
    auto& cached = packets_[{expiry_out, payment}];
    if (cached.empty()) {
      std::vector<onion::Hop> hops{
          {l.id, onion::with_length(onion::encode(onion::ForwardPayload{Msat(50'000'000), expiry_out, scid(2)}))},
          {world.m.id, onion::with_length(Bytes{0xff, 0})}};
      cached = *onion::build_packet(key(74), hops, hash(payment).view(), onion::kPaymentPayloads);
    }
    wire::UpdateAddHtlc out;
    out.channel_id = channel_id(channel);
    out.id = id;
    out.amount_msat = Msat(50'010'000);
    out.payment_hash = hash(payment);
    out.cltv_expiry = expiry_in;
    out.onion_routing_packet = cached;
    out.hold_htlc = hold;
    return out;
  }
  Effects receive(const wire::UpdateAddHtlc& htlc) { return receive_from(world.s.id, htlc); }
  Effects receive_from(const NodeId& peer, const wire::UpdateAddHtlc& htlc) {
    l.channels.at(htlc.channel_id).received_htlcs.insert(htlc.id);
    return l.step(HtlcReceived{htlc.channel_id, peer, htlc});
  }
  Effects release(std::uint64_t id, std::uint8_t channel = 1) {
    return l.step(release_over(world.r.id, release_context(l, channel_id(channel), id)));
  }
  /// Its channel has let go of it.
  void gone(std::uint64_t id, std::uint8_t channel = 1) {
    l.channels.at(channel_id(channel)).received_htlcs.erase(id);
    l.step(ReceivedHtlcGone{channel_id(channel), id, false});
  }
  std::string state(std::uint64_t id, std::uint8_t channel = 1) {
    auto row = l.forward({channel_id(channel), id});
    return row ? name(row->state) : "none";
  }
  /// The only thing that left is the HTLC to M.
  void expect_forwarded(const Effects& effects, std::uint64_t id, std::uint8_t channel = 1) {
    auto adds = of<AddHtlc>(effects);
    ASSERT_EQ(adds.size(), 1U);
    EXPECT_EQ(adds[0].channel_id, channel_id(2));
    EXPECT_EQ(adds[0].origin, HtlcOrigin(ForwardOrigin{channel_id(channel), id}));
    EXPECT_EQ(adds[0].amount, Msat(50'000'000));
    EXPECT_EQ(adds[0].cltv_expiry, out);
    EXPECT_FALSE(adds[0].hold.has_value());
    expect_no_failure(effects);
    EXPECT_EQ(state(id, channel), "forwarded");
  }
  static void expect_no_failure(const Effects& effects) {
    EXPECT_TRUE(of<FailHtlc>(effects).empty() && of<FailMalformedHtlc>(effects).empty());
  }
  void expect_failed(const Effects& effects, std::uint64_t id, std::uint16_t code, std::uint8_t payment = 1) {
    ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
    auto answer = of<FailHtlc>(effects)[0];
    EXPECT_EQ(answer.htlc_id, id);
    auto read = onion::decode_failure(onion::shared_secrets(key(74), {l.id, world.m.id}), answer.reason);
    ASSERT_TRUE(read.has_value()) << payment;
    EXPECT_EQ(read->hop, 0U);
    EXPECT_EQ(read->code, code) << onion::failure_name(read->code);
    EXPECT_TRUE(of<AddHtlc>(effects).empty());
    EXPECT_EQ(state(id), "failed");
  }
  ForwardOrigin origin(std::uint64_t id) { return {channel_id(1), id}; }

 private:
  std::map<std::pair<CltvExpiry, std::uint8_t>, Bytes> packets_;
};

}  // namespace doze::forwarding::testing
