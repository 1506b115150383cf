// Invoice requests, for an offer and without one. Even first byte: the stream as it is; odd: with a good signature of
// our payer key over it.
#include "offers/refund.h"

#include "crypto/crypto.h"
#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto stream = to_bytes(ByteView(data, size).subspan(1));
  if (data[0] % 2 == 1) stream = fuzz::sign_again(stream, "invoice_request", fuzz::kPayer);
  auto refund = offers::Refund::parse(stream);
  auto request = offers::InvoiceRequest::parse(stream);
  FUZZ_CHECK(!refund || !request);
  if (refund) {
    FUZZ_CHECK(refund->bytes() == stream && offers::is_without_offer(stream));
    FUZZ_CHECK(offers::Refund::parse_text(refund->text())->bytes() == stream);
    auto why = offers::check_refund(*refund, refund->chain(), fuzz::kNow);
    if (why) FUZZ_CHECK(!why->text().empty());
  }
  if (!request) return 0;
  FUZZ_CHECK(request->bytes() == stream);
  FUZZ_CHECK(!request->metadata().empty());
  auto repeated = offers::Offer::from_bytes(request->offer().bytes());
  FUZZ_CHECK(repeated && repeated->id() == request->offer_id());
  auto amount = offers::amount_of(*request, request->offer());
  FUZZ_CHECK(!amount || amount->is_money());
  auto why = offers::check_request(*request, request->offer(), fuzz::kNow);
  if (!why) FUZZ_CHECK(amount.has_value());
  if (why) FUZZ_CHECK(!why->text().empty());
  if (request->offer_id() != fuzz::offer().id())
    FUZZ_CHECK(offers::check_request(*request, fuzz::offer(), fuzz::kNow).has_value());
  // Nobody else's signature fits. BIP 340 does not look at the first byte of a key.
  if (data[0] % 2 == 1) FUZZ_CHECK(crypto::x_only(request->payer_id()) == crypto::x_only(fuzz::point(fuzz::kPayer)));
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (std::uint8_t mode : {0, 1, 1, 1}) out.push_back(fuzz::with_prefix({mode}, fuzz::invoice_request().bytes()));
  for (std::uint8_t mode : {0, 1}) out.push_back(fuzz::with_prefix({mode}, fuzz::refund().bytes()));
  for (const auto& text : fuzz::vector_strings("bolt12/signature-test.json"))
    if (auto request = offers::InvoiceRequest::parse_text(text))
      out.push_back(fuzz::with_prefix({0}, request->bytes()));
  for (const auto& bytes : fuzz::vector_bytes("bolt12/ldk-objects.json", 100))
    if (offers::InvoiceRequest::parse(bytes)) out.push_back(fuzz::with_prefix({0}, bytes));
  return out;
}
DOZE_FUZZ_TARGET(invoice_request, 4'000);
