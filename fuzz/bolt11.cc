// Invoices of BOLT 11: what is read keeps its text, and says the same when it is written and signed again.
//
// Few mutations of a text keep its checksum: inputs are a text, or the length of the human-readable part, that part and
// groups: then the checksum is made here. Without n any signature has some signer, so mutations get behind that check.
#include "offers/bolt11.h"

#include <algorithm>

#include "base/bech32.h"
#include "crypto/crypto.h"
#include "samples.h"
#include "wire/chains.h"

using namespace doze;

namespace {

Signature sign(const Hash32& digest) {
  return crypto::ecdsa_sign(fuzz::key(fuzz::kIssuer), digest);
}

void check(const offers::Bolt11Invoice& invoice) {
  auto again = offers::Bolt11Invoice::parse(invoice.text());
  FUZZ_CHECK(again && *again == invoice && again->payee() == invoice.payee());
  FUZZ_CHECK(offers::bolt11_text("lightning:" + invoice.text()) == invoice.text());
  FUZZ_CHECK(!invoice.amount() || (invoice.amount()->is_money() && invoice.amount()->value() != 0));
  FUZZ_CHECK(invoice.description().has_value() != invoice.description_hash().has_value());
  FUZZ_CHECK(!invoice.description() || is_utf8(bytes_of(*invoice.description())));
  for (const auto& hint : invoice.route_hints()) FUZZ_CHECK(!hint.hops.empty());
  for (const auto& amount : {std::optional<Msat>{}, std::optional{Msat(5'000)}}) {
    auto why = offers::cannot_pay(invoice, wire::Network::Regtest, fuzz::kNow, amount);
    if (why) FUZZ_CHECK(!why->text().empty());
    if (!why) FUZZ_CHECK(amount || invoice.amount());
  }
  // Written anew it may be shorter (units, paddings), but it means the same; another payee's n stays another's.
  auto terms = invoice.terms();
  std::erase_if(terms.fields, [](const auto& field) { return std::holds_alternative<offers::bolt11::Payee>(field); });
  auto made = offers::Bolt11Invoice::make(terms, fuzz::point(fuzz::kIssuer), sign);
  if (!made) {
    FUZZ_CHECK(made.error().code == ParseCode::TooLarge);
    return;
  }
  FUZZ_CHECK(made->payee() == fuzz::point(fuzz::kIssuer));
  std::erase_if(terms.fields, [](const auto& field) {
    const auto* features = std::get_if<wire::FeatureBits>(&field);
    return features != nullptr && features->empty();
  });
  FUZZ_CHECK(made->terms().fields == terms.fields && made->amount() == invoice.amount());
  FUZZ_CHECK(made->timestamp() == invoice.timestamp() && made->network() == invoice.network());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  auto as_it_is = offers::Bolt11Invoice::parse(fuzz::as_text(input));
  if (as_it_is) check(*as_it_is);
  if (input.size() < 2) return 0;
  Bech32 parts;
  for (auto c : input.subspan(1, std::min<std::size_t>(input[0] % 32, input.size() - 1)))
    parts.hrp.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c < 33 || c > 126 ? 'q' : c));
  if (parts.hrp.empty()) return 0;
  for (auto group : input.subspan(1 + parts.hrp.size())) parts.groups.push_back(group & 31);
  auto invoice = offers::Bolt11Invoice::parse(bech32_encode(parts));
  if (invoice) check(*invoice);
  if (!invoice) FUZZ_CHECK(!describe(invoice.error()).empty());
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (const auto* file : {"bolt11/valid.json", "bolt11/invalid.json"})
    for (const auto& text : fuzz::vector_strings(file)) {
      auto parts = bech32_decode(text, offers::kMaxBolt11Length);
      if (!parts || !parts->hrp.starts_with("ln")) continue;
      Bytes seed{static_cast<std::uint8_t>(parts->hrp.size())};
      append(seed, bytes_of(parts->hrp));
      append(seed, parts->groups);
      FUZZ_CHECK(parts->groups.size() > 7);
      out.push_back(std::move(seed));
    }
  FUZZ_CHECK(out.size() > 15);
  out.push_back(to_bytes(bytes_of(fuzz::vector_strings("bolt11/valid.json").front())));
  return out;
}
DOZE_FUZZ_TARGET(bolt11, 20'000);
