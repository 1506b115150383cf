#include "offers/text.h"

#include "samples.h"

namespace doze::offers {
namespace {

using testing::text;
using testing::vectors;

// [B12-text-04, B12-text-05]
TEST(Text, ReadsAndRefusesTheFormatVectors) {
  std::optional<Bytes> first;
  const auto tests = vectors("bolt12/format-string-test.json");
  for (const auto& test : tests.as_array()) {
    auto read = decode_text(kOfferPrefix, text(test.at("string")));
    EXPECT_EQ(read.has_value(), test.at("valid").as_bool()) << text(test.at("comment"));
    if (!read) {
      EXPECT_EQ(read.error().code, ParseCode::BadEncoding) << text(test.at("comment"));
      continue;
    }
    if (!first) first = *read;  // all of them write the same offer
    EXPECT_EQ(*read, *first) << text(test.at("comment"));
  }
}

// [B12-text-01, B12-text-03]
TEST(Text, WritesWhatItReads) {
  for (std::size_t length = 0; length < 20; ++length) {
    Bytes bytes(length, 0xc5);
    auto written = encode_text(kInvoiceRequestPrefix, bytes);
    auto read = decode_text(kInvoiceRequestPrefix, written);
    ASSERT_TRUE(read.has_value()) << written;
    EXPECT_EQ(*read, bytes);
  }
}

TEST(Text, KeepsKindsApart) {
  auto offer = encode_text(kOfferPrefix, Bytes{1, 2, 3});
  EXPECT_FALSE(decode_text(kInvoicePrefix, offer).has_value());
  EXPECT_TRUE(has_prefix(kOfferPrefix, offer));
  EXPECT_TRUE(has_prefix(kOfferPrefix, "L+NO1QQ"));
  EXPECT_FALSE(has_prefix(kInvoicePrefix, offer));
  EXPECT_FALSE(has_prefix(kOfferPrefix, "lno"));
  EXPECT_FALSE(has_prefix("lna", "lnai1qq"));
}

TEST(Text, RefusesWhiteSpaceWithoutAJoinAndForeignCharacters) {
  for (const char* bad : {"", "+", "lno1 qq", " lno1qq", "lno1qq\n", "lno1qb", "lno1q\x80", "lno", "lno2qq", "qq"})
    EXPECT_FALSE(decode_text(kOfferPrefix, bad).has_value()) << bad;
}

TEST(Text, RefusesPaddingThatIsLongOrNotZero) {
  EXPECT_TRUE(decode_text(kOfferPrefix, "lno1qq").has_value());
  EXPECT_FALSE(decode_text(kOfferPrefix, "lno1qqq").has_value());  // 15 bits: a byte and seven bits
  EXPECT_FALSE(decode_text(kOfferPrefix, "lno1qp").has_value());   // padding bits 01
}

TEST(Text, HasALimit) {
  std::string longest = "lno1" + std::string(kMaxTextLength - 4, 'q');
  EXPECT_TRUE(decode_text(kOfferPrefix, longest).has_value());
  EXPECT_EQ(decode_text(kOfferPrefix, longest + "q").error().code, ParseCode::TooLarge);
}

}  // namespace
}  // namespace doze::offers
