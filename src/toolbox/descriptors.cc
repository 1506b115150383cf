#include "toolbox/descriptors.h"

#include "bitcoin/descriptor.h"
#include "crypto/crypto.h"

namespace doze::toolbox {

namespace {

constexpr std::uint32_t kPurpose = 84;  // what the wallet uses: BIP 84
constexpr std::uint64_t kDefaultRange = 1'000, kMaxRange = 1'000'000;

Problem bad_words(const bitcoin::MnemonicError& error) {
  using Code = bitcoin::MnemonicError::Code;
  if (error.code == Code::WordCount)
    return problem("seed words", "expected 12, 15, 18, 21 or 24 words, not " + std::to_string(error.where));
  if (error.code == Code::UnknownWord)
    return problem("seed words", "word " + std::to_string(error.where) + " is not in the BIP 39 word list");
  return problem("seed words", "the checksum is wrong", "At least one word is wrong or in the wrong place.");
}

}  // namespace

Made<Value> descriptors(const Flags& flags, std::string_view words) {
  auto name = is_set(flags, "network") ? text_of(flags, "network") : "regtest";
  auto network = wire::parse_network(name);
  if (!network) return fail(bad_flag("network", "expected mainnet, testnet4, signet or regtest"));
  auto count = number_of(flags, "range").value_or(kDefaultRange);
  if (count == 0 || count > kMaxRange) return fail(bad_flag("range", "expected 1 to 1000000"));
  auto entropy = bitcoin::entropy_from_mnemonic(words);
  if (!entropy) return fail(bad_words(entropy.error()));
  auto seed = bitcoin::seed_from_mnemonic(bitcoin::mnemonic_from_entropy(*entropy).view());
  auto master = bitcoin::master_key(seed);
  crypto::wipe(seed);
  crypto::wipe(*entropy);
  const std::vector<std::uint32_t> account{kPurpose | bitcoin::kHardened,
                                           (*network == wire::Network::Mainnet ? 0 : 1) | bitcoin::kHardened,
                                           bitcoin::kHardened};
  List out;
  for (std::uint32_t chain : {0, 1}) {
    auto text = master ? bitcoin::account_descriptor(bitcoin::DescriptorKind::Wpkh, *master, account, chain,
                                                     wire::address_prefix(*network), is_set(flags, "private"))
                       : std::nullopt;
    if (!text) return fail(problem("seed words", "no key can be derived from them"));
    Value one;
    one.set("desc", *text).set("active", true).set("internal", chain == 1);
    one.set("range", List{std::uint64_t{0}, count - 1}).set("timestamp", number_of(flags, "timestamp").value_or(0));
    out.push_back(std::move(one));
  }
  return Value().set("descriptors", std::move(out));
}

}  // namespace doze::toolbox
