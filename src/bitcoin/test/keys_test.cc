// BIP 39 and BIP 32 vectors.
#include "bitcoin/keys.h"

#include "vectors.h"

namespace doze::bitcoin {
namespace {

constexpr const char* kZeroWords =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

std::vector<std::uint32_t> path_of(const std::string& text) {
  std::vector<std::uint32_t> out;
  for (std::size_t at = text.find('/'); at != std::string::npos; at = text.find('/', at + 1)) {
    auto end = text.find('/', at + 1);
    auto part = text.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    out.push_back(static_cast<std::uint32_t>(std::stoul(part)) | (part.back() == '\'' ? kHardened : 0));
  }
  return out;
}

TEST(Mnemonic, ReproducesTheVectors) {
  auto list = load_vectors("bip39.json").as_array();
  ASSERT_EQ(list.size(), 24U);
  for (const auto& entry : list) {
    auto words = text_at(entry, "mnemonic");
    EXPECT_EQ(mnemonic_from_entropy(hex_at(entry, "entropy")).view(), words);
    auto entropy = entropy_from_mnemonic(words);
    ASSERT_TRUE(entropy) << words;
    EXPECT_EQ(*entropy, hex_at(entry, "entropy"));
    auto seed = seed_from_mnemonic(words, "TREZOR");
    EXPECT_EQ(to_hex(seed), text_at(entry, "seed"));
    EXPECT_EQ(to_xprv(*master_key(seed), "bc"), text_at(entry, "xprv"));
  }
}

TEST(Mnemonic, EveryLengthGoesBothWays) {
  for (std::size_t size = 16; size <= 32; size += 4) {
    Bytes entropy(size);
    for (std::size_t i = 0; i < size; ++i) entropy[i] = static_cast<std::uint8_t>(i * 29 + size);
    EXPECT_EQ(*entropy_from_mnemonic(mnemonic_from_entropy(entropy).view()), entropy);
  }
}

TEST(Mnemonic, CaseAndSpacesDoNotMatter) {
  std::string sloppy = std::string("  ABANDON\tabandon  abandon abandon abandon abandon abandon\n abandon") +
                       " Abandon abandon abandon About \r\n";
  EXPECT_EQ(*entropy_from_mnemonic(sloppy), Bytes(16));
}

TEST(Mnemonic, MistakesAreNamed) {
  using Code = MnemonicError::Code;
  std::string words = kZeroWords;
  auto count = entropy_from_mnemonic(words + " about");
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code, Code::WordCount);
  EXPECT_EQ(count.error().where, 13U);
  EXPECT_EQ(entropy_from_mnemonic("").error().code, Code::WordCount);
  auto unknown = entropy_from_mnemonic("abandon abandun" + words.substr(15));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::UnknownWord);
  EXPECT_EQ(unknown.error().where, 2U);
  EXPECT_EQ(entropy_from_mnemonic(words.substr(0, words.size() - 5) + "above").error().code, Code::BadChecksum);
}

TEST(ExtendedKey, ReproducesTheVectors) {
  auto list = load_vectors("bip32.json").at("chains").as_array();
  ASSERT_EQ(list.size(), 4U);
  for (const auto& entry : list) {
    auto root = master_key(hex_at(entry, "seed"));
    ASSERT_TRUE(root);
    for (const auto& chain : entry.at("chains").as_array()) {
      auto key = derive_path(*root, path_of(text_at(chain, "path")));
      ASSERT_TRUE(key);
      EXPECT_EQ(to_xprv(*key, "bc"), text_at(chain, "xprv")) << text_at(chain, "path");
      EXPECT_EQ(to_xpub(*key, "bc"), text_at(chain, "xpub")) << text_at(chain, "path");
      auto parsed = parse_xprv(text_at(chain, "xprv"), "bc");
      ASSERT_TRUE(parsed);
      EXPECT_EQ(to_xprv(*parsed, "bc"), text_at(chain, "xprv"));
    }
  }
}

TEST(ExtendedKey, RefusesTheInvalidVectors) {
  auto list = load_vectors("bip32.json").at("invalid").as_array();
  ASSERT_EQ(list.size(), 16U);
  for (const auto& entry : list) EXPECT_FALSE(parse_xprv(text_at(entry, "key"), "bc")) << text_at(entry, "why");
}

TEST(ExtendedKey, BelongsToOneNetwork) {
  auto key = *master_key(Bytes(16, 1));
  EXPECT_EQ(to_xprv(key, "tb").substr(0, 4), "tprv");
  EXPECT_EQ(to_xpub(key, "bcrt").substr(0, 4), "tpub");
  EXPECT_TRUE(parse_xprv(to_xprv(key, "tb"), "bcrt"));
  EXPECT_FALSE(parse_xprv(to_xprv(key, "tb"), "bc"));
  EXPECT_FALSE(parse_xprv(to_xpub(key, "bc"), "bc"));
}

TEST(ExtendedKey, TruncatedTextIsRefused) {
  auto text = to_xprv(*master_key(Bytes(16, 1)), "bc");
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_xprv(text.substr(0, size), "bc"));
}

TEST(ExtendedKey, HasLimits) {
  EXPECT_FALSE(master_key(Bytes(15)));
  EXPECT_FALSE(master_key(Bytes(65)));
  auto deep = *master_key(Bytes(64, 7));
  deep.depth = 255;
  EXPECT_FALSE(derive(deep, 0));
}

}  // namespace
}  // namespace doze::bitcoin
