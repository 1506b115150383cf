#include "offers/invoice.h"

#include "offers/merkle.h"
#include "samples.h"

namespace doze::offers {
namespace {

using testing::key;
using testing::kNow;
using testing::payment_path;
using testing::point;
using testing::sample_invoice_terms;
using testing::sample_offer;
using testing::sample_request_terms;
using testing::signed_with_record;
using testing::with_record;

InvoiceRequest extended_request() {
  // An unknown record of the payer's, which the invoice has to repeat.
  auto made = InvoiceRequest::make(sample_offer(), sample_request_terms());
  return *InvoiceRequest::parse(signed_with_record(made->bytes(), 2'000'000'001, Bytes{9}, "invoice_request", key(9)));
}

Invoice sample_invoice() {
  auto invoice = Invoice::make(extended_request(), sample_invoice_terms());
  EXPECT_TRUE(invoice.has_value()) << describe(invoice.error());
  return *std::move(invoice);
}

std::optional<ParseError> problem(std::uint64_t type, const std::optional<Bytes>& value) {
  auto invoice = Invoice::parse(signed_with_record(sample_invoice().bytes(), type, value, "invoice", key(7)));
  return invoice ? std::nullopt : std::optional(invoice.error());
}

// [B12-inv-01, B12-inv-03, B12-inv-06, B12-inv-08, B12-inv-10]
TEST(Invoice, RepeatsTheRequestAndSaysWhatTheTermsSaid) {
  auto invoice = sample_invoice();
  auto terms = sample_invoice_terms();
  EXPECT_EQ(*invoice.offer(), sample_offer());
  EXPECT_EQ(invoice.request().payer_id, point(9));
  EXPECT_EQ(invoice.payment_paths(), terms.payment_paths);
  EXPECT_EQ(invoice.created_at(), kNow);
  EXPECT_EQ(invoice.expires_at(), after_s(kNow, 7'200));
  EXPECT_EQ(invoice.payment_hash(), terms.payment_hash);
  EXPECT_EQ(invoice.amount(), Msat(10'000));
  EXPECT_EQ(invoice.node_id(), point(7));
  auto records = wire::parse_tlv_stream(invoice.bytes());
  EXPECT_NE(wire::find(*records, 2'000'000'001), nullptr);
  EXPECT_NE(wire::find(*records, 33), nullptr);
  EXPECT_EQ(Invoice::parse_text(invoice.text())->bytes(), invoice.bytes());
  EXPECT_EQ(check_invoice(invoice, extended_request(), kNow), std::nullopt);
}

// [B12-invread-11]
TEST(Invoice, EveryFlippedBitIsNoticed) {
  testing::expect_robust(sample_invoice().bytes(), [](ByteView bytes) { return Invoice::parse(bytes).has_value(); });
}

// [B12-invread-01, B12-invread-03, B12-invread-05, B12-invread-06, B12-invread-09]
TEST(Invoice, RefusesRecordsByTheirRules) {
  for (std::uint64_t type : {0, 88, 160, 162, 164, 168, 170, 176})
    EXPECT_EQ(problem(type, std::nullopt), (ParseError{ParseCode::MissingField, type})) << type;
  EXPECT_EQ(problem(166, std::nullopt), std::nullopt);
  EXPECT_EQ(problem(160, Bytes{}), (ParseError{ParseCode::BadValue, 160}));
  auto path = wire::to_bytes(testing::path(110));
  path.resize(67);  // introduction node, path key, num_hops
  path.back() = 0;
  EXPECT_EQ(problem(160, path)->code, ParseCode::BadValue);
  EXPECT_EQ(problem(162, Bytes(27)), (ParseError{ParseCode::BadLength, 162}));
  EXPECT_EQ(problem(162, Bytes(28)), (ParseError{ParseCode::BadLength, 162}));  // one for two paths
  EXPECT_EQ(problem(162, Bytes(84)), (ParseError{ParseCode::BadLength, 162}));  // three
  EXPECT_EQ(problem(166, Bytes(5, 1)), (ParseError{ParseCode::BadLength, 166}));
  EXPECT_EQ(problem(168, Bytes(31)), (ParseError{ParseCode::BadLength, 168}));
  EXPECT_EQ(problem(172, Bytes{}), std::nullopt);
  EXPECT_EQ(problem(172, Bytes{1, 2, 3}), (ParseError{ParseCode::BadLength, 172}));
  EXPECT_EQ(problem(174, Bytes{0x04, 0, 0}), (ParseError{ParseCode::UnknownEven, 18}));
  EXPECT_EQ(problem(178, Bytes{}), (ParseError{ParseCode::UnknownEven, 178}));  // of static invoices only
  EXPECT_EQ(problem(236, Bytes{}), (ParseError{ParseCode::UnknownEven, 236}));
  EXPECT_EQ(problem(177, Bytes{}), std::nullopt);
  auto other_key =
      signed_with_record(sample_invoice().bytes(), 176, doze::to_bytes(point(8).view()), "invoice", key(8));
  EXPECT_EQ(Invoice::parse(other_key).error(), (ParseError{ParseCode::BadValue, 176}));
}

// [B12-invread-07]
TEST(Invoice, LeavesOutPathsThatAskForUnknownFeatures) {
  auto terms = sample_invoice_terms();
  terms.payment_paths[0].payinfo.features = Bytes{0x01};  // bit 0
  terms.payment_paths[1].payinfo.features = Bytes{0x02};  // bit 1: may be ignored
  auto invoice = Invoice::make(extended_request(), terms);
  ASSERT_TRUE(invoice.has_value());
  ASSERT_EQ(invoice->payment_paths().size(), 1u);
  EXPECT_EQ(invoice->payment_paths()[0], terms.payment_paths[1]);
  terms.payment_paths[1].payinfo.features = Bytes{0x01};
  EXPECT_EQ(Invoice::make(extended_request(), terms).error(), (ParseError{ParseCode::UnknownEven, 162}));
}

// [B12-invread-17]
TEST(Invoice, FallbacksThatNobodyCanPayAreLeftOut) {
  auto terms = sample_invoice_terms();
  terms.fallbacks = {{0, Bytes(20, 1)}, {0, Bytes(21, 2)}, {17, Bytes(32, 3)}, {16, Bytes(40, 4)},
                     {1, Bytes(41, 5)}, {1, Bytes(1, 6)},  {1, Bytes(2, 7)},   {0, Bytes(32, 8)}};
  auto invoice = Invoice::make(extended_request(), terms);
  ASSERT_TRUE(invoice.has_value()) << describe(invoice.error());
  EXPECT_EQ(invoice->fallbacks(),
            (std::vector<FallbackAddress>{{0, Bytes(20, 1)}, {16, Bytes(40, 4)}, {1, Bytes(2, 7)}, {0, Bytes(32, 8)}}));
  EXPECT_TRUE(sample_invoice().fallbacks().empty());
}

// [B12-inv-05]
TEST(Invoice, WithoutAnIssuerIdTheLastHopOfAPathSigns) {
  auto offer_terms = testing::sample_offer_terms();
  offer_terms.issuer_id.reset();
  auto offer = Offer::make(offer_terms);
  auto request = InvoiceRequest::make(*offer, sample_request_terms());
  auto terms = sample_invoice_terms();
  EXPECT_EQ(Invoice::make(*request, terms).error(), (ParseError{ParseCode::BadValue, 176}));
  terms.node_key = key(110);
  auto invoice = Invoice::make(*request, terms);
  ASSERT_TRUE(invoice.has_value());
  EXPECT_EQ(invoice->node_id(), point(110));
}

// [B12-read-12, B12-invread-02, B12-invread-04, B12-invread-08, B12-invread-14, B12-invread-16]
TEST(CheckInvoice, NamesEveryProblem) {
  auto request = extended_request();
  auto code = [&](std::uint64_t type, const std::optional<Bytes>& value, UnixTime now = kNow) {
    auto invoice = Invoice::parse(signed_with_record(sample_invoice().bytes(), type, value, "invoice", key(7)));
    EXPECT_TRUE(invoice.has_value());
    auto refusal = check_invoice(*invoice, request, now);
    return refusal ? std::optional(refusal->code) : std::nullopt;
  };
  EXPECT_EQ(code(166, std::nullopt, after_s(kNow, 7'200)), std::nullopt);
  EXPECT_EQ(code(166, std::nullopt, after_s(kNow, 7'201)), RefusalCode::Expired);
  EXPECT_EQ(code(166, Bytes{1}, after_s(kNow, 2)), RefusalCode::Expired);
  EXPECT_EQ(code(170, wire::tu(10'001)), RefusalCode::AmountWrong);
  EXPECT_EQ(code(170, wire::tu(9'999)), RefusalCode::AmountWrong);
  EXPECT_EQ(code(174, Bytes{0x01, 0, 0}), RefusalCode::MultipartRequired);
  EXPECT_EQ(code(174, Bytes{0x02, 0, 0}), std::nullopt);
  EXPECT_EQ(code(0, Bytes(32, 1)), RefusalCode::RequestMismatch);
  EXPECT_EQ(code(89, std::nullopt), RefusalCode::RequestMismatch);
  EXPECT_EQ(code(33, std::nullopt), RefusalCode::RequestMismatch);
  EXPECT_EQ(code(2'000'000'001, std::nullopt), RefusalCode::RequestMismatch);
  EXPECT_EQ(code(2'000'000'003, Bytes{}), RefusalCode::RequestMismatch);
  EXPECT_EQ(code(3'000'000'001, Bytes{}), std::nullopt);
}

// [B12-inv-02, B12-invread-15]
TEST(CheckInvoice, AnAmountInTheRequestIsTheAmount) {
  auto terms = sample_request_terms();
  terms.amount = Msat(12'345);
  auto request = InvoiceRequest::make(sample_offer(), terms);
  auto invoice = Invoice::make(*request, sample_invoice_terms());
  ASSERT_TRUE(invoice.has_value());
  EXPECT_EQ(invoice->amount(), Msat(12'345));
  EXPECT_EQ(check_invoice(*invoice, *request, kNow), std::nullopt);
}

}  // namespace
}  // namespace doze::offers
