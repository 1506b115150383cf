// Static invoices. Even first byte: the stream as it is; odd: with a good signature of our issuer key over it.
#include "offers/static_invoice.h"

#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto stream = to_bytes(ByteView(data, size).subspan(1));
  if (data[0] % 2 == 1) stream = fuzz::sign_again(stream, "static_invoice", fuzz::kIssuer);
  auto invoice = offers::StaticInvoice::parse(stream);
  if (!invoice) return 0;
  FUZZ_CHECK(invoice->bytes() == stream);
  FUZZ_CHECK(!invoice->payment_paths().empty() && !invoice->message_paths().empty());
  FUZZ_CHECK(invoice->offer().names(invoice->node_id()));
  FUZZ_CHECK(invoice->expires_at() >= invoice->created_at());
  FUZZ_CHECK(offers::Offer::from_bytes(invoice->offer().bytes()).has_value());
  auto why = offers::check_static_invoice(*invoice, invoice->offer(), fuzz::kNow);
  if (why) FUZZ_CHECK(!why->text().empty());
  if (!why) FUZZ_CHECK(!invoice->expired(fuzz::kNow) && !invoice->offer().expired(fuzz::kNow));
  if (invoice->offer_id() != fuzz::offer().id())
    FUZZ_CHECK(offers::check_static_invoice(*invoice, fuzz::offer(), fuzz::kNow).has_value());
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (auto profile : {Profile::Ldk, Profile::Draft})
    for (std::uint8_t mode : {0, 1, 1}) out.push_back(fuzz::with_prefix({mode}, fuzz::static_invoice(profile).bytes()));
  for (const auto& bytes : fuzz::vector_bytes("bolt12/ldk-objects.json", 100))
    if (offers::StaticInvoice::parse(bytes)) out.push_back(fuzz::with_prefix({0}, bytes));
  FUZZ_CHECK(out.size() > 6);
  return out;
}
DOZE_FUZZ_TARGET(static_invoice, 4'000);
