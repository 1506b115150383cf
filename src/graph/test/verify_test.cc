#include "graph/verify.h"

#include <gtest/gtest.h>

#include <functional>

#include "crypto/crypto.h"

namespace doze::graph {
namespace {

PrivateKey key(std::uint8_t number) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[31] = number;
  return PrivateKey(bytes);
}

// type ‖ signatures ‖ contents, signed by `signers` over the contents.
struct Signed {
  std::vector<Signature> signatures;
  Bytes message;
};
Signed sign(std::uint16_t type, const Bytes& contents, std::initializer_list<std::uint8_t> signers) {
  Signed out;
  auto digest = crypto::sha256d(contents);
  Writer writer;
  writer.u16(type);
  for (auto signer : signers) {
    out.signatures.push_back(crypto::ecdsa_sign(key(signer), digest));
    writer.bytes(out.signatures.back().view());
  }
  writer.bytes(contents);
  out.message = writer.take();
  return out;
}

struct SignedChannel {
  wire::ChannelAnnouncement announcement;
  Bytes message;
};
SignedChannel signed_channel() {
  auto made = sign(256, Bytes(170, 7), {1, 2, 3, 4});
  SignedChannel out;
  out.message = made.message;
  out.announcement.node_id_1 = crypto::public_key(key(1));
  out.announcement.node_id_2 = crypto::public_key(key(2));
  out.announcement.bitcoin_key_1 = crypto::public_key(key(3));
  out.announcement.bitcoin_key_2 = crypto::public_key(key(4));
  out.announcement.node_signature_1 = made.signatures[0];
  out.announcement.node_signature_2 = made.signatures[1];
  out.announcement.bitcoin_signature_1 = made.signatures[2];
  out.announcement.bitcoin_signature_2 = made.signatures[3];
  return out;
}

TEST(Verify, channel_announcement_needs_all_four_signatures) {
  auto good = signed_channel();
  EXPECT_TRUE(verify_channel_announcement(good.announcement, good.message).has_value());
  Signature wire::ChannelAnnouncement::*members[] = {
      &wire::ChannelAnnouncement::node_signature_1, &wire::ChannelAnnouncement::node_signature_2,
      &wire::ChannelAnnouncement::bitcoin_signature_1, &wire::ChannelAnnouncement::bitcoin_signature_2};
  std::uint64_t number = 0;
  for (auto member : members) {
    ++number;
    auto bad = signed_channel();
    (bad.announcement.*member).bytes[5] ^= 1;
    auto result = verify_channel_announcement(bad.announcement, bad.message);
    ASSERT_FALSE(result.has_value()) << number;
    EXPECT_EQ(result.error(), (ParseError{ParseCode::BadSignature, number}));
  }
}

TEST(Verify, channel_announcement_signatures_cover_every_byte_behind_them) {
  auto good = signed_channel();
  for (std::size_t i = 2 + 4 * 64; i < good.message.size(); ++i) {
    auto changed = good.message;
    changed[i] ^= 1;
    EXPECT_FALSE(verify_channel_announcement(good.announcement, changed).has_value()) << i;
  }
  auto longer = good.message;
  longer.push_back(0);
  EXPECT_FALSE(verify_channel_announcement(good.announcement, longer).has_value());
}

TEST(Verify, channel_update_is_signed_by_the_node_of_its_direction) {
  auto made = sign(258, Bytes(70, 9), {1});
  wire::ChannelUpdate update;
  update.signature = made.signatures[0];
  EXPECT_TRUE(verify_channel_update(update, made.message, crypto::public_key(key(1))).has_value());
  auto other = verify_channel_update(update, made.message, crypto::public_key(key(2)));
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ParseCode::BadSignature);
  made.message.back() ^= 1;
  EXPECT_FALSE(verify_channel_update(update, made.message, crypto::public_key(key(1))).has_value());
}

TEST(Verify, node_announcement_is_signed_by_its_node) {
  auto made = sign(257, Bytes(80, 9), {1});
  wire::NodeAnnouncement announcement;
  announcement.signature = made.signatures[0];
  announcement.node_id = crypto::public_key(key(1));
  EXPECT_TRUE(verify_node_announcement(announcement, made.message).has_value());
  announcement.node_id = crypto::public_key(key(2));
  EXPECT_FALSE(verify_node_announcement(announcement, made.message).has_value());
  announcement.node_id = NodeId{};  // no point at all
  EXPECT_FALSE(verify_node_announcement(announcement, made.message).has_value());
}

/// A message as it goes over the wire, signed by `signers` behind its type.
template <class T>
Bytes on_the_wire(const T& contents, std::initializer_list<Signature T::*> members,
                  std::initializer_list<std::uint8_t> signers) {
  auto made = contents;
  auto bytes = wire::encode(made);
  auto digest = crypto::sha256d(ByteView(bytes).subspan(2 + 64 * signers.size()));
  auto signer = signers.begin();
  for (auto member : members) made.*member = crypto::ecdsa_sign(key(*signer++), digest);
  return wire::encode(made);
}
void expect_all_bits_covered(const Bytes& message, const std::function<bool(const wire::Message&, ByteView)>& good) {
  auto accepts = [&](ByteView bytes) {
    auto read = wire::decode(bytes);
    return read && good(*read, bytes);
  };
  ASSERT_TRUE(accepts(message));
  for (std::size_t length = 0; length < message.size(); ++length)
    EXPECT_FALSE(accepts(ByteView(message).first(length))) << length;
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    auto changed = message;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(accepts(changed)) << bit / 8 << " " << bit % 8;
  }
}

TEST(Verify, no_message_survives_a_flipped_bit_or_a_cut) {
  using wire::ChannelAnnouncement, wire::ChannelUpdate, wire::NodeAnnouncement;
  ChannelAnnouncement channel;
  channel.node_id_1 = crypto::public_key(key(1));
  channel.node_id_2 = crypto::public_key(key(2));
  channel.bitcoin_key_1 = crypto::public_key(key(3));
  channel.bitcoin_key_2 = crypto::public_key(key(4));
  channel.short_channel_id = ShortChannelId::of(600, 1, 0);
  expect_all_bits_covered(
      on_the_wire(channel,
                  {&ChannelAnnouncement::node_signature_1, &ChannelAnnouncement::node_signature_2,
                   &ChannelAnnouncement::bitcoin_signature_1, &ChannelAnnouncement::bitcoin_signature_2},
                  {1, 2, 3, 4}),
      [](const wire::Message& read, ByteView bytes) {
        const auto* each = std::get_if<ChannelAnnouncement>(&read);
        return each != nullptr && verify_channel_announcement(*each, bytes).has_value();
      });
  ChannelUpdate update;
  update.short_channel_id = ShortChannelId::of(600, 1, 0);
  update.htlc_maximum_msat = Msat(1'000);
  expect_all_bits_covered(
      on_the_wire(update, {&ChannelUpdate::signature}, {1}), [](const wire::Message& read, ByteView bytes) {
        const auto* each = std::get_if<ChannelUpdate>(&read);
        return each != nullptr && verify_channel_update(*each, bytes, crypto::public_key(key(1))).has_value();
      });
  NodeAnnouncement node;
  node.node_id = crypto::public_key(key(1));
  node.alias[0] = 'a';
  expect_all_bits_covered(on_the_wire(node, {&NodeAnnouncement::signature}, {1}),
                          [](const wire::Message& read, ByteView bytes) {
                            const auto* each = std::get_if<NodeAnnouncement>(&read);
                            return each != nullptr && verify_node_announcement(*each, bytes).has_value();
                          });
}

TEST(Verify, short_messages_are_refused) {
  auto good = signed_channel();
  for (std::size_t size = 0; size <= 2 + 4 * 64; ++size) {
    auto result = verify_channel_announcement(good.announcement, ByteView(good.message).first(size));
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ParseCode::Truncated);
  }
  for (std::size_t size = 0; size <= 2 + 64; ++size) {
    EXPECT_EQ(verify_channel_update({}, ByteView(good.message).first(size), {}).error().code, ParseCode::Truncated);
    EXPECT_EQ(verify_node_announcement({}, ByteView(good.message).first(size)).error().code, ParseCode::Truncated);
  }
}

}  // namespace
}  // namespace doze::graph
