// Invoices. Even first byte: the stream as it is; odd: with a good signature of our issuer key over it.
#include "offers/invoice.h"

#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto stream = to_bytes(ByteView(data, size).subspan(1));
  if (data[0] % 2 == 1) stream = fuzz::sign_again(stream, "invoice", fuzz::kIssuer);
  auto invoice = offers::Invoice::parse(stream);
  if (!invoice) return 0;
  FUZZ_CHECK(invoice->bytes() == stream);
  auto again = offers::Invoice::parse_text(invoice->text());
  FUZZ_CHECK(again && again->bytes() == stream);
  FUZZ_CHECK(!invoice->payment_paths().empty());
  FUZZ_CHECK(invoice->amount().is_money());
  if (invoice->offer()) FUZZ_CHECK(invoice->offer()->names(invoice->node_id()));
  FUZZ_CHECK(invoice->expires_at() >= invoice->created_at());
  static const auto request = fuzz::invoice_request();
  auto why = offers::check_invoice(*invoice, request, fuzz::kNow);
  if (why) FUZZ_CHECK(!why->text().empty());
  if (!why) FUZZ_CHECK(invoice->amount() == Msat(10'000) && invoice->offer() == request.offer());
  static const auto refund = fuzz::refund();
  if (!offers::check_invoice(*invoice, refund, fuzz::kNow))
    FUZZ_CHECK(invoice->amount() == refund.amount() && !invoice->offer());
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (std::uint8_t mode : {0, 1, 1, 1}) out.push_back(fuzz::with_prefix({mode}, fuzz::invoice().bytes()));
  offers::InvoiceTerms terms;
  terms.payment_paths = fuzz::invoice().payment_paths();
  terms.created_at = fuzz::kNow;
  terms.node_key = fuzz::key(fuzz::kIssuer);
  auto answer = offers::Invoice::make(fuzz::refund(), terms);
  FUZZ_CHECK(answer.has_value());
  out.push_back(fuzz::with_prefix({1}, answer->bytes()));
  return out;
}
DOZE_FUZZ_TARGET(invoice, 4'000);
