// Descriptors: BIP 380's checksums, and the accounts of BIP 84 and BIP 86.
#include "bitcoin/descriptor.h"

#include <gtest/gtest.h>

#include "bitcoin/address.h"
#include "bitcoin/script.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {
namespace {

// Words and keys of the examples in BIP 84 and BIP 86.
const char* kWords = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
ExtendedKey master() {
  return *master_key(seed_from_mnemonic(kWords));
}
std::vector<std::uint32_t> account(std::uint32_t purpose) {
  return {purpose | kHardened, kHardened, kHardened};
}

TEST(DescriptorChecksum, IsThatOfBip380) {
  EXPECT_EQ(descriptor_checksum("raw(deadbeef)"), "89f8spxm");
  EXPECT_EQ(*checked_descriptor("raw(deadbeef)#89f8spxm"), "raw(deadbeef)");
  auto code = [](std::string_view text) { return checked_descriptor(text).error().code; };
  EXPECT_EQ(code("raw(deadbeef)"), ParseCode::MissingField);
  EXPECT_EQ(code("raw(deadbeef)#"), ParseCode::BadLength);
  EXPECT_EQ(code("raw(deadbeef)#89f8spxmx"), ParseCode::BadLength);
  EXPECT_EQ(code("raw(deadbeef)#89f8spx"), ParseCode::BadLength);
  EXPECT_EQ(code("raw(deedbeef)#89f8spxm"), ParseCode::BadChecksum);
  EXPECT_EQ(code("raw(deedbeef)##9f8spxm"), ParseCode::BadChecksum);
  EXPECT_EQ(code("raw(Ü)#00000000"), ParseCode::BadEncoding);
}

TEST(DescriptorChecksum, EveryChangedCharacterIsNoticed) {
  auto text = *account_descriptor(DescriptorKind::Wpkh, master(), account(84), 0, "bc", false);
  ASSERT_TRUE(checked_descriptor(text));
  for (std::size_t at = 0; at < text.size(); ++at)
    for (char c : {'0', 'q', 'Z', '(', '#'}) {
      auto changed = text;
      changed[at] = c;
      EXPECT_EQ(checked_descriptor(changed).has_value(), changed == text) << changed;
    }
}

TEST(Descriptor, NamesTheAccountsOfBip84AndBip86) {
  EXPECT_EQ(
      *checked_descriptor(*account_descriptor(DescriptorKind::Tr, master(), account(86), 1, "bc", false)),
      "tr([73c5da0a/86h/0h/0h]xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VC"
      "ECoY49yfdDEHGCtMMj92pReUsQ/1/*)");
  auto wpkh = *account_descriptor(DescriptorKind::Wpkh, master(), account(84), 0, "bc", false);
  EXPECT_TRUE(
      wpkh.starts_with("wpkh([73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEb"
                       "vqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V/0/*)#"))
      << wpkh;
  auto with_key = *account_descriptor(DescriptorKind::Wpkh, master(), account(84), 0, "tb", true);
  EXPECT_NE(with_key.find("]tprv"), std::string::npos);
  EXPECT_TRUE(checked_descriptor(with_key));
}

TEST(Descriptor, KeysOfTheAccountHaveTheAddressesOfTheBips) {
  auto key = [](std::uint32_t purpose, std::uint32_t chain, std::uint32_t index) {
    auto path = account(purpose);
    path.push_back(chain);
    path.push_back(index);
    return crypto::public_key(derive_path(master(), path)->key);
  };
  EXPECT_EQ(address_of_script(p2wpkh_script(key(84, 0, 0)), "bc"), "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu");
  EXPECT_EQ(address_of_script(p2wpkh_script(key(84, 1, 0)), "bc"), "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el");
  EXPECT_EQ(address_of_script(p2tr_script(*taproot_output_key(crypto::x_only(key(86, 0, 0)))), "bc"),
            "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr");
}

}  // namespace
}  // namespace doze::bitcoin
