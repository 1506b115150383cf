// BOLT 12's text around the bytes: joined or in capitals, it is the same text.
#include "offers/text.h"

#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::as_text({data, size});
  for (auto prefix :
       {offers::kOfferPrefix, offers::kInvoiceRequestPrefix, offers::kInvoicePrefix, offers::kInvitationPrefix}) {
    auto bytes = offers::decode_text(prefix, text);
    if (!bytes) continue;
    FUZZ_CHECK(offers::has_prefix(prefix, text));
    auto plain = offers::encode_text(prefix, *bytes);
    auto again = offers::decode_text(prefix, plain);
    FUZZ_CHECK(again && *again == *bytes);
    FUZZ_CHECK(plain.size() <= text.size());
  }
  auto encoded = offers::encode_text(offers::kOfferPrefix, {data, size});
  auto decoded = offers::decode_text(offers::kOfferPrefix, encoded);
  FUZZ_CHECK(decoded ? equal(*decoded, {data, size}) : size == 0 || encoded.size() > offers::kMaxTextLength);
  return 0;
}

static fuzz::Seeds seeds() {
  auto out = fuzz::texts({fuzz::offer().text(), fuzz::invoice().text(), "LNO1QQ", "lno1q+\n q"});
  for (auto& text : fuzz::vector_strings("bolt12/format-string-test.json"))
    if (text.size() > 20) out.push_back(to_bytes(bytes_of(text)));
  return out;
}
DOZE_FUZZ_TARGET(offer_text, 20'000);
