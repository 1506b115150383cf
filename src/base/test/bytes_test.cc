// Hex, readers and writers, foreign text.
#include "base/bytes.h"

#include <gtest/gtest.h>

namespace doze {
namespace {

TEST(Bytes, HexGoesBothWays) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xab, 0xff}), "00abff");
  EXPECT_EQ(from_hex("00aBFf"), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_EQ(from_hex(""), Bytes{});
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Bytes, ReaderGivesWhatTheWriterWrote) {
  Writer out;
  out.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f);
  out.u16_le(0x0203).u32_le(0x04050607).u64_le(0x08090a0b0c0d0e0f).bytes(Bytes{9, 9});
  EXPECT_EQ(to_hex(out.view()), "0102030405060708090a0b0c0d0e0f0302070605040f0e0d0c0b0a09080909");
  Reader in(out.view());
  EXPECT_EQ(in.u8(), 1);
  EXPECT_EQ(in.u16(), 0x0203);
  EXPECT_EQ(in.u32(), 0x04050607U);
  EXPECT_EQ(in.u64(), 0x08090a0b0c0d0e0fU);
  EXPECT_EQ(in.u16_le(), 0x0203);
  EXPECT_EQ(in.u32_le(), 0x04050607U);
  EXPECT_EQ(in.u64_le(), 0x08090a0b0c0d0e0fU);
  EXPECT_EQ(to_bytes(in.rest()), (Bytes{9, 9}));
  EXPECT_TRUE(in.done());
}

TEST(Bytes, ReaderStaysFailedAfterTheEnd) {
  Bytes three{1, 2, 3};
  Reader in(three);
  EXPECT_EQ(in.u32(), 0U);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);
  EXPECT_TRUE(in.bytes(SIZE_MAX).empty());
  EXPECT_FALSE(in.done());
}

TEST(Bytes, ForeignTextIsHarmless) {
  EXPECT_EQ(escape_untrusted("pay me\n\x1b[2J"), "pay me\\x0a\\x1b[2J");
  EXPECT_EQ(escape_untrusted("a\\b"), "a\\x5cb");
  EXPECT_EQ(escape_untrusted("käse"), "käse");
  EXPECT_EQ(escape_untrusted("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(escape_untrusted("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(escape_untrusted("abcdef", 3), "abc…");
  EXPECT_EQ(printable("a\\x0a\n"), "a\\x0a\\x0a");  // backslashes stay: a part may have been escaped before
  EXPECT_EQ(printable(std::string(300, 'x')), std::string(300, 'x'));
}

// Each length, with characters of one to four bytes, and cut in the middle of one.
TEST(Bytes, ForeignTextIsCutBetweenCharacters) {
  for (const char* character : {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x9c\x9a"}) {
    std::string text;
    for (int i = 0; i < 300; ++i) {
      text += character;
      for (std::size_t cut = 0; cut < 4 && cut < text.size(); ++cut) {
        auto shown = escape_untrusted(std::string_view(text).substr(0, text.size() - cut));
        ASSERT_TRUE(is_utf8(bytes_of(shown))) << shown;
        EXPECT_EQ(escape_untrusted(shown, 2'000).find('\x1b'), std::string::npos);
        EXPECT_LE(shown.size(), 256 * 4 * 4 + 3U);
      }
    }
    EXPECT_TRUE(escape_untrusted(text).ends_with("…"));
  }
}

TEST(Bytes, Utf8IsWellFormed) {
  EXPECT_TRUE(is_utf8(bytes_of("€ and 🜚")));
  EXPECT_FALSE(is_utf8(hex("c080")));      // overlong
  EXPECT_FALSE(is_utf8(hex("eda080")));    // surrogate
  EXPECT_FALSE(is_utf8(hex("f4908080")));  // beyond the last code point
  EXPECT_FALSE(is_utf8(hex("e282")));      // cut
}

}  // namespace
}  // namespace doze
