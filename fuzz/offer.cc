// Offers: they keep their bytes, text and bytes say the same, and every question about one has an answer.
#include "offers/offer.h"

#include "offers/merkle.h"
#include "samples.h"
#include "wire/chains.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  auto offer = offers::Offer::from_bytes(input);
  if (!offer) {
    FUZZ_CHECK(!describe(offer.error()).empty());
    return 0;
  }
  FUZZ_CHECK(equal(offer->bytes(), input));
  auto again = offers::Offer::parse(offer->text());
  FUZZ_CHECK(again && *again == *offer && again->id() == offer->id());
  FUZZ_CHECK(offer->id().bytes == offers::merkle_root(*wire::parse_tlv_stream(input)).bytes);
  FUZZ_CHECK(offer->issuer_id() || !offer->paths().empty());
  FUZZ_CHECK(!offer->amount() || (offer->amount()->is_money() && !offer->currency() && offer->description()));
  for (const auto& text : {offer->description(), offer->issuer(), offer->currency()})
    FUZZ_CHECK(!text || is_utf8(bytes_of(*text)));
  for (auto quantity : {std::optional<std::uint64_t>{}, std::optional<std::uint64_t>{1}, std::optional{UINT64_MAX}}) {
    auto amount = offers::expected_amount(*offer, quantity);
    FUZZ_CHECK(!amount || amount->is_money());
    for (const auto& paid : {std::optional<Msat>{}, std::optional{Msat(5'000)}}) {
      auto why = offers::cannot_pay(*offer, wire::chain_hash(wire::Network::Regtest), fuzz::kNow, paid, quantity);
      if (why) FUZZ_CHECK(!why->text().empty());
      if (!why) FUZZ_CHECK(paid || amount);
    }
  }
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out{fuzz::offer().bytes()};
  for (const auto& text : fuzz::vector_strings("bolt12/offers-test.json"))
    if (auto offer = offers::Offer::parse(text)) out.push_back(offer->bytes());
  for (const auto& text : fuzz::vector_strings("bolt12/ldk-objects.json"))
    if (auto offer = offers::Offer::parse(text)) out.push_back(offer->bytes());
  FUZZ_CHECK(out.size() > 10);
  return out;
}
DOZE_FUZZ_TARGET(offer, 30'000);
