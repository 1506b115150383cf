// Foreign text made safe for logs: printable UTF-8 of bounded length, whatever came in.
#include "fuzz.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::as_text({data, size});
  for (std::size_t max : {8U, 64U, 256U}) {
    auto safe = escape_untrusted(text, max);
    FUZZ_CHECK(is_utf8(bytes_of(safe)));
    FUZZ_CHECK(safe.size() <= max * 16 + 3);
    for (char c : safe) FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    for (const auto* bad : {"\u202e", "\u2028", "\u2029", "\u200f", "\u2066", "\u0085"})
      FUZZ_CHECK(safe.find(bad) == std::string::npos);
  }
  if (auto bytes = from_hex(text)) {
    std::string lower = text;
    for (auto& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
    FUZZ_CHECK(to_hex(*bytes) == lower);
  }
  auto back = from_hex(to_hex({data, size}));
  FUZZ_CHECK(back && equal(*back, {data, size}));
  return 0;
}

static fuzz::Seeds seeds() {
  return fuzz::texts({"plain", "00ffAB", "tab\tnew\nline\\", "ümlaut € 😀", "\u202eabc\u2028\u200f\u2066",
                      "\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", std::string(300, 'x') + "€"});
}
DOZE_FUZZ_TARGET(text, 100'000);
