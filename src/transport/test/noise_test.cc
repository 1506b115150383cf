#include "transport/noise.h"

#include <gtest/gtest.h>

#include <boost/json/src.hpp>
#include <fstream>
#include <iterator>

#include "crypto/crypto.h"

namespace doze::transport {
namespace {

boost::json::value load(const char* file) {
  std::ifstream in(std::string(DOZE_VECTORS "/bolt08/") + file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(text.empty()) << file;
  return boost::json::parse(text);
}
Bytes bytes_at(const boost::json::object& object, const char* key) {
  return hex(std::string(object.at(key).as_string()));
}
Ecdh with(const PrivateKey& key) {
  return [key](const PublicKey& point) { return crypto::ecdh(key, point); };
}

const std::map<std::string, Refusal> kErrors = {
    {"ACT1_BAD_VERSION", {NoiseError::BadVersion, 1}}, {"ACT1_BAD_PUBKEY", {NoiseError::BadKey, 1}},
    {"ACT1_BAD_TAG", {NoiseError::BadTag, 1}},         {"ACT2_BAD_VERSION", {NoiseError::BadVersion, 2}},
    {"ACT2_BAD_PUBKEY", {NoiseError::BadKey, 2}},      {"ACT2_BAD_TAG", {NoiseError::BadTag, 2}},
    {"ACT3_BAD_VERSION", {NoiseError::BadVersion, 3}}, {"ACT3_BAD_CIPHERTEXT", {NoiseError::BadTag, 3}},
    {"ACT3_BAD_PUBKEY", {NoiseError::BadKey, 3}},      {"ACT3_BAD_TAG", {NoiseError::BadTag, 3}}};

TEST(Noise, HandshakeVectorsOfBolt8) {
  auto file = load("handshake.json");
  int checked = 0;
  for (const auto& value : file.as_object().at("cases").as_array()) {
    const auto& c = value.as_object();
    std::string name(c.at("name").as_string());
    auto local = *PrivateKey::from(bytes_at(c, "ls_priv"));
    auto ephemeral = *PrivateKey::from(bytes_at(c, "e_priv"));
    auto id = crypto::public_key(local);
    bool dials = c.contains("rs_pub");
    auto transport = dials ? Transport::initiator(*NodeId::from(bytes_at(c, "rs_pub")), id, with(local), ephemeral)
                           : Transport::responder(id, with(local), ephemeral);
    Bytes output = transport.take_output(), expected;
    std::optional<Refusal> refusal;
    for (const auto& input : c.at("inputs").as_array()) {
      // One byte at a time: nothing may depend on how the bytes arrive.
      for (auto byte : hex(std::string(input.as_string()))) {
        auto status = transport.feed(ByteView(&byte, 1));
        if (!status && !refusal) refusal = status.error();
      }
    }
    append(output, transport.take_output());
    for (const auto& part : c.at("outputs").as_array()) append(expected, hex(std::string(part.as_string())));
    EXPECT_EQ(to_hex(output), to_hex(expected)) << name;
    if (!c.contains("error")) {
      EXPECT_TRUE(transport.ready()) << name;
    } else if (auto error = std::string(c.at("error").as_string()); error.ends_with("READ_FAILED")) {
      EXPECT_FALSE(refusal) << name;
      EXPECT_FALSE(transport.ready()) << name;
    } else {
      ASSERT_TRUE(refusal) << name;
      ASSERT_TRUE(kErrors.contains(error)) << error;
      EXPECT_EQ(refusal->error, kErrors.at(error).error) << name;
      EXPECT_EQ(refusal->act, kErrors.at(error).act) << name;
      EXPECT_FALSE(transport.feed(hex("00"))) << name << ": fed on after a refusal";
    }
    ++checked;
  }
  EXPECT_EQ(checked, 15);
}

struct Pair {
  PrivateKey alice = PrivateKey::from_hex_or_die(std::string(64, '1')),
             bob = PrivateKey::from_hex_or_die(std::string(64, '2'));
  Transport a = Transport::initiator(crypto::public_key(bob), crypto::public_key(alice), with(alice),
                                     PrivateKey::from_hex_or_die(std::string(64, '3')));
  Transport b =
      Transport::responder(crypto::public_key(bob), with(bob), PrivateKey::from_hex_or_die(std::string(64, '4')));
  Pair() {
    EXPECT_TRUE(b.feed(a.take_output()));
    EXPECT_TRUE(a.feed(b.take_output()));
    EXPECT_TRUE(b.feed(a.take_output()));
    EXPECT_TRUE(a.ready() && b.ready());
    EXPECT_EQ(b.remote(), crypto::public_key(alice));
  }
};

TEST(Noise, MessageVectorsOfBolt8WithKeyRotation) {
  auto file = load("messages.json").as_object();
  auto ck = *Secret::from(bytes_at(file, "ck"));
  CipherState sender(*Secret::from(bytes_at(file, "sk")), ck), receiver(*Secret::from(bytes_at(file, "sk")), ck);
  const auto message = bytes_at(file, "message");
  const auto& outputs = file.at("outputs").as_object();
  std::size_t checked = 0;
  for (int i = 0; i <= 1001; ++i) {
    auto header = sender.encrypt(hex("0005"));
    auto body = sender.encrypt(message);
    EXPECT_EQ(receiver.decrypt(header), hex("0005"));
    EXPECT_EQ(receiver.decrypt(body), message);
    if (auto expected = outputs.if_contains(std::to_string(i))) {
      append(header, body);
      EXPECT_EQ(to_hex(header), std::string(expected->as_string())) << i;
      ++checked;
    }
  }
  EXPECT_EQ(checked, outputs.size());
  EXPECT_GE(checked, 6U);
}

TEST(Noise, MessagesOfAllSizesArriveInOrderHoweverTheyAreCut) {
  Pair pair;
  for (std::size_t size : {0U, 1U, 2U, 1000U, 65535U}) pair.a.send(Bytes(size, static_cast<std::uint8_t>(size)));
  auto stream = pair.a.take_output();
  std::vector<Bytes> got;
  for (std::size_t at = 0; at < stream.size(); at += 777) {
    ASSERT_TRUE(pair.b.feed(ByteView(stream).subspan(at, std::min<std::size_t>(777, stream.size() - at))));
    for (auto& message : pair.b.take_messages()) got.push_back(std::move(message));
    EXPECT_LE(pair.b.buffered(), kMaxMessageBytes + 16 + 777);
  }
  ASSERT_EQ(got.size(), 5U);
  EXPECT_EQ(got[4].size(), 65535U);
}

TEST(Noise, AnyFlippedBitOfAFrameIsRefused) {
  for (std::size_t at = 0; at < 18 + 5 + 16; ++at) {
    Pair pair;
    pair.a.send(hex("68656c6c6f"));
    auto stream = pair.a.take_output();
    stream[at] ^= 0x10;
    auto status = pair.b.feed(stream);
    ASSERT_FALSE(status) << at;
    EXPECT_EQ(status.error().error, NoiseError::BadTag);
    EXPECT_TRUE(pair.b.take_messages().empty());
  }
}

}  // namespace
}  // namespace doze::transport
