// Bech32, base58 and bitcoin addresses: one text for one value.
#include "base/bech32.h"

#include "bitcoin/address.h"
#include "bitcoin/base58.h"
#include "fuzz.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  auto text = fuzz::as_text(input);
  auto lower = bech32_lower(text);
  for (auto limit : {kMaxBech32Length, std::size_t{2'000}})
    if (auto decoded = bech32_decode(text, limit)) {
      FUZZ_CHECK(lower && text.size() <= limit);
      FUZZ_CHECK(bech32_encode(*decoded) == *lower);
    }
  if (auto groups = bech32_groups(text)) {
    FUZZ_CHECK(!lower || bech32_characters(*groups) == *lower);
    if (auto bytes = to_eight_bits(*groups)) FUZZ_CHECK(to_five_bits(*bytes) == *groups);
    (void)to_eight_bits_any_padding(*groups);
  }
  auto five = to_five_bits(input);
  auto eight = to_eight_bits(five);
  FUZZ_CHECK(eight && equal(*eight, input));
  if (auto payload = bitcoin::base58check_decode(text)) FUZZ_CHECK(bitcoin::base58check_encode(*payload) == text);
  if (size <= 64) {
    auto back = bitcoin::base58check_decode(bitcoin::base58check_encode(input));
    FUZZ_CHECK(back && equal(*back, input));
  }
  for (auto hrp : {bitcoin::kHrpMainnet, bitcoin::kHrpTestnet, bitcoin::kHrpRegtest})
    if (auto script = bitcoin::script_of_address(text, hrp)) {
      auto again = bitcoin::address_of_script(*script, hrp);
      FUZZ_CHECK(again && (*again == text || *again == lower));
    }
  return 0;
}

static fuzz::Seeds seeds() {
  auto out = fuzz::vector_bytes("bitcoin/bech32.json");  // texts in hex
  std::vector<std::string> more{"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem",
                                "3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX", "bcrt1q6rhpng9evdsfnn833a4f4vej0asu6dk5srld6x"};
  std::size_t keys = 0;
  for (auto& text : fuzz::vector_strings("bitcoin/bip32.json"))
    if (text.size() > 100 && ++keys <= 8) more.push_back(std::move(text));
  fuzz::add(out, fuzz::texts(more));
  return out;
}
DOZE_FUZZ_TARGET(bech32, 30'000);
