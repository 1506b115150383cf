// Objects with a signature or a MAC: each flipped bit is refused, and so is each piece from the front.
#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "graph/verify.h"
#include "offers/bolt11.h"
#include "onion/own_path.h"
#include "onion/sphinx.h"
#include "samples.h"

namespace doze {
namespace {

/// `good` judges bytes.
template <class Judge>
void expect_only_itself(const Bytes& object, Judge good) {
  ASSERT_TRUE(good(object));
  for (std::size_t bit = 0; bit < object.size() * 8; ++bit) {
    auto changed = object;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    ASSERT_FALSE(good(changed)) << "bit " << bit % 8 << " of byte " << bit / 8;
  }
  for (std::size_t size = 0; size < object.size(); ++size)
    ASSERT_FALSE(good(Bytes(object.begin(), object.begin() + static_cast<std::ptrdiff_t>(size)))) << size << " bytes";
}

TEST(EveryBit, invoice_request) {
  expect_only_itself(fuzz::invoice_request().bytes(),
                     [](const Bytes& bytes) { return offers::InvoiceRequest::parse(bytes).has_value(); });
}
TEST(EveryBit, invoice) {
  expect_only_itself(fuzz::invoice().bytes(),
                     [](const Bytes& bytes) { return offers::Invoice::parse(bytes).has_value(); });
}
TEST(EveryBit, static_invoice) {
  for (auto profile : {Profile::Ldk, Profile::Draft})
    expect_only_itself(fuzz::static_invoice(profile).bytes(),
                       [](const Bytes& bytes) { return offers::StaticInvoice::parse(bytes).has_value(); });
}

Signature sign(std::uint8_t key, const Hash32& digest) {
  return crypto::ecdsa_sign(fuzz::key(key), digest);
}
/// Read as this message, and verified.
template <class M, class Verify>
void expect_signed(const Bytes& bytes, Verify verify) {
  expect_only_itself(bytes, [&](const Bytes& changed) {
    auto read = wire::decode(changed);
    const auto* message = read ? std::get_if<M>(&*read) : nullptr;
    return message != nullptr && verify(*message, changed).has_value();
  });
}
TEST(EveryBit, channel_announcement) {
  wire::ChannelAnnouncement message;
  message.short_channel_id = ShortChannelId::of(100, 1, 0);
  std::uint8_t low = 1, high = 2;
  if (fuzz::point(high) < fuzz::point(low)) std::swap(low, high);
  message.node_id_1 = fuzz::point(low);
  message.node_id_2 = fuzz::point(high);
  message.bitcoin_key_1 = fuzz::point(3);
  message.bitcoin_key_2 = fuzz::point(4);
  auto digest = wire::signature_hash(message);
  message.node_signature_1 = sign(low, digest);
  message.node_signature_2 = sign(high, digest);
  message.bitcoin_signature_1 = sign(3, digest);
  message.bitcoin_signature_2 = sign(4, digest);
  expect_signed<wire::ChannelAnnouncement>(wire::encode(message), graph::verify_channel_announcement);
}
TEST(EveryBit, channel_update) {
  wire::ChannelUpdate message;
  message.short_channel_id = ShortChannelId::of(100, 1, 0);
  message.signature = sign(1, wire::signature_hash(message));
  expect_signed<wire::ChannelUpdate>(wire::encode(message), [](const auto& update, const Bytes& bytes) {
    return graph::verify_channel_update(update, bytes, fuzz::point(1));
  });
}
TEST(EveryBit, node_announcement) {
  wire::NodeAnnouncement message;
  message.node_id = fuzz::point(1);
  message.addresses = {*wire::parse_address("127.0.0.1:9735")};
  message.signature = sign(1, wire::signature_hash(message));
  expect_signed<wire::NodeAnnouncement>(wire::encode(message), graph::verify_node_announcement);
}

TEST(EveryBit, onion) {
  std::vector<onion::Hop> hops{{fuzz::point(11), onion::with_length(Bytes{1, 1, 5})},
                               {fuzz::point(12), onion::with_length(Bytes{1, 1, 6})}};
  const Bytes associated(32, 0x42);
  auto ecdh = [](const PublicKey& point) { return crypto::ecdh(fuzz::key(11), point); };
  auto packet = onion::build_packet(fuzz::key(13), hops, associated, onion::kPaymentPayloads);
  ASSERT_TRUE(packet.has_value());
  expect_only_itself(*packet, [&](const Bytes& bytes) { return onion::peel(bytes, associated, ecdh).has_value(); });
  expect_only_itself(associated, [&](const Bytes& bytes) { return onion::peel(*packet, bytes, ecdh).has_value(); });
}

TEST(EveryBit, context_of_a_path_of_ours) {
  Secret key(std::array<std::uint8_t, 32>{7});
  expect_only_itself(onion::seal_context(key, 3, Bytes{1, 2, 3, 4}),
                     [&](const Bytes& bytes) { return onion::open_context(key, 3, bytes).has_value(); });
}

TEST(EveryBit, bolt11_text) {
  constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  std::string text;
  for (const auto& candidate : fuzz::vector_strings("bolt11/valid.json"))
    if (text.empty() && offers::Bolt11Invoice::parse(candidate)) text = candidate;
  ASSERT_FALSE(text.empty());
  for (std::size_t at = text.rfind('1') + 1; at < text.size(); ++at) {
    auto changed = text;
    changed[at] = kAlphabet[kAlphabet.find(changed[at]) ^ 1U];
    EXPECT_FALSE(offers::Bolt11Invoice::parse(changed)) << at;
    EXPECT_FALSE(offers::Bolt11Invoice::parse(text.substr(0, at))) << at;
  }
}

}  // namespace
}  // namespace doze
