// Seed words and extended keys: one text for one value.
#include "bitcoin/keys.h"

#include "fuzz.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::as_text({data, size});
  if (auto entropy = bitcoin::entropy_from_mnemonic(text)) {
    auto words = bitcoin::mnemonic_from_entropy(*entropy);
    auto again = bitcoin::entropy_from_mnemonic(words.view());
    FUZZ_CHECK(again && *again == *entropy);
  }
  for (const auto* hrp : {"bc", "tb"})
    if (auto key = bitcoin::parse_xprv(text, hrp)) {
      FUZZ_CHECK(bitcoin::to_xprv(*key, hrp) == text);
      if (auto child = bitcoin::derive(*key, bitcoin::kHardened)) FUZZ_CHECK(child->depth == key->depth + 1);
    }
  return 0;
}

static fuzz::Seeds seeds() {
  std::vector<std::string> out;
  for (auto& text : fuzz::vector_strings("bitcoin/bip39.json"))
    if (text.find(' ') != std::string::npos && out.size() < 20) out.push_back(std::move(text));
  for (auto& text : fuzz::vector_strings("bitcoin/bip32.json"))
    if (text.starts_with("xprv")) out.push_back(std::move(text));
  return fuzz::texts(out);
}
DOZE_FUZZ_TARGET(keys, 8'000);
