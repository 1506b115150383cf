// Addresses and base58: BIP 173 and BIP 350 vectors, old addresses, mistypings.
#include "bitcoin/address.h"

#include "base/bech32.h"
#include "bitcoin/base58.h"
#include "bitcoin/script.h"
#include "vectors.h"

namespace doze::bitcoin {
namespace {

std::string hrp_of(const std::string& address) {
  return address[0] == 'b' || address[0] == 'B' ? "bc" : "tb";
}

TEST(Address, ReadsAndWritesTheValidVectors) {
  auto list = load_vectors("bech32.json").at("addresses").as_array();
  ASSERT_GE(list.size(), 10U);
  for (const auto& entry : list) {
    auto address = text_at(entry, "address");
    auto script = script_of_address(address, hrp_of(address));
    ASSERT_TRUE(script) << address << describe(script.error());
    EXPECT_EQ(*script, hex_at(entry, "script_pubkey"));
    EXPECT_EQ(address_of_script(*script, hrp_of(address)), *bech32_lower(address));
  }
}

TEST(Address, RefusesTheInvalidVectors) {
  auto list = load_vectors("bech32.json").at("bad_addresses").as_array();
  ASSERT_GE(list.size(), 25U);
  for (const auto& entry : list) {
    auto address = text_at(entry, "address");
    EXPECT_FALSE(script_of_address(address, "bc")) << address;
    EXPECT_FALSE(script_of_address(address, "tb")) << address;
  }
}

TEST(Address, BelongsToOneNetwork) {
  const std::string address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
  EXPECT_TRUE(script_of_address(address, kHrpMainnet));
  EXPECT_EQ(script_of_address(address, kHrpTestnet).error().code, ParseCode::BadValue);
  EXPECT_EQ(script_of_address(address, kHrpRegtest).error().code, ParseCode::BadValue);
  EXPECT_EQ(script_of_address("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", kHrpTestnet).error().code, ParseCode::BadValue);
}

TEST(Address, OldFormsGoBothWays) {
  auto p2pkh = script_of_address("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc");
  ASSERT_TRUE(p2pkh);
  EXPECT_EQ(to_hex(*p2pkh), "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac");
  EXPECT_EQ(address_of_script(*p2pkh, "bc"), "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa");
  for (auto hrp : {kHrpMainnet, kHrpTestnet, kHrpRegtest}) {
    for (const auto& script : {p2pkh_script(Hash20{}), p2sh_script(Hash20{{1, 2, 3}})}) {
      auto address = address_of_script(script, hrp);
      ASSERT_TRUE(address);
      EXPECT_EQ(*script_of_address(*address, hrp), script);
    }
  }
}

TEST(Address, MistypedTextSaysWhy) {
  EXPECT_EQ(script_of_address("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "bc").error().code, ParseCode::BadChecksum);
  EXPECT_EQ(script_of_address("1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Na", "bc").error().code, ParseCode::BadEncoding);
  EXPECT_EQ(script_of_address("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "bc").error().code, ParseCode::BadChecksum);
  EXPECT_EQ(script_of_address("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3tb", "bc").error().code, ParseCode::BadEncoding);
  EXPECT_FALSE(script_of_address("", "bc"));
  EXPECT_FALSE(script_of_address(std::string(500, '1'), "bc"));
}

TEST(Address, MistypedTextOfAnotherNetworkIsNotTakenForBase58) {
  for (const char* hrp : {"bc", "tb", "bcrt"})
    EXPECT_EQ(script_of_address("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", hrp).error().code,
              ParseCode::BadChecksum);
}

TEST(Address, ScriptsWithoutAddressHaveNone) {
  EXPECT_FALSE(address_of_script(hex(""), "bc"));
  EXPECT_FALSE(address_of_script(hex("6a0100"), "bc"));
  EXPECT_FALSE(address_of_script(hex("0003010203"), "bc"));  // version 0 of a wrong length
  EXPECT_EQ(address_of_script(hex("51024e73"), "bc"), "bc1pfeessrawgf");
}

TEST(Base58, KeepsLeadingZeros) {
  for (const char* text : {"", "00", "0000000001", "00ff00", "ffffffffff"}) {
    auto payload = hex(text);
    auto encoded = base58check_encode(payload);
    EXPECT_EQ(*base58check_decode(encoded), payload) << text;
  }
}

TEST(Base58, RefusesTooMuchAndTooLittle) {
  EXPECT_EQ(base58check_decode(std::string(kMaxBase58Length + 1, '1')).error().code, ParseCode::TooLarge);
  EXPECT_EQ(base58check_decode("").error().code, ParseCode::BadChecksum);
  EXPECT_EQ(base58check_decode("111").error().code, ParseCode::BadChecksum);
  EXPECT_EQ(base58check_decode("l").error().code, ParseCode::BadEncoding);
  auto encoded = base58check_encode(hex("0488ade4aabbcc"));
  for (std::size_t size = 0; size < encoded.size(); ++size) EXPECT_FALSE(base58check_decode(encoded.substr(0, size)));
}

}  // namespace
}  // namespace doze::bitcoin
