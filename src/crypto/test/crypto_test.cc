#include "crypto/crypto.h"
#include "crypto/blinding.h"

#include <gtest/gtest.h>

#include <tuple>

#include "vectors.h"

namespace doze::crypto {
namespace {

PrivateKey key(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(byte);
  return PrivateKey(bytes);
}

TEST(Hashes, Sha256) {
  for (const auto& vector : vectors::kDigests) {
    Bytes data;
    for (unsigned i = 0; i < vector.times; ++i) append(data, bytes_of(vector.text));
    EXPECT_EQ(sha256(data).hex(), vector.sha256);
    // In two parts, cut anywhere near a block.
    for (std::size_t cut : {0U, 1U, 63U, 64U, 65U}) {
      if (cut > data.size()) continue;
      auto first = ByteView(data).first(cut), second = ByteView(data).subspan(cut);
      EXPECT_EQ(sha256({first, second}).hex(), vector.sha256);
      Sha256 running;
      running.add(first);
      auto copy = running;
      (void)running.finish();
      EXPECT_EQ(running.add(second).finish().hex(), vector.sha256);
      EXPECT_EQ(copy.add(second).finish().hex(), vector.sha256);
    }
    EXPECT_EQ(sha256d(data), sha256(sha256(data).view()));
  }
}

TEST(Hashes, Others) {
  EXPECT_EQ(ripemd160(bytes_of("abc")).hex(), "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
  EXPECT_EQ(ripemd160({}).hex(), "9c1185a5c5e9fc54612808977ee8f548b2258d31");
  EXPECT_EQ(sha1(bytes_of("abc")).hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hash160(bytes_of("abc")), ripemd160(sha256(bytes_of("abc")).view()));
  auto tag = sha256(bytes_of("BIP0340/challenge"));
  EXPECT_EQ(tagged_hash(bytes_of("BIP0340/challenge"), {bytes_of("a"), bytes_of("bc")}),
            sha256({tag.view(), tag.view(), bytes_of("abc")}));
  Preimage preimage;
  EXPECT_EQ(payment_hash(preimage).hex(), "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
}

TEST(Hashes, HmacOfRfc4231) {
  for (const auto& vector : vectors::kHmacs) {
    auto k = hex(vector.key), data = hex(vector.data);
    EXPECT_EQ(hmac_sha256(k, data).hex(), vector.sha256);
    EXPECT_EQ(hmac_sha256(k, {ByteView(data).first(3), ByteView(data).subspan(3)}).hex(), vector.sha256);
    EXPECT_EQ(to_hex(hmac_sha512(k, data)), vector.sha512);
    HmacSha256 keyed(k);
    for (int again = 0; again < 2; ++again)
      EXPECT_EQ(keyed.of({ByteView(data).first(3), ByteView(data).subspan(3)}).hex(), vector.sha256);
  }
}

TEST(Hashes, HkdfOfRfc5869) {
  for (const auto& vector : vectors::kHkdfs) {
    auto expected = hex(vector.okm);
    EXPECT_EQ(to_hex(hkdf_sha256(hex(vector.salt), hex(vector.ikm), hex(vector.info), expected.size())), vector.okm);
    // A shorter output is the beginning of a longer one.
    EXPECT_TRUE(
        equal(hkdf_sha256(hex(vector.salt), hex(vector.ikm), hex(vector.info), 7), ByteView(expected).first(7)));
  }
  EXPECT_EQ(hkdf_sha256({}, {}, {}, 8160).size(), 8160U);
}

TEST(Ciphers, ChaCha20) {
  Bytes zero_key(32), zero_nonce(12);
  auto expected = hex(vectors::kChaCha20Zero);
  EXPECT_EQ(to_hex(chacha20_stream(zero_key, zero_nonce, expected.size())), vectors::kChaCha20Zero);
  EXPECT_TRUE(equal(chacha20_stream(zero_key, zero_nonce, 65), ByteView(expected).first(65)));
  EXPECT_TRUE(chacha20_stream(zero_key, zero_nonce, 0).empty());
  Bytes data(70, 0xff);
  chacha20_xor(zero_key, zero_nonce, data);
  for (std::size_t i = 0; i < data.size(); ++i) EXPECT_EQ(data[i], expected[i] ^ 0xff);
}

TEST(Ciphers, AeadOfRfc8439) {
  auto k = hex(vectors::kAeadKey), nonce = hex(vectors::kAeadNonce), associated = hex(vectors::kAeadAssociated);
  auto sealed = aead_encrypt(k, nonce, associated, bytes_of(vectors::kAeadPlain));
  EXPECT_EQ(to_hex(sealed), std::string(vectors::kAeadCipher) + vectors::kAeadTag);
  auto opened = aead_decrypt(k, nonce, associated, sealed);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(equal(*opened, bytes_of(vectors::kAeadPlain)));
  // Nothing may change: no byte, no length, no key, no nonce, no associated data.
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] ^= 1;
    EXPECT_FALSE(aead_decrypt(k, nonce, associated, changed)) << at;
    EXPECT_FALSE(aead_decrypt(k, nonce, associated, ByteView(sealed).first(at))) << at;
  }
  for (auto* part : {&k, &nonce, &associated}) {
    part->back() ^= 1;
    EXPECT_FALSE(aead_decrypt(k, nonce, associated, sealed));
    part->back() ^= 1;
  }
  auto empty = aead_encrypt(k, nonce, {}, {});
  EXPECT_EQ(empty.size(), 16U);
  EXPECT_EQ(aead_decrypt(k, nonce, {}, empty), Bytes{});
}

// Two libraries share the work, by size: nothing tells where.
TEST(Ciphers, LongStreamsContinueShortOnes) {
  Bytes k(32, 3), nonce(12, 4), whole(4'000);
  for (std::size_t at = 0; at < whole.size(); at += 50)  // 50 bytes are libsodium's
    chacha20_xor(k, nonce, std::span(whole).subspan(at, 50), at);
  EXPECT_EQ(chacha20_stream(k, nonce, whole.size()), whole);
  for (std::size_t offset : {0U, 1U, 63U, 64U, 65U, 1'300U}) {
    Bytes rest(whole.size() - offset);
    chacha20_xor(k, nonce, rest, offset);
    EXPECT_TRUE(equal(rest, ByteView(whole).subspan(offset))) << offset;
  }
}

TEST(Ciphers, LongMessagesAreAuthenticatedAsShortOnesAre) {
  Bytes k(32, 5), nonce(12, 6), associated(20, 7);
  for (std::size_t size : {1'199U, 1'200U, 1'201U, 40'000U}) {
    Bytes plain(size, 8);
    auto sealed = aead_encrypt(k, nonce, associated, plain);
    // RFC 8439: the text is the key stream from its second block on.
    Bytes text = plain;
    chacha20_xor(k, nonce, text, 64);
    EXPECT_TRUE(equal(ByteView(sealed).first(size), text)) << size;
    EXPECT_EQ(aead_decrypt(k, nonce, associated, sealed), plain);
    EXPECT_FALSE(aead_decrypt(k, nonce, {}, sealed));
    for (std::size_t at : {std::size_t{0}, size / 2, size, size + 15}) {
      auto changed = sealed;
      changed[at] ^= 1;
      EXPECT_FALSE(aead_decrypt(k, nonce, associated, changed)) << size << " " << at;
    }
    EXPECT_EQ(aead_decrypt(k, nonce, associated, sealed), plain);
  }
}

TEST(Curve, SchnorrOfBip340) {
  for (const auto& vector : vectors::kSchnorr) {
    auto x = XOnlyKey::from_hex_or_die(vector.key);
    auto message = Hash32::from_hex_or_die(vector.message);
    auto signature = SchnorrSignature::from_hex_or_die(vector.signature);
    EXPECT_EQ(schnorr_verify(x, message, signature), vector.good) << vector.index;
    for (std::uint8_t sign : {2, 3}) {
      auto full = *PublicKey::from(Writer().u8(sign).bytes(x.view()).view());
      EXPECT_EQ(schnorr_verify(full, message, signature), vector.good) << vector.index;
    }
    if (*vector.secret == 0) continue;
    auto secret = PrivateKey::from_hex_or_die(vector.secret);
    EXPECT_EQ(x_only(public_key(secret)), x) << vector.index;
    EXPECT_EQ(schnorr_sign(secret, message, Hash32::from_hex_or_die(vector.aux)).hex(), vector.signature);
    EXPECT_TRUE(schnorr_verify(x, message, schnorr_sign(secret, message)));
  }
}

// [B2-fund-04]
TEST(Curve, EcdsaIsDeterministicAndLowS) {
  // RFC 6979 over secp256k1, as wallets publish it: key 1, SHA256("Satoshi Nakamoto").
  auto one = *parse_private_key(hex("0000000000000000000000000000000000000000000000000000000000000001"));
  auto digest = sha256(bytes_of("Satoshi Nakamoto"));
  auto signature = ecdsa_sign(one, digest);
  EXPECT_EQ(signature.hex(),
            "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
            "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
  EXPECT_TRUE(ecdsa_verify(public_key(one), digest, signature));
  EXPECT_FALSE(ecdsa_verify(public_key(key(2)), digest, signature));
  EXPECT_FALSE(ecdsa_verify(public_key(one), sha256({}), signature));
  EXPECT_EQ(from_der(to_der(signature)), signature);
  // n - s is the same signature to the curve, and refused.
  auto high = signature;
  auto s = *parse_private_key(ByteView(signature.bytes).subspan(32));
  auto negated = negate(s);
  std::copy(negated.reveal().begin(), negated.reveal().end(), high.bytes.begin() + 32);
  EXPECT_FALSE(ecdsa_verify(public_key(one), digest, high));
  EXPECT_FALSE(from_der(to_der(high)));
}

TEST(Curve, BlindingChangesNoResult) {
  auto digest = sha256(bytes_of("digest"));
  auto results = [&] {
    return std::tuple(public_key(key(7)), ecdsa_sign(key(7), digest), schnorr_sign(key(7), digest),
                      ecdh(key(7), public_key(key(9))));
  };
  auto before = results();
  for (std::uint8_t seed : {std::uint8_t{1}, std::uint8_t{0}, std::uint8_t{255}}) {
    randomize_curve(Bytes(32, seed));
    EXPECT_EQ(results(), before);
  }
}

TEST(Curve, SignerIsRecoveredFromLowAndHighS) {
  auto digest = sha256(bytes_of("Satoshi Nakamoto"));
  auto signature = ecdsa_sign(key(1), digest);
  auto candidates = [&](const Signature& of) {
    std::size_t found = 0;
    for (std::uint8_t id = 0; id < 4; ++id) found += ecdsa_recover(digest, of, id) == public_key(key(1)) ? 1 : 0;
    return found;
  };
  EXPECT_EQ(candidates(signature), 1U);
  auto high = signature;
  auto negated = negate(*parse_private_key(ByteView(signature.bytes).subspan(32)));
  std::copy(negated.reveal().begin(), negated.reveal().end(), high.bytes.begin() + 32);
  EXPECT_EQ(candidates(high), 1U);
  EXPECT_FALSE(ecdsa_recover(digest, signature, 4));
  EXPECT_FALSE(ecdsa_recover(digest, Signature{}, 0));
}

TEST(Curve, DerIsStrict) {
  auto der = to_der(ecdsa_sign(key(3), sha256({})));
  ASSERT_TRUE(from_der(der));
  for (std::size_t cut = 0; cut < der.size(); ++cut) EXPECT_FALSE(from_der(ByteView(der).first(cut))) << cut;
  auto longer = der;
  longer.push_back(0);
  EXPECT_FALSE(from_der(longer));
  // A length in two bytes, and a number with a needless zero.
  Bytes long_form{0x30, 0x81, der[1]};
  append(long_form, ByteView(der).subspan(2));
  EXPECT_FALSE(from_der(long_form));
  Bytes padded{0x30, static_cast<std::uint8_t>(der[1] + 1), 0x02, static_cast<std::uint8_t>(der[3] + 1), 0};
  append(padded, ByteView(der).subspan(4));
  if (der[4] != 0) {
    EXPECT_FALSE(from_der(padded));
  }
}

TEST(Curve, KeysAndPointsOutsideTheRangeAreRefused) {
  const auto* order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
  EXPECT_FALSE(parse_private_key(Bytes(32)));
  EXPECT_FALSE(parse_private_key(hex(order)));
  EXPECT_FALSE(parse_private_key(Bytes(32, 0xff)));
  EXPECT_FALSE(parse_private_key(Bytes(31, 1)));
  EXPECT_TRUE(parse_private_key(hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140")));
  auto point = public_key(key(4));
  EXPECT_EQ(parse_point(point.view()), point);
  for (std::uint8_t first : {0, 1, 4, 5, 6, 7}) {
    auto bytes = to_bytes(point.view());
    bytes[0] = first;
    EXPECT_FALSE(parse_point(bytes)) << int{first};
  }
  auto off_curve = hex("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");
  EXPECT_FALSE(parse_point(off_curve));
  EXPECT_FALSE(is_valid(*PublicKey::from(off_curve)));
  EXPECT_FALSE(is_valid(PublicKey{}));
  EXPECT_FALSE(tweak_mul(point, Bytes(32)));
  EXPECT_FALSE(tweak_mul(point, hex(order)));
  EXPECT_FALSE(tweak_mul(*PublicKey::from(off_curve), Bytes(32, 1)));
  EXPECT_FALSE(tweak_add(key(4), negate(key(4)).reveal()));
  EXPECT_FALSE(tweak_add(point, negate(key(4)).reveal()));
  EXPECT_FALSE(combine(point, public_key(negate(key(4)))));
}

TEST(Curve, TweaksOfKeysAndPointsAgree) {
  auto secret = key(5);
  auto point = public_key(secret);
  auto scalar = sha256(bytes_of("tweak"));
  EXPECT_EQ(public_key(*tweak_mul(secret, scalar.view())), *tweak_mul(point, scalar.view()));
  EXPECT_EQ(public_key(*tweak_add(secret, scalar.view())), *tweak_add(point, scalar.view()));
  EXPECT_EQ(*combine(point, public_key(*parse_private_key(scalar.view()))), *tweak_add(point, scalar.view()));
  EXPECT_EQ(ecdh(secret, public_key(key(6))), ecdh(key(6), point));
  auto product = tweak_mul(public_key(key(6)), secret.reveal());
  EXPECT_TRUE(equal(ecdh(secret, public_key(key(6))).reveal(), sha256(product->view()).view()));
  EXPECT_EQ(negate(negate(secret)), secret);
  EXPECT_EQ(x_only(public_key(negate(secret))), x_only(point));
}

TEST(Curve, ZeroIsAStepOfNoLength) {
  auto point = public_key(key(5));
  EXPECT_EQ(tweak_add(point, Bytes(32)), point);
}

// Points that were seen lately are kept, found by their last byte: others with the same one are not mistaken for them.
TEST(Curve, APointIsNotMistakenForOneSeenBefore) {
  std::vector<PublicKey> points;
  for (std::uint8_t i = 1; i < 200; ++i) points.push_back(public_key(key(i)));
  std::vector<SharedSecret> secrets;
  for (const auto& point : points) secrets.push_back(ecdh(key(201), point));
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(ecdh(key(201), points[i]), secrets[i]);
    auto other_sign = points[i];
    other_sign.bytes[0] ^= 1;
    EXPECT_TRUE(is_valid(other_sign));
    EXPECT_EQ(combine(points[i], other_sign), std::nullopt) << "P - P";
    auto no_prefix = points[i];
    no_prefix.bytes[0] = 4;
    EXPECT_FALSE(is_valid(no_prefix));
  }
  EXPECT_FALSE(is_valid(PublicKey()));
}

TEST(Curve, UncompressedPointsAreCompressed) {
  // The generator. SEC 2.
  auto bytes =
      hex("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
          "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8");
  auto one = *parse_private_key(hex("0000000000000000000000000000000000000000000000000000000000000001"));
  EXPECT_EQ(compress_point(bytes), public_key(one));
  bytes.back() ^= 1;
  EXPECT_FALSE(compress_point(bytes));
  EXPECT_FALSE(compress_point(public_key(one).view()));
}

TEST(Memory, ComparisonAndWiping) {
  EXPECT_TRUE(equal_constant_time(hex("0102"), hex("0102")));
  EXPECT_FALSE(equal_constant_time(hex("0102"), hex("0103")));
  EXPECT_FALSE(equal_constant_time(hex("0102"), hex("01")));
  EXPECT_TRUE(equal_constant_time({}, {}));
  Bytes bytes(20, 7);
  wipe(bytes);
  EXPECT_EQ(bytes, Bytes(20));
}

}  // namespace
}  // namespace doze::crypto
