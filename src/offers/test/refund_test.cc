// Refunds: requests without an offer, and the invoices that answer them.
#include "offers/refund.h"

#include "samples.h"

namespace doze::offers {
namespace {

using testing::key;
using testing::kNow;
using testing::point;
using testing::regtest;
using testing::sample_invoice_terms;
using testing::sample_refund_terms;
using testing::signed_with_record;
using testing::with_record;

Refund sample_refund() {
  auto refund = Refund::make(sample_refund_terms());
  EXPECT_TRUE(refund.has_value()) << describe(refund.error());
  return *std::move(refund);
}

// [B12-req-09]
TEST(Refund, SaysWhatTheTermsSaidAndIsNotSigned) {
  auto refund = sample_refund();
  auto terms = sample_refund_terms();
  EXPECT_EQ(refund.about().description, terms.description);
  EXPECT_EQ(refund.about().issuer, terms.issuer);
  EXPECT_EQ(refund.about().absolute_expiry, terms.absolute_expiry);
  EXPECT_EQ(refund.chain(), regtest());
  EXPECT_EQ(refund.amount(), Msat(7'000));
  EXPECT_EQ(refund.request().payer_id, point(9));
  EXPECT_EQ(refund.request().paths, terms.request.paths);
  EXPECT_EQ(refund.request().payer_note, "sorry");
  EXPECT_EQ(wire::find(*wire::parse_tlv_stream(refund.bytes()), 240), nullptr);
  EXPECT_TRUE(refund.text().starts_with("lnr1"));
  EXPECT_EQ(Refund::parse_text(refund.text())->bytes(), refund.bytes());
  EXPECT_TRUE(is_without_offer(refund.bytes()));
  EXPECT_FALSE(is_without_offer(testing::sample_offer().bytes()));
  EXPECT_FALSE(is_without_offer(Bytes{1}));
}

TEST(Refund, IsNoRequestForAnOffer) {
  EXPECT_EQ(InvoiceRequest::parse(sample_refund().bytes()).error(), (ParseError{ParseCode::MissingField, 22}));
}

// [B12-reqread-15, B12-reqread-16]
TEST(Refund, RefusesRecordsByTheirRules) {
  auto problem = [](std::uint64_t type, const std::optional<Bytes>& value) {
    auto refund = Refund::parse(with_record(sample_refund().bytes(), type, value));
    return refund ? std::nullopt : std::optional(refund.error());
  };
  for (std::uint64_t type : {0, 82, 88})
    EXPECT_EQ(problem(type, std::nullopt), (ParseError{ParseCode::MissingField, type})) << type;
  for (std::uint64_t type : {2, 12, 16, 20, 22})
    EXPECT_EQ(problem(type, Bytes(33, 2)), (ParseError{ParseCode::UnexpectedField, type})) << type;
  for (std::uint64_t type : {4, 6, 10, 14, 18, 80, 89, 90}) EXPECT_EQ(problem(type, std::nullopt), std::nullopt);
  EXPECT_EQ(problem(8, wire::tu(5)), std::nullopt);  // to be shown, not to be paid
  EXPECT_EQ(problem(82, Bytes{0, 1}), (ParseError{ParseCode::NotMinimal, 82}));
  EXPECT_EQ(problem(84, Bytes{1}), (ParseError{ParseCode::UnknownEven, 0}));
  EXPECT_EQ(problem(88, Bytes(33, 5)), (ParseError{ParseCode::BadPoint, 88}));
  EXPECT_EQ(problem(24, Bytes{}), (ParseError{ParseCode::UnknownEven, 24}));
  EXPECT_EQ(problem(25, Bytes{}), std::nullopt);
  EXPECT_EQ(problem(160, Bytes{}), (ParseError{ParseCode::UnexpectedField, 160}));
  EXPECT_EQ(problem(240, Bytes(64, 1)), (ParseError{ParseCode::BadSignature, 240}));
  EXPECT_TRUE(Refund::parse(signed_with_record(sample_refund().bytes(), 93, Bytes{}, "invoice_request", key(9))));
}

TEST(Refund, SignedEveryFlippedBitIsNoticed) {
  auto whole = signed_with_record(sample_refund().bytes(), 93, Bytes{}, "invoice_request", key(9));
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto changed = whole;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    auto read = Refund::parse(changed);
    // A record that is no longer the signature makes it an unsigned one: the BOLT wants no signature at all.
    if (read) {
      EXPECT_EQ(wire::find(*wire::parse_tlv_stream(changed), 240), nullptr) << bit;
    }
  }
}

TEST(CheckRefund, NamesEveryProblem) {
  auto refund = sample_refund();
  EXPECT_EQ(check_refund(refund, regtest(), kNow), std::nullopt);
  EXPECT_EQ(check_refund(refund, regtest(), after_s(kNow, 86'401))->code, RefusalCode::Expired);
  EXPECT_EQ(check_refund(refund, wire::chain_hash(wire::Network::Mainnet), kNow)->code, RefusalCode::WrongChain);
  auto terms = sample_refund_terms();
  terms.request.amount = Msat(0);
  EXPECT_EQ(check_refund(*Refund::make(terms), regtest(), kNow)->code, RefusalCode::AmountTooLow);
}

TEST(RefundInvoice, RepeatsTheRefundForItsAmountAndAnyKey) {
  auto refund = sample_refund();
  auto invoice = Invoice::make(refund, sample_invoice_terms());
  ASSERT_TRUE(invoice.has_value()) << describe(invoice.error());
  EXPECT_EQ(invoice->offer(), std::nullopt);
  EXPECT_EQ(invoice->amount(), Msat(7'000));
  EXPECT_EQ(invoice->request().payer_id, point(9));
  EXPECT_EQ(check_invoice(*invoice, refund, kNow), std::nullopt);
  testing::expect_robust(invoice->bytes(), [](ByteView bytes) { return Invoice::parse(bytes).has_value(); });
}

TEST(RefundInvoice, IsCheckedLikeAnother) {
  auto refund = sample_refund();
  auto invoice = *Invoice::make(refund, sample_invoice_terms());
  auto code = [&](std::uint64_t type, const std::optional<Bytes>& value, UnixTime now = kNow) {
    auto changed = Invoice::parse(signed_with_record(invoice.bytes(), type, value, "invoice", key(7)));
    EXPECT_TRUE(changed.has_value());
    auto refusal = check_invoice(*changed, refund, now);
    return refusal ? std::optional(refusal->code) : std::nullopt;
  };
  EXPECT_EQ(code(170, wire::tu(6'999)), RefusalCode::AmountWrong);
  EXPECT_EQ(code(166, std::nullopt, after_s(kNow, 7'201)), RefusalCode::Expired);
  EXPECT_EQ(code(10, std::nullopt), RefusalCode::RequestMismatch);
  EXPECT_EQ(code(82, wire::tu(6'999)), RefusalCode::RequestMismatch);
  EXPECT_EQ(code(174, Bytes{0x01, 0, 0}), RefusalCode::MultipartRequired);
  for (std::uint64_t type : {2, 12, 20})
    EXPECT_FALSE(Invoice::parse(signed_with_record(invoice.bytes(), type, Bytes{1}, "invoice", key(7)))) << type;
}

}  // namespace
}  // namespace doze::offers
