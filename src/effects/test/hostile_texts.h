// Texts as strangers write them to forge lines of a log, to hide what a terminal shows, or to break who reads them.
#pragma once

#include <string>
#include <vector>

#include "effects/test/surroundings.h"

namespace doze::test {

/// Some 200: every control character, what turns the direction of writing or breaks lines, escape sequences, bytes that
/// are no UTF-8, ends of JSON, each alone and in the middle of a word; and one of 65,000 bytes.
inline std::vector<std::string> hostile_texts() {
  std::vector<std::string> marks;
  for (int byte = 0; byte < 0x20; ++byte) marks.emplace_back(1, static_cast<char>(byte));
  for (int byte = 0x80; byte < 0xa0; ++byte) marks.push_back({'\xc2', static_cast<char>(byte)});  // C1
  for (const char* mark : {"\x7f",
                           "\xe2\x80\xa8",
                           "\xe2\x80\xa9",
                           "\xe2\x80\xae",
                           "\xe2\x80\xad",
                           "\xe2\x81\xa6",
                           "\xe2\x80\x8f",
                           "\xd8\x9c",
                           "\xef\xbb\xbf",
                           "\xe2\x80\x8b",
                           "\x1b[2J",
                           "\x1b]0;title\x07",
                           "\r\n2026-01-01 error forged",
                           "\"}\n{\"event\":\"forged\"",
                           "\\u000a",
                           "\xff",
                           "\xc3",
                           "\xe2\x82",
                           "\xf0\x9f\x9c",
                           "\xed\xa0\x80",
                           "\xc0\x8a",
                           "\xf4\x90\x80\x80",
                           "%n%s",
                           "$(reboot)",
                           "'; drop table",
                           "</script>"})
    marks.emplace_back(mark);
  std::vector<std::string> out;
  for (const auto& mark : marks) {
    out.push_back(mark);
    out.push_back("pay" + mark + "me");
  }
  out.emplace_back(65'000, '\n');
  return out;
}

/// It is in one line, is UTF-8, and shows what it says: escaping it once more changes nothing but its own backslashes.
inline void expect_harmless(const std::string& text) {
  std::string plain = text;
  std::erase(plain, '\\');
  EXPECT_EQ(escape_untrusted(plain, 100'000), plain);
  EXPECT_LE(text.size(), 4'096U);
}
/// Every text of the line.
inline void expect_harmless(const Notify& line) {
  for (const auto& [name, value] : line.facts)
    if (const auto* text = std::get_if<std::string>(&value.inner())) expect_harmless(*text);
}

}  // namespace doze::test
