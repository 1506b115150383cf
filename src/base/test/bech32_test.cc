// Bech32: the vectors of BIP 173 and BIP 350, groups, paddings.
#include "base/bech32.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

namespace doze {
namespace {

namespace json = boost::json;

json::array vectors(const char* list) {
  std::ifstream in(DOZE_VECTORS "/bitcoin/bech32.json");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  return json::parse(text).as_object().at(list).as_array();
}
std::string text_of(const json::value& entry) {
  auto bytes = hex(std::string(entry.at("text_hex").as_string()));
  return {bytes.begin(), bytes.end()};
}
Bech32Kind kind_of(const json::value& entry) {
  return entry.at("kind").as_string() == "bech32m" ? Bech32Kind::Bech32m : Bech32Kind::Bech32;
}

TEST(Bech32, ReadsAndWritesTheValidVectors) {
  auto list = vectors("valid");
  ASSERT_EQ(list.size(), 14U);
  for (const auto& entry : list) {
    auto text = text_of(entry);
    auto decoded = bech32_decode(text);
    ASSERT_TRUE(decoded) << text;
    EXPECT_EQ(decoded->kind, kind_of(entry)) << text;
    EXPECT_EQ(bech32_encode(*decoded), *bech32_lower(text));
  }
}

TEST(Bech32, RefusesTheInvalidVectors) {
  auto list = vectors("invalid");
  ASSERT_EQ(list.size(), 26U);
  for (const auto& entry : list) EXPECT_FALSE(bech32_decode(text_of(entry))) << entry.at("why").as_string();
}

TEST(Bech32, EveryChangedCharacterBreaksTheChecksum) {
  const std::string text = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
  ASSERT_TRUE(bech32_decode(text));
  for (std::size_t i = 7; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'q' ? 'p' : 'q';
    auto decoded = bech32_decode(changed);
    ASSERT_FALSE(decoded) << changed;
    EXPECT_EQ(decoded.error().code, ParseCode::BadChecksum);
  }
}

TEST(Bech32, RefusesEveryTruncation) {
  const std::string text = "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w";
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(bech32_decode(text.substr(0, size))) << size;
}

TEST(Bech32, LengthLimitIsTheCallersChoice) {
  Bech32 long_value{Bech32Kind::Bech32, "lnbc", Bytes(200, 7)};
  auto text = bech32_encode(long_value);
  ASSERT_FALSE(bech32_decode(text));
  EXPECT_EQ(bech32_decode(text).error().code, ParseCode::TooLarge);
  auto decoded = bech32_decode(text, 1000);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->hrp, "lnbc");
  EXPECT_EQ(decoded->groups, long_value.groups);
}

TEST(Bech32, GroupsRoundTripForEveryLength) {
  Bytes bytes;
  for (int i = 0; i < 40; ++i) {
    auto groups = to_five_bits(bytes);
    EXPECT_EQ(groups.size(), (bytes.size() * 8 + 4) / 5);
    EXPECT_EQ(to_eight_bits(groups), bytes);
    EXPECT_EQ(bech32_groups(bech32_characters(groups)), groups);
    bytes.push_back(static_cast<std::uint8_t>(i * 37 + 0x81));
  }
}

TEST(Bech32, PaddingMustBeShortAndZeroUnlessTold) {
  EXPECT_EQ(to_eight_bits(Bytes{31, 28}), Bytes{0xff});
  EXPECT_FALSE(to_eight_bits(Bytes{31, 29}));                        // padding bit set
  EXPECT_EQ(to_eight_bits_any_padding(Bytes{31, 29}), Bytes{0xff});  // allowed here
  EXPECT_FALSE(to_eight_bits(Bytes{0}));                             // five bits of padding
  EXPECT_FALSE(to_eight_bits_any_padding(Bytes{0}));
  EXPECT_FALSE(to_eight_bits(Bytes{32, 0}));
  EXPECT_FALSE(to_eight_bits_any_padding(Bytes{32, 0}));
  EXPECT_EQ(to_eight_bits(Bytes{}), Bytes{});
}

TEST(Bech32, CaseIsLoweredButNotMixed) {
  EXPECT_EQ(bech32_lower("LNO1QGS"), "lno1qgs");
  EXPECT_EQ(bech32_lower("lno1qgs"), "lno1qgs");
  EXPECT_FALSE(bech32_lower("lno1QGS"));
  EXPECT_FALSE(bech32_lower("lno1 qgs"));
  EXPECT_FALSE(bech32_groups("b"));
  EXPECT_EQ(bech32_groups("QPz"), (Bytes{0, 1, 2}));
}

}  // namespace
}  // namespace doze
