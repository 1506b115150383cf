// The JSON vectors of BOLT 4, reproduced and decoded.
#include <gtest/gtest.h>

#include <boost/json/src.hpp>
#include <fstream>
#include <iterator>

#include "crypto/crypto.h"
#include "onion/failures.h"
#include "onion/onion_message.h"
#include "onion/payment_onion.h"
#include "wire/tlv.h"

namespace doze::onion {
namespace {

namespace json = boost::json;

json::object load(const char* file) {
  std::ifstream in(std::string(DOZE_VECTORS "/bolt04/") + file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(text.empty()) << file;
  return json::parse(text).as_object();
}
Bytes at(const json::object& object, const char* key) {
  return hex(std::string(object.at(key).as_string()));
}
PublicKey key_at(const json::object& object, const char* key) {
  return *PublicKey::from(at(object, key));
}
PrivateKey secret_at(const json::object& object, const char* key) {
  return *PrivateKey::from(at(object, key));
}
Ecdh with(PrivateKey key) {
  return [key](const PublicKey& point) { return crypto::ecdh(key, point); };
}

// [B4-peel-05]
TEST(Bolt4Vectors, PaymentOnionIsBuiltAndPeeled) {
  auto file = load("onion-test.json");
  const auto& generate = file.at("generate").as_object();
  std::vector<Hop> hops;
  for (const auto& hop : generate.at("hops").as_array())
    hops.push_back({key_at(hop.as_object(), "pubkey"), at(hop.as_object(), "payload")});
  auto data = at(generate, "associated_data");
  auto packet = build_packet(secret_at(generate, "session_key"), hops, data, kPaymentPayloads);
  ASSERT_TRUE(packet);
  EXPECT_EQ(to_hex(*packet), std::string(file.at("onion").as_string()));
  std::size_t number = 0;
  for (const auto& key : file.at("decode").as_array()) {
    auto peeled = peel(*packet, data, with(PrivateKey::from_hex_or_die(std::string(key.as_string()))));
    ASSERT_TRUE(peeled);
    EXPECT_EQ(to_hex(with_length(peeled->payload)), to_hex(hops[number].payload));
    EXPECT_EQ(peeled->next_packet.has_value(), ++number < hops.size());
    if (peeled->next_packet) packet = peeled->next_packet;
  }
  EXPECT_EQ(number, 5U);
}

// [B4-err-05]
TEST(Bolt4Vectors, FailureIsWrappedOnTheWayBackAndReadByTheOrigin) {
  auto file = load("onion-error-test.json");
  const auto& generate = file.at("generate").as_object();
  std::vector<SharedSecret> secrets;
  std::vector<PublicKey> hops;
  for (const auto& hop : generate.at("hops").as_array()) {
    secrets.push_back(*SharedSecret::from(at(hop.as_object(), "hop_shared_secret")));
    hops.push_back(key_at(hop.as_object(), "pubkey"));
    EXPECT_EQ(generate_key("ammag", secrets.back().reveal()), *Hash32::from(at(hop.as_object(), "ammag_key")));
  }
  auto computed = shared_secrets(secret_at(generate, "session_key"), hops);
  ASSERT_EQ(computed.size(), secrets.size());
  for (std::size_t i = 0; i < secrets.size(); ++i) EXPECT_TRUE(computed[i] == secrets[i]) << i;
  auto packet = create_failure(secrets.back(), at(generate, "failure_message"));
  for (std::size_t i = secrets.size() - 1; i-- > 0;) packet = wrap_failure(secrets[i], packet);
  EXPECT_EQ(to_hex(packet), std::string(file.at("errorpacket").as_string()));
  auto failure = decode_failure(secrets, packet);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->hop, secrets.size() - 1);
  EXPECT_EQ(failure->code, kTemporaryNodeFailure);
  packet[40] ^= 1;
  EXPECT_FALSE(decode_failure(secrets, packet));
  for (std::size_t size = 0; size < 40; ++size) EXPECT_FALSE(decode_failure(secrets, ByteView(packet).first(size)));
}

// [B4-peel-04]
TEST(Peeling, PayloadLengthsThatDoNotFitAreRefused) {
  auto node = PrivateKey(crypto::sha256(bytes_of("node")).bytes);
  auto peel_of = [&](Bytes payload) {
    auto packet = build_packet(PrivateKey(crypto::sha256(bytes_of("session")).bytes),
                               {{crypto::public_key(node), std::move(payload)}}, {}, kPaymentPayloads);
    EXPECT_TRUE(packet.has_value());
    return peel(*packet, {}, with(node));
  };
  for (std::uint64_t length : {std::uint64_t{1'266}, std::uint64_t{1'300}, std::uint64_t{0xffff'ffff'ffff'ffd6},
                               std::uint64_t{0xffff'ffff'ffff'ffd7}, std::uint64_t{0xffff'ffff'ffff'ffff}}) {
    Writer payload;
    wire::write_bigsize(payload, length);
    auto peeled = peel_of(payload.take());
    ASSERT_FALSE(peeled.has_value()) << length;
    EXPECT_EQ(peeled.error().error, PeelError::BadPayload) << length;
    auto secrets = shared_secrets(PrivateKey(crypto::sha256(bytes_of("session")).bytes), {crypto::public_key(node)});
    EXPECT_EQ(peeled.error().shared_secret, secrets.at(0)) << length;  // a failure can be encrypted
  }
  Writer largest;
  wire::write_bigsize(largest, 1'265);
  EXPECT_EQ(peel_of(largest.bytes(Bytes(1'265, 7)).take())->payload, Bytes(1'265, 7));
}

TEST(Blinding, OurOwnHopsComeOutTheSameWithTheNodeKey) {
  auto session = PrivateKey(crypto::sha256(bytes_of("session")).bytes),
       ours = PrivateKey(crypto::sha256(bytes_of("us")).bytes);
  auto peer = crypto::public_key(PrivateKey(crypto::sha256(bytes_of("peer")).bytes)), us = crypto::public_key(ours);
  OwnNode own(us);
  std::size_t calls = 0;
  own.key_times = [&](ByteView scalar) { return ++calls, crypto::public_key(*crypto::tweak_mul(ours, scalar)); };
  std::vector<BlindHop> hops{{peer, Bytes(50, 1)}, {us, Bytes(50, 2)}, {us, Bytes(20, 3)}};
  EXPECT_EQ(blind(session, hops, own), blind(session, hops));
  EXPECT_EQ(calls, 4U) << "ECDH and blinded_node_id of each hop of ours";
  EXPECT_EQ(blind(session, hops, OwnNode(us)), blind(session, hops)) << "without the key";
}

// [B4-blind-01, B4-blind-05, B4-blind-10]
TEST(Bolt4Vectors, RoutesAreBlindedAndUnblinded) {
  auto file = load("route-blinding-test.json");
  for (const auto& value : file.at("generate").as_object().at("hops").as_array()) {
    const auto& hop = value.as_object();
    auto path = blind(secret_at(hop, "path_privkey"), {{key_at(hop, "node_id"), at(hop, "encoded_tlvs")}});
    ASSERT_TRUE(path);
    EXPECT_EQ(path->first_path_key, key_at(hop, "path_key"));
    EXPECT_EQ(path->path[0].blinded_node_id, key_at(hop, "blinded_node_id"));
    EXPECT_EQ(to_hex(path->path[0].encrypted_recipient_data), std::string(hop.at("encrypted_data").as_string()));
  }
  const auto& route = file.at("route").as_object().at("hops").as_array();
  std::size_t number = 0;
  for (const auto& value : file.at("unblind").as_object().at("hops").as_array()) {
    const auto& hop = value.as_object();
    auto node = secret_at(hop, "node_privkey");
    auto encrypted = at(route[number++].as_object(), "encrypted_data");
    auto open = unblind(key_at(hop, "path_key"), encrypted, with(node));
    ASSERT_TRUE(open);
    EXPECT_EQ(to_hex(open->data), std::string(hop.at("decrypted_data").as_string()));
    auto blinded = crypto::tweak_mul(node, open->tweak.view());
    ASSERT_TRUE(blinded);
    EXPECT_TRUE(*blinded == secret_at(hop, "blinded_privkey"));
    auto data = decode_recipient_data(open->data);
    ASSERT_TRUE(data) << describe(data.error());
    EXPECT_EQ(open->next_path_key(), key_at(hop, "next_path_key"));
    // The second hop starts a path that somebody else blinded.
    EXPECT_EQ(data->next_path_key_override.has_value(), number == 2);
    encrypted[0] ^= 1;
    EXPECT_FALSE(unblind(key_at(hop, "path_key"), encrypted, with(node)));
  }
  EXPECT_EQ(number, 4U);
}

// [B4-read-03]
TEST(Bolt4Vectors, BlindedPaymentOnion) {
  auto file = load("blinded-payment-onion-test.json");
  const auto& generate = file.at("generate").as_object();
  std::vector<Hop> hops;
  for (const auto& hop : generate.at("full_route").as_object().at("hops").as_array())
    hops.push_back({key_at(hop.as_object(), "pubkey"), at(hop.as_object(), "payload")});
  auto data = at(generate, "associated_data");
  // The vector names blinded hops by the key that encrypts for them.
  const auto& blinded = generate.at("blinded_route").as_object().at("hops").as_array();
  for (std::size_t i = 1; i < blinded.size(); ++i)
    hops[i + 1].node_id = key_at(blinded[i].as_object(), "blinded_node_id");
  auto packet = build_packet(secret_at(generate, "session_key"), hops, data, kPaymentPayloads);
  ASSERT_TRUE(packet);
  EXPECT_EQ(to_hex(*packet), std::string(generate.at("onion").as_string()));

  std::optional<PublicKey> path_key;
  std::size_t number = 0, last = hops.size() - 1;
  for (const auto& value : file.at("decrypt").as_object().at("hops").as_array()) {
    const auto& hop = value.as_object();
    EXPECT_EQ(to_hex(*packet), std::string(hop.at("onion").as_string())) << number;
    auto key = secret_at(hop, "node_privkey");
    auto peeling = key;
    if (path_key)
      peeling = *crypto::tweak_mul(key, generate_key("blinded_node_id", crypto::ecdh(key, *path_key).reveal()).view());
    auto peeled = peel(*packet, data, with(peeling));
    ASSERT_TRUE(peeled) << number;
    auto payload = decode_payload(peeled->payload, number == last, path_key.has_value());
    ASSERT_TRUE(payload) << number << describe(payload.error());
    EXPECT_EQ(to_hex(with_length(encode(*payload))), to_hex(hops[number].payload)) << number;
    if (const auto* inside = std::get_if<BlindedForwardPayload>(&*payload)) {
      auto open = unblind(inside->current_path_key ? *inside->current_path_key : *path_key,
                          inside->encrypted_recipient_data, with(key));
      ASSERT_TRUE(open) << number;
      auto terms = decode_recipient_data(open->data);
      ASSERT_TRUE(terms) << describe(terms.error());
      path_key = open->next_path_key(*terms);
    }
    EXPECT_EQ(std::holds_alternative<FinalPayload>(*payload), number == last);
    if (peeled->next_packet) packet = peeled->next_packet;
    ++number;
  }
  EXPECT_EQ(number, 5U);
}

// [B4-blind-08, B4-blind-09, B4-msg-02, B4-msg-05, B4-msg-08, B4-msg-15]
TEST(Bolt4Vectors, OnionMessageIsRelayedToItsEnd) {
  auto file = load("blinded-onion-message-onion-test.json");
  const auto& hops = file.at("decrypt").as_object().at("hops").as_array();
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const auto& hop = hops[i].as_object();
    auto decoded = wire::decode(at(hop, "onion_message"));
    ASSERT_TRUE(decoded) << describe(decoded.error());
    auto key = secret_at(hop, "privkey");
    auto peeled = peel_message(
        std::get<wire::OnionMessage>(*decoded),
        [&](const PublicKey& point, const Hash32* tweak) {
          return crypto::ecdh(tweak == nullptr ? key : *crypto::tweak_mul(key, tweak->view()), point);
        },
        [](const NextNode&) { return false; });
    if (i + 1 == hops.size()) {
      // The last hop's contents are an unknown odd type below 64: no message that we know.
      ASSERT_FALSE(peeled);
      EXPECT_EQ(peeled.error(), MessageRefusal::NoContents);
      continue;
    }
    ASSERT_TRUE(peeled) << i << name(peeled.error());
    const auto& relay = std::get<RelayMessage>(*peeled);
    EXPECT_EQ(std::get<NodeId>(relay.next), key_at(hop, "next_node_id"));
    EXPECT_EQ(to_hex(wire::encode(wire::Message(relay.message))),
              std::string(hops[i + 1].as_object().at("onion_message").as_string()));
  }
}

}  // namespace
}  // namespace doze::onion
