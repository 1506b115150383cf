// What strangers put into onions can only ever fail their own HTLC: how it goes back, and what is never said.
#include "holds.h"
#include "onion/dummy_hops.h"
#include "wire/tlv.h"

namespace doze::forwarding::testing {
namespace {

/// Bytes that stand where the length of a payload is read, and what is in the packet behind them.
struct BadLength {
  const char* name;
  Bytes length;
};
const BadLength kBadLengths[] = {
    {"zero", {0}},
    {"one", {1}},
    {"one_byte_beyond_the_packet", {0xfd, 0x04, 0xf2}},  // 1,266 of 1,265
    {"far_beyond_the_packet", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {"not_the_shortest_form", {0xfd, 0x00, 0x05}},
};

class ForeignOnion : public Holds, public ::testing::WithParamInterface<BadLength> {
 public:
  /// An HTLC for L whose payload has this length; L is the last hop, or another one is behind it.
  wire::UpdateAddHtlc htlc_with(const Bytes& length, bool last, std::optional<Profile> hold) {
    std::vector<onion::Hop> hops{{l.id, length}};
    if (!last) hops.push_back({world.m.id, onion::with_length(Bytes{0xff, 0})});
    auto out = htlc(next_++, hold);
    out.onion_routing_packet = packet(hops);
    return out;
  }
  static Bytes packet(const std::vector<onion::Hop>& hops) {
    return *onion::build_packet(key(74), hops, hash(1).view(), onion::kPaymentPayloads);
  }
  /// invalid_onion_payload, encrypted for the payer: nothing that costs the channel with S anything.
  void expect_invalid_payload(const Effects& effects) {
    EXPECT_TRUE(of<FailMalformedHtlc>(effects).empty());
    ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
    auto read =
        onion::decode_failure(onion::shared_secrets(key(74), {l.id, world.m.id}), of<FailHtlc>(effects)[0].reason);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->hop, 0U);
    EXPECT_EQ(read->code, onion::kInvalidOnionPayload);
    EXPECT_EQ(read->data, (Bytes{0, 0, 0}));  // BOLT 4: a type (none), an offset
  }

 private:
  std::uint64_t next_ = 0;
};

// [B4-peel-04]
TEST_P(ForeignOnion, with_a_length_that_does_not_fit_fails_encrypted_at_every_hop) {
  for (bool last : {false, true})
    for (auto hold : {std::optional<Profile>(), std::optional(Profile::Ldk), std::optional(Profile::Draft)})
      expect_invalid_payload(receive(htlc_with(GetParam().length, last, hold)));
}

// [B2-rem-05, B2-rem-06, B4-fail-01]
TEST_P(ForeignOnion, behind_a_path_key_fails_as_everything_does_there) {
  auto& node = world.r;
  onion::PathHop hop{node.id, {}};
  hop.data.path_id = Bytes(8, 1);
  auto path = *onion::blind(key(70), onion::padded({hop}));
  auto packet = *onion::build_packet(key(74), {{path.path[0].blinded_node_id, GetParam().length}}, hash(1).view(),
                                     onion::kPaymentPayloads);
  wire::UpdateAddHtlc add;
  add.channel_id = channel_id(3);
  add.amount_msat = Msat(50'000'000);
  add.payment_hash = hash(1);
  add.cltv_expiry = CltvExpiry(900);
  add.onion_routing_packet = packet;
  add.path_key = path.first_path_key;
  auto effects = node.step(HtlcReceived{add.channel_id, world.m.id, add});
  EXPECT_TRUE(of<FailHtlc>(effects).empty());
  ASSERT_EQ(of<FailMalformedHtlc>(effects).size(), 1U);
  EXPECT_EQ(of<FailMalformedHtlc>(effects)[0].failure_code, onion::kInvalidOnionBlinding);
  EXPECT_EQ(of<FailMalformedHtlc>(effects)[0].sha256_of_onion, crypto::sha256(packet));
}

INSTANTIATE_TEST_SUITE_P(Lengths, ForeignOnion, ::testing::ValuesIn(kBadLengths),
                         [](const auto& info) { return std::string(info.param.name); });

// [B4-fail-02]
TEST_F(Holds, an_introduction_node_tells_nothing_of_a_payload_that_it_cannot_read) {
  onion::BlindedForwardPayload good{Bytes(50, 3), crypto::public_key(key(70))};
  auto bytes = onion::encode(good);
  append(bytes, Bytes{0xfe, 0x00, 0x01, 0x00, 0x00, 1, 7});  // an even type that nobody knows
  auto add = htlc(0, std::nullopt);
  add.onion_routing_packet = *onion::build_packet(
      key(74), {{l.id, onion::with_length(bytes)}, {world.m.id, onion::with_length(Bytes{0xff, 0})}}, hash(1).view(),
      onion::kPaymentPayloads);
  auto effects = receive(add);
  ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
  auto read =
      onion::decode_failure(onion::shared_secrets(key(74), {l.id, world.m.id}), of<FailHtlc>(effects)[0].reason);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->code, onion::kInvalidOnionBlinding);
}

// [B4-read-08, B4-read-10, B4-blind-11]
TEST_F(Holds, a_hop_of_a_blinded_path_that_says_too_little_fails_like_every_other) {
  onion::RecipientData good;
  good.short_channel_id = scid(2);
  good.payment_relay = {CltvDelta(72), 0, Msat(10'000)};
  good.payment_constraints = {CltvExpiry(2'000), Msat(1)};
  std::uint64_t id = 0;
  auto arrives = [&](const Bytes& data, std::uint8_t path_key = 70) {
    auto path = *onion::blind(key(70), {{l.id, data}, {world.m.id, Bytes(8, 0)}});
    onion::BlindedForwardPayload payload{path.path[0].encrypted_recipient_data, crypto::public_key(key(path_key))};
    auto add = htlc(++id);
    add.onion_routing_packet = *onion::build_packet(
        key(74), {{l.id, onion::with_length(onion::encode(payload))}, {world.m.id, onion::with_length(Bytes{0xff, 0})}},
        hash(1).view(), onion::kPaymentPayloads);
    return receive(add);
  };
  auto fails = [&](const Bytes& data, std::uint8_t path_key = 70) {
    auto effects = arrives(data, path_key);
    EXPECT_TRUE(of<AddHtlc>(effects).empty() && of<FailMalformedHtlc>(effects).empty());
    auto failed = of<FailHtlc>(effects);
    auto read = failed.size() == 1
                    ? onion::decode_failure(onion::shared_secrets(key(74), {l.id, world.m.id}), failed[0].reason)
                    : std::nullopt;
    return read && read->code == onion::kInvalidOnionBlinding;
  };
  auto changed = [&](const std::function<void(onion::RecipientData&)>& change) {
    auto data = good;
    change(data);
    return onion::encode(data);
  };
  arrives(onion::encode(good));
  EXPECT_EQ(state(id), "held");
  EXPECT_TRUE(fails(changed([](auto& data) { data.payment_relay.reset(); })));
  EXPECT_TRUE(fails(changed([](auto& data) { data.short_channel_id.reset(); })));
  EXPECT_TRUE(fails(changed([&](auto& data) { data.next_node_id = world.m.id; }))) << "two names for the next hop";
  EXPECT_TRUE(fails(changed([](auto& data) { data.payment_constraints->max_cltv_expiry = CltvExpiry(1'071); })));
  EXPECT_TRUE(fails(changed([](auto& data) { data.payment_constraints->htlc_minimum_msat = Msat(50'010'001); })));
  EXPECT_TRUE(fails(changed([](auto& data) { data.allowed_features = Bytes{2}; })));
  EXPECT_TRUE(fails(changed([](auto& data) { data.payment_relay->fee_base_msat = Msat(50'010'001); })));
  auto unknown = onion::encode(good);
  append(unknown, Bytes{0xfe, 0x00, 0x01, 0x00, 0x00, 0});
  EXPECT_TRUE(fails(unknown));
  EXPECT_TRUE(fails(onion::encode(good), 71)) << "a path key that does not decrypt it";
}

// ---- BOLT 4, "Failure Messages": data that a payer needs ----

// [B4-fail-03]
TEST_F(Holds, a_failure_over_fee_amount_or_delta_says_by_what_it_was_judged) {
  auto failure = [&](const wire::UpdateAddHtlc& add) {
    auto effects = receive(add);
    EXPECT_EQ(of<FailHtlc>(effects).size(), 1U);
    auto read =
        onion::decode_failure(onion::shared_secrets(key(74), {l.id, world.m.id}), of<FailHtlc>(effects).at(0).reason);
    EXPECT_TRUE(read.has_value());
    return *read;
  };
  auto cheap = htlc(0, std::nullopt);
  cheap.amount_msat = Msat(50'000'001);
  auto fee = failure(cheap);
  EXPECT_EQ(fee.code, onion::kFeeInsufficient);
  EXPECT_EQ(fee.data, Writer().u64(50'000'001).u16(0).take());  // incoming htlc_msat, no channel_update

  auto late = htlc(1, std::nullopt);
  late.cltv_expiry = CltvExpiry(1'071);
  auto delta = failure(late);
  EXPECT_EQ(delta.code, onion::kIncorrectCltvExpiry);
  EXPECT_EQ(delta.data, Writer().u32(1'000).u16(0).take());  // outgoing cltv_expiry

  l.config.fees.htlc_minimum = Msat(50'000'001);
  auto small = failure(htlc(2, std::nullopt));
  EXPECT_EQ(small.code, onion::kAmountBelowMinimum);
  EXPECT_EQ(small.data, Writer().u64(50'000'000).u16(0).take());  // outgoing htlc_msat

  l.config.fees.htlc_minimum = Msat(1);
  auto absent = htlc(3, std::nullopt);
  l.channels.erase(channel_id(2));
  EXPECT_TRUE(failure(absent).data.empty());  // unknown_next_peer has none
}

// [B2-rem-11]
TEST_F(Holds, a_malformed_failure_comes_back_with_its_code_and_hash) {
  auto offered = of<AddHtlc>(receive(htlc(0, std::nullopt)));
  ASSERT_EQ(offered.size(), 1U);
  l.step(HtlcAdded{offered[0].origin, channel_id(2), 4});
  auto sha256_of_onion = crypto::sha256(Bytes{1});
  auto effects = l.step(HtlcFailed{offered[0].origin, channel_id(2), 4,
                                   FailReason(MalformedReason{sha256_of_onion, onion::kInvalidOnionHmac})});
  ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
  auto read =
      onion::decode_failure(onion::shared_secrets(key(74), {l.id, world.m.id}), of<FailHtlc>(effects)[0].reason);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->hop, 0U);
  EXPECT_EQ(read->code, onion::kInvalidOnionHmac);
  EXPECT_EQ(read->data, to_bytes(sha256_of_onion.view()));
}

TEST_F(Holds, a_failure_that_nobody_can_have_made_is_replaced_by_one_of_ours) {
  for (std::size_t size : {std::size_t{0}, onion::kShortestFailure - 1, onion::kShortestFailure, std::size_t{292}}) {
    auto id = static_cast<std::uint64_t>(size);
    receive(htlc(id, std::nullopt));
    l.step(HtlcAdded{origin(id), channel_id(2), id});
    auto effects = l.step(HtlcFailed{origin(id), channel_id(2), id, Bytes(size, 9)});
    ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
    auto reason = of<FailHtlc>(effects)[0].reason;
    auto read = onion::decode_failure(onion::shared_secrets(key(74), {l.id, world.m.id}), reason);
    bool ours = size < onion::kShortestFailure;
    ASSERT_EQ(read.has_value(), ours) << size;
    if (ours)
      EXPECT_EQ(read->code, onion::kTemporaryChannelFailure);
    else
      EXPECT_EQ(reason.size(), size);  // one more layer around it
  }
}

TEST_F(Holds, a_hold_that_got_no_release_path_fails_at_once) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    auto id = static_cast<std::uint64_t>(profile);
    auto add = htlc(id, profile);
    l.channels.at(add.channel_id).received_htlcs.insert(id);
    auto effects = l.step(HtlcReceived{add.channel_id, world.s.id, add, false, true});
    expect_failed(effects, id, onion::kTemporaryNodeFailure);
  }
}

}  // namespace
}  // namespace doze::forwarding::testing
