// Dummy hops and padding: a path tells neither its length nor which of its hops is the last.
#include "onion/dummy_hops.h"

#include <gtest/gtest.h>

#include <map>

#include "crypto/crypto.h"
#include "onion/onion_message.h"
#include "wire/tlv.h"

namespace doze::onion {
namespace {

PrivateKey key(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return PrivateKey(bytes);
}
NodeId node(std::uint8_t byte) {
  return crypto::public_key(key(byte));
}
constexpr std::uint8_t kPeer = 1, kUs = 2;

/// Over our peer to ourselves.
std::vector<PathHop> two_hops() {
  std::vector<PathHop> hops{{node(kPeer), {}}, {node(kUs), {}}};
  hops[0].data.next_node_id = node(kUs);
  hops[1].data.path_id = Bytes(7, 0x2a);
  return hops;
}

Result<std::variant<RelayMessage, ReceivedMessage>, MessageRefusal> peel_as(std::uint8_t who,
                                                                            const wire::OnionMessage& message) {
  auto ecdh = [&](const PublicKey& point, const Hash32* tweak) {
    return crypto::ecdh(tweak == nullptr ? key(who) : *crypto::tweak_mul(key(who), tweak->view()), point);
  };
  return peel_message(message, ecdh, [&](const NextNode& next) { return next == NextNode(node(who)); });
}

TEST(DummyHops, AreOurOwnInFrontOfTheLastHop) {
  auto hops = with_dummy_hops(two_hops(), 3, PathUse::Messages);
  ASSERT_EQ(hops.size(), 5U);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(hops[i].node_id, node(kUs));
    EXPECT_EQ(hops[i].data.next_node_id, node(kUs));
    EXPECT_FALSE(hops[i].data.payment_relay);
    EXPECT_FALSE(hops[i].data.path_id);
  }
  EXPECT_EQ(hops[4].data.path_id, Bytes(7, 0x2a));
  EXPECT_EQ(with_dummy_hops(two_hops(), 99, PathUse::Messages).size(), 2 + kMaxDummyHops);
  EXPECT_TRUE(with_dummy_hops({}, 2, PathUse::Messages).empty());
}

TEST(DummyHops, OfAPaymentPathChargeNothing) {
  auto hops = two_hops();
  hops[1].data.payment_constraints = PaymentConstraints{CltvExpiry(900), Msat(5)};
  auto dummy = with_dummy_hops(hops, 1, PathUse::Payments)[1].data;
  EXPECT_EQ(dummy.payment_constraints, hops[1].data.payment_constraints);
  ASSERT_TRUE(dummy.payment_relay);
  auto relayed = relay(*dummy.payment_relay, Msat(1'001), CltvExpiry(800));
  EXPECT_EQ(relayed->amount, Msat(1'001));
  EXPECT_EQ(relayed->expiry, CltvExpiry(800));
}

TEST(DummyHops, AMessageGoesThroughAllOfThemAtOurEnd) {
  for (std::size_t count : {0, 1, 3, 10}) {
    auto path = blind(key(3), padded(with_dummy_hops(two_hops(), count, PathUse::Messages)));
    ASSERT_TRUE(path);
    ASSERT_EQ(path->path.size(), 2 + count);
    for (const auto& hop : path->path)
      EXPECT_EQ(hop.encrypted_recipient_data.size(), path->path[0].encrypted_recipient_data.size());
    auto message = build_message(key(4), key(5), {}, node(kPeer), *path, {ReleaseHeldHtlc{}, std::nullopt});
    ASSERT_TRUE(message);
    auto at_peer = peel_as(kPeer, *message);
    ASSERT_TRUE(at_peer);
    auto& relayed = std::get<RelayMessage>(*at_peer);
    EXPECT_EQ(relayed.next, NextNode(node(kUs)));
    auto at_us = peel_as(kUs, relayed.message);
    ASSERT_TRUE(at_us) << count << name(at_us.error());
    EXPECT_EQ(std::get<ReceivedMessage>(*at_us).path_id, Bytes(7, 0x2a));
  }
}

TEST(DummyHops, MoreLayersThanOurOwnPathsHaveAreRefused) {
  auto hops = two_hops();
  auto dummy = with_dummy_hops(hops, 1, PathUse::Messages)[1];
  hops.insert(hops.end() - 1, kMaxOwnLayers, dummy);
  auto path = blind(key(3), padded(hops));
  auto message = build_message(key(4), key(5), {}, node(kPeer), *path, {ReleaseHeldHtlc{}, std::nullopt});
  auto relayed = std::get<RelayMessage>(*peel_as(kPeer, *message));
  auto at_us = peel_as(kUs, relayed.message);
  ASSERT_FALSE(at_us);
  EXPECT_EQ(at_us.error(), MessageRefusal::TooManyLayers);
}

TEST(Padding, MakesEveryMixtureOfSizesOne) {
  for (std::size_t longest : {1, 2, 3, 4, 5, 200, 252, 253, 254, 255, 256, 257, 258, 259, 300, 1'000})
    for (std::size_t other : {1, 2, 3, 60}) {
      auto hops = two_hops();
      hops[0].data = {};
      hops[0].data.path_id = Bytes(longest, 1);
      hops[1].data.path_id = Bytes(std::min(longest, other), 2);
      auto made = padded(hops);
      ASSERT_EQ(made.size(), 2U);
      EXPECT_EQ(made[0].data.size(), made[1].data.size()) << longest << " " << other;
      EXPECT_EQ(decode_recipient_data(made[1].data)->path_id, hops[1].data.path_id);
    }
}

// [B4-read-07, B4-msg-10]
TEST(RecipientData, WithAFeatureThatNobodyKnowsTheMessageIsIgnored) {
  for (std::uint8_t bits : {0, 1, 2}) {
    auto hops = two_hops();
    hops[1].data.allowed_features = Bytes{bits};
    auto message = build_message(key(4), key(5), {}, node(kPeer), *blind(key(3), bare(hops)), {ReleaseHeldHtlc{}, {}});
    auto at_us = peel_as(kUs, std::get<RelayMessage>(*peel_as(kPeer, *message)).message);
    EXPECT_EQ(at_us.has_value(), bits == 0);
  }
}

// [B4-msg-13]
TEST(RecipientData, OfTwoNamesForTheNextNodeItsIdCounts) {
  auto hops = two_hops();
  hops[0].data.short_channel_id = ShortChannelId(5);
  auto message = build_message(key(4), key(5), {}, node(kPeer), *blind(key(3), bare(hops)), {ReleaseHeldHtlc{}, {}});
  EXPECT_EQ(std::get<RelayMessage>(*peel_as(kPeer, *message)).next, NextNode(node(kUs)));
  hops[0].data.next_node_id.reset();
  message = build_message(key(4), key(5), {}, node(kPeer), *blind(key(3), bare(hops)), {ReleaseHeldHtlc{}, {}});
  EXPECT_EQ(std::get<RelayMessage>(*peel_as(kPeer, *message)).next, NextNode(ShortChannelId(5)));
  hops[0].data.short_channel_id.reset();
  message = build_message(key(4), key(5), {}, node(kPeer), *blind(key(3), bare(hops)), {ReleaseHeldHtlc{}, {}});
  EXPECT_EQ(peel_as(kPeer, *message).error(), MessageRefusal::BadPayload);
}

/// A message over one or two hops whose payloads have these records beside their data.
wire::OnionMessage message_with(const std::vector<std::vector<std::pair<std::uint64_t, Bytes>>>& beside) {
  auto hops = two_hops();
  if (beside.size() == 1) hops.erase(hops.begin());
  auto path = *blind(key(3), bare(hops));
  std::vector<Hop> out;
  for (std::size_t i = 0; i < beside.size(); ++i) {
    std::map<std::uint64_t, Bytes> records{{4, path.path[i].encrypted_recipient_data}};
    for (const auto& [type, value] : beside[i]) records[type] = value;
    wire::TlvWriter payload;
    for (const auto& [type, value] : records) payload.add(type, value);
    out.push_back({path.path[i].blinded_node_id, with_length(payload.take())});
  }
  return {path.first_path_key, *build_packet(key(5), out, {}, kPaymentPayloads)};
}

// [B4-msg-18]
TEST(RecipientData, ThereIsOneContentAndNoMore) {
  const std::pair<std::uint64_t, Bytes> release{74, {}}, request{64, Bytes{1}}, unknown{65, Bytes{1}};
  EXPECT_TRUE(peel_as(kUs, message_with({{release}})).has_value());
  EXPECT_EQ(peel_as(kUs, message_with({{}})).error(), MessageRefusal::NoContents);
  EXPECT_EQ(peel_as(kUs, message_with({{request, release}})).error(), MessageRefusal::NoContents);
  EXPECT_EQ(peel_as(kUs, message_with({{unknown, release}})).error(), MessageRefusal::NoContents);
  EXPECT_EQ(peel_as(kUs, message_with({{release, {6, {}}}})).error(), MessageRefusal::BadPayload);
}

// [B4-msg-12]
TEST(RecipientData, InFrontOfTheEndAPathIdOrAReplyPathIsRefused) {
  const std::pair<std::uint64_t, Bytes> release{74, {}};
  EXPECT_TRUE(peel_as(kPeer, message_with({{}, {release}})).has_value());
  EXPECT_EQ(peel_as(kPeer, message_with({{release}, {release}})).error(), MessageRefusal::BadPayload);
  auto reply = wire::to_bytes(*blind(key(6), bare(two_hops())));
  EXPECT_EQ(peel_as(kPeer, message_with({{{2, reply}}, {release}})).error(), MessageRefusal::BadPayload);
  auto hops = two_hops();
  hops[0].data.path_id = Bytes{1};
  auto message = build_message(key(4), key(5), {}, node(kPeer), *blind(key(3), bare(hops)), {ReleaseHeldHtlc{}, {}});
  EXPECT_EQ(peel_as(kPeer, *message).error(), MessageRefusal::BadPayload);
}

// [B4-msg-11]
TEST(RecipientData, InFrontOfTheEndAnyRecordBesideItIsRefusedAndAtTheEndAnOddOneIsNot) {
  const std::pair<std::uint64_t, Bytes> release{74, {}};
  for (std::uint64_t type : {1, 3, 5, 63}) {
    const std::pair<std::uint64_t, Bytes> odd{type, Bytes{1}};
    auto in_front = peel_as(kPeer, message_with({{odd}, {release}}));
    EXPECT_TRUE(!in_front && in_front.error() == MessageRefusal::BadPayload) << type;
    EXPECT_TRUE(peel_as(kUs, message_with({{odd, release}})).has_value()) << type;
  }
}

// [B4-msg-03]
TEST(MessageSize, IsOneOfTwo) {
  auto path = *blind(key(3), bare(two_hops()));
  auto size = [&](std::size_t contents) {
    auto message = build_message(key(4), key(5), {}, node(kPeer), path, {InvoiceRequest{Bytes(contents, 1)}, {}});
    return message ? message->onion_message_packet.size() : 0;
  };
  EXPECT_EQ(size(1), 1'366U);
  EXPECT_EQ(size(900), 1'366U);
  EXPECT_EQ(size(1'300), 32'834U);
  EXPECT_EQ(size(32'000), 32'834U);
  EXPECT_EQ(size(32'768), 0U);
}

// [B4-blind-03, B4-blind-12]
TEST(NextPathKeyOverride, JoinsTwoPathsOfDifferentMakers) {
  // Ours leads over our peer to a node from which somebody else's path starts, with a path key of its own.
  auto theirs = blind(key(6), {{node(7), [] {
                                  RecipientData data;
                                  data.path_id = Bytes{1};
                                  return encode(data);
                                }()}});
  std::vector<PathHop> ours{{node(kPeer), {}}};
  ours[0].data.next_node_id = node(7);
  ours[0].data.next_path_key_override = theirs->first_path_key;
  auto joined = *blind(key(8), padded(ours));
  joined.path.push_back(theirs->path[0]);
  auto message = build_message(key(4), key(5), {}, node(kPeer), joined, {ReleaseHeldHtlc{}, std::nullopt});
  auto relayed = std::get<RelayMessage>(*peel_as(kPeer, *message));
  EXPECT_EQ(relayed.message.path_key, theirs->first_path_key);
  auto end = peel_as(7, relayed.message);
  ASSERT_TRUE(end);
  EXPECT_EQ(std::get<ReceivedMessage>(*end).path_id, Bytes{1});
}

}  // namespace
}  // namespace doze::onion
