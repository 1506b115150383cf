#include "toolbox/paste.h"

#include <algorithm>
#include <array>

namespace doze::toolbox {

namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";
// Zero-width characters, the byte-order mark, the no-break space: chat programs and web pages put them in.
constexpr std::string_view kInvisible[] = {"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e",
                                           "\xe2\x80\x8f", "\xe2\x81\xa0", "\xef\xbb\xbf", "\xc2\xad"};
constexpr std::string_view kNoBreakSpace = "\xc2\xa0";
constexpr std::string_view kPairs[] = {"\"\"", "''", "``", "<>", "()", "[]", "\xe2\x80\x9c\xe2\x80\x9d"};
constexpr std::string_view kWords[] = {"lno1", "lnr1", "lni1", "lnai1", "lnbc", "lntb"};

bool replace_all(std::string& text, std::string_view from, std::string_view to) {
  bool found = false;
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
    found = true;
  }
  return found;
}

void trim(std::string& text) {
  auto first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return text.clear();
  text = text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool take_front(std::string& text, std::string_view front) {
  if (!lower(std::string_view(text).substr(0, front.size())).starts_with(front)) return false;
  text.erase(0, front.size());
  return true;
}

}  // namespace

std::string squeezed(std::string_view text) {
  std::string out;
  for (char c : text)
    if (kSpace.find(c) == std::string_view::npos) out.push_back(c);
  return out;
}

Pasted clean(std::string_view pasted) {
  Pasted out{std::string(pasted), {}};
  auto& text = out.text;
  bool invisible = false;
  for (auto each : kInvisible) invisible = replace_all(text, each, "") || invisible;
  replace_all(text, kNoBreakSpace, " ");
  if (invisible) out.notes.push_back("invisible characters were removed");
  trim(text);
  for (bool again = true; again;) {
    again = false;
    for (auto pair : kPairs) {
      auto half = pair.size() / 2;
      if (text.size() > pair.size() && text.starts_with(pair.substr(0, half)) && text.ends_with(pair.substr(half))) {
        text = text.substr(half, text.size() - pair.size());
        trim(text);
        again = true;
      }
    }
  }
  if (take_front(text, "lightning:")) {
    while (text.starts_with("/")) text.erase(0, 1);
    out.notes.push_back("the prefix 'lightning:' was removed");
    if (auto query = text.find_first_of("?#"); query != std::string::npos) {
      text.resize(query);
      out.notes.push_back("the text after '?' or '#' was ignored: no BOLT defines it for 'lightning:'");
    }
  }
  trim(text);
  if (auto end = text.find_last_not_of(".,;!");
      text.size() > 8 && end != std::string::npos && end + 1 < text.size() && !text.ends_with("...")) {
    text.resize(end + 1);
    out.notes.push_back("punctuation at the end was removed");
  }
  return out;
}

std::string word_inside(std::string_view text) {
  auto small = lower(text);
  std::size_t best = std::string::npos;
  for (auto word : kWords) best = std::min(best, small.find(word));
  if (best == std::string::npos) return {};
  auto end = best;
  auto letter = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); };
  while (end < small.size() && letter(small[end])) ++end;
  return end - best < 16 ? std::string() : std::string(text.substr(best, end - best));
}

}  // namespace doze::toolbox
