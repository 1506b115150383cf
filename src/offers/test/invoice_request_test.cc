#include "offers/invoice_request.h"

#include "offers/invoice_error.h"
#include "samples.h"

namespace doze::offers {
namespace {

using testing::key;
using testing::kNow;
using testing::point;
using testing::regtest;
using testing::sample_offer;
using testing::sample_request_terms;
using testing::signed_with_record;
using testing::with_record;

InvoiceRequest sample_request() {
  auto request = InvoiceRequest::make(sample_offer(), sample_request_terms());
  EXPECT_TRUE(request.has_value()) << describe(request.error());
  return *std::move(request);
}

// [B12-req-01, B12-req-12]
TEST(InvoiceRequest, RepeatsTheOfferAndSaysWhatTheTermsSaid) {
  auto request = sample_request();
  EXPECT_EQ(request.offer().bytes(), sample_offer().bytes());
  EXPECT_EQ(request.offer_id(), sample_offer().id());
  EXPECT_EQ(request.metadata(), Bytes(32, 0x5a));
  EXPECT_EQ(request.chain(), regtest());
  EXPECT_EQ(request.amount(), std::nullopt);
  EXPECT_EQ(request.quantity(), 2u);
  EXPECT_EQ(request.payer_id(), point(9));
  EXPECT_EQ(request.payer_note(), "for Tuesday");
  EXPECT_EQ(amount_of(request, sample_offer()), Msat(10'000));
  EXPECT_EQ(check_request(request, sample_offer(), kNow), std::nullopt);
}

// [B12-req-03]
TEST(InvoiceRequest, LeavesBitcoinsChainOut) {
  OfferTerms offer_terms;
  offer_terms.issuer_id = point(7);
  auto offer = Offer::make(offer_terms);
  auto terms = sample_request_terms();
  terms.chain = wire::chain_hash(wire::Network::Mainnet);
  terms.quantity.reset();
  terms.amount = Msat(77);
  auto request = InvoiceRequest::make(*offer, terms);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(wire::find(*wire::parse_tlv_stream(request->bytes()), 80), nullptr);
  EXPECT_EQ(request->chain(), terms.chain);
  EXPECT_EQ(amount_of(*request, *offer), Msat(77));
  EXPECT_EQ(check_request(*request, *offer, kNow), std::nullopt);
}

// [B12-reqread-04]
TEST(InvoiceRequest, EveryFlippedBitIsNoticed) {
  testing::expect_robust(sample_request().bytes(),
                         [](ByteView bytes) { return InvoiceRequest::parse(bytes).has_value(); });
}

// [B12-req-10, B12-reqread-01, B12-reqread-02, B12-reqread-03, B12-reqread-05, B12-reqread-19]
TEST(InvoiceRequest, RefusesRecordsByTheirRules) {
  auto bytes = sample_request().bytes();
  auto problem = [&](std::uint64_t type, const std::optional<Bytes>& value) {
    auto request = InvoiceRequest::parse(signed_with_record(bytes, type, value, "invoice_request", key(9)));
    return request ? std::nullopt : std::optional(request.error());
  };
  EXPECT_EQ(problem(0, std::nullopt), (ParseError{ParseCode::MissingField, 0}));
  EXPECT_EQ(problem(88, std::nullopt), (ParseError{ParseCode::MissingField, 88}));
  EXPECT_EQ(problem(88, Bytes(33, 2)), (ParseError{ParseCode::BadSignature, 240}));  // on the curve, another's
  EXPECT_EQ(problem(88, Bytes(33, 5)), (ParseError{ParseCode::BadPoint, 88}));
  EXPECT_EQ(problem(80, Bytes(31)), (ParseError{ParseCode::BadLength, 80}));
  EXPECT_EQ(problem(82, Bytes(8, 0xff)), (ParseError{ParseCode::BadValue, 82}));
  EXPECT_EQ(problem(84, Bytes{0x04}), (ParseError{ParseCode::UnknownEven, 2}));
  EXPECT_EQ(problem(84, Bytes{0x08}), std::nullopt);
  EXPECT_EQ(problem(89, Bytes{0xc0}), (ParseError{ParseCode::BadUtf8, 89}));
  EXPECT_EQ(problem(90, Bytes{}), (ParseError{ParseCode::BadValue, 90}));
  auto path = wire::to_bytes(testing::path(110));
  EXPECT_EQ(problem(90, path), std::nullopt);
  path.resize(67);  // introduction node, path key, num_hops
  path.back() = 0;
  EXPECT_EQ(problem(90, path)->code, ParseCode::BadValue);
  EXPECT_EQ(problem(92, Bytes{}), (ParseError{ParseCode::UnknownEven, 92}));
  EXPECT_EQ(problem(93, Bytes{}), std::nullopt);
  EXPECT_EQ(problem(161, Bytes{}), (ParseError{ParseCode::UnexpectedField, 161}));
  EXPECT_EQ(problem(1'001, Bytes{}), (ParseError{ParseCode::UnexpectedField, 1'001}));
  EXPECT_EQ(problem(241, Bytes{}), std::nullopt);
  EXPECT_EQ(problem(242, Bytes{}), (ParseError{ParseCode::UnknownEven, 242}));
  EXPECT_EQ(problem(2'000'000'001, Bytes{}), std::nullopt);
  EXPECT_EQ(problem(2'000'000'002, Bytes{}), (ParseError{ParseCode::UnknownEven, 2'000'000'002}));
  EXPECT_EQ(problem(3'000'000'001, Bytes{}), (ParseError{ParseCode::UnexpectedField, 3'000'000'001}));
  EXPECT_EQ(problem(22, Bytes(33, 5)), (ParseError{ParseCode::BadPoint, 22}));
  EXPECT_EQ(problem(91, Bytes{1, 'a', 1, 'b'}), std::nullopt);
  EXPECT_EQ(problem(91, Bytes{1, 'a', 1, '@'}), (ParseError{ParseCode::BadValue, 91}));
  EXPECT_EQ(problem(91, Bytes{1, 'a', 2, 'b'}), (ParseError{ParseCode::BadLength, 91}));
  auto without_signature = InvoiceRequest::parse(with_record(bytes, 240, std::nullopt));
  EXPECT_EQ(without_signature.error(), (ParseError{ParseCode::MissingField, 240}));
}

TEST(InvoiceRequest, CarriesTheNameOfBip353AndThePayersPaths) {
  auto terms = sample_request_terms();
  terms.bip_353_name = HumanName::parse("₿matt@mattcorallo.com");
  terms.paths = {testing::path(115)};
  ASSERT_TRUE(terms.bip_353_name);
  auto request = InvoiceRequest::make(sample_offer(), terms);
  ASSERT_TRUE(request.has_value()) << describe(request.error());
  EXPECT_EQ(request->bip_353_name(), (HumanName{"matt", "mattcorallo.com"}));
  EXPECT_EQ(request->paths(), terms.paths);
  auto record = wire::find(*wire::parse_tlv_stream(request->bytes()), 91)->value;
  EXPECT_EQ(to_hex(record), "046d6174740f6d617474636f72616c6c6f2e636f6d");
  terms.bip_353_name->domain = "a b";
  EXPECT_EQ(InvoiceRequest::make(sample_offer(), terms).error(), (ParseError{ParseCode::BadValue, 91}));
}

TEST(HumanName, IsANameAtADomainInAFewCharacters) {
  EXPECT_EQ(HumanName::parse("a.b-c_D9@x.Y"), (HumanName{"a.b-c_D9", "x.Y"}));
  for (const char* text : {"", "@", "a@", "@b", "ab", "a@b@c", "a b@c", "ä@b", "₿₿a@b", "a@b/"})
    EXPECT_EQ(HumanName::parse(text), std::nullopt) << text;
  EXPECT_TRUE(HumanName::parse(std::string(253, 'a') + "@b"));
  EXPECT_FALSE(HumanName::parse(std::string(254, 'a') + "@b"));
}

TEST(InvoiceRequest, RecurrenceThatMayBeIgnoredIsKeptAndOtherRecurrenceIsRefused) {
  // The numbers of the draft for recurrence: odd ones in offers and requests can be paid without it.
  for (std::uint64_t type : {25, 27, 29}) {
    auto offer = Offer::from_bytes(with_record(sample_offer().bytes(), type, Bytes{1, 2}));
    ASSERT_TRUE(offer.has_value()) << type;
    auto request = InvoiceRequest::make(*offer, sample_request_terms());
    ASSERT_TRUE(request.has_value());
    EXPECT_NE(wire::find(*wire::parse_tlv_stream(request->bytes()), type), nullptr) << type;
  }
  for (std::uint64_t type : {24, 26}) {
    auto offer = Offer::from_bytes(with_record(sample_offer().bytes(), type, Bytes{1, 2}));
    EXPECT_EQ(offer.error(), (ParseError{ParseCode::UnknownEven, type}));
  }
  auto bytes = sample_request().bytes();
  for (std::uint64_t type : {92, 94})
    EXPECT_EQ(InvoiceRequest::parse(signed_with_record(bytes, type, Bytes{1}, "invoice_request", key(9))).error(),
              (ParseError{ParseCode::UnknownEven, type}));
  EXPECT_TRUE(InvoiceRequest::parse(signed_with_record(bytes, 93, Bytes{1}, "invoice_request", key(9))).has_value());
}

// [B12-reqread-10, B12-reqread-12, B12-reqread-18]
TEST(CheckRequest, NamesEveryProblem) {
  auto offer = sample_offer();
  auto code = [&](const std::function<void(RequestTerms&)>& change, UnixTime now = kNow) {
    auto terms = sample_request_terms();
    change(terms);
    auto request = InvoiceRequest::make(offer, terms);
    EXPECT_TRUE(request.has_value());
    auto refusal = check_request(*request, offer, now);
    return refusal ? std::optional(refusal->code) : std::nullopt;
  };
  EXPECT_EQ(code([](auto&) {}, after_s(kNow, 86'401)), RefusalCode::Expired);
  EXPECT_EQ(code([](auto& t) { t.chain = wire::chain_hash(wire::Network::Mainnet); }), RefusalCode::WrongChain);
  EXPECT_EQ(code([](auto& t) { t.quantity.reset(); }), RefusalCode::QuantityMissing);
  EXPECT_EQ(code([](auto& t) { t.quantity = 0; }), RefusalCode::QuantityOutOfRange);
  EXPECT_EQ(code([](auto& t) { t.quantity = 4; }), RefusalCode::QuantityOutOfRange);
  EXPECT_EQ(code([](auto& t) { t.amount = Msat(9'999); }), RefusalCode::AmountTooLow);
  EXPECT_EQ(code([](auto& t) { t.amount = Msat(10'000); }), std::nullopt);
  EXPECT_EQ(code([](auto& t) { t.amount = Msat(10'001); }), std::nullopt);
}

// [B12-reqread-07]
TEST(CheckRequest, AnotherOfferIsAnotherOfferHoweverSmallTheDifference) {
  auto without_unknown = Offer::from_bytes(with_record(sample_offer().bytes(), 33, std::nullopt));
  auto without_experiment = Offer::from_bytes(with_record(sample_offer().bytes(), 1'000'000'033, std::nullopt));
  EXPECT_EQ(check_request(sample_request(), *without_unknown, kNow)->code, RefusalCode::OfferMismatch);
  EXPECT_EQ(check_request(sample_request(), *without_experiment, kNow)->code, RefusalCode::OfferMismatch);
}

// [B12-reqread-13]
TEST(CheckRequest, WithoutAPriceTheRequestNamesTheAmount) {
  auto offer_terms = testing::sample_offer_terms();
  offer_terms.amount.reset();
  auto offer = Offer::make(offer_terms);
  ASSERT_TRUE(offer.has_value());
  auto terms = sample_request_terms();
  EXPECT_EQ(check_request(*InvoiceRequest::make(*offer, terms), *offer, kNow)->code, RefusalCode::AmountMissing);
  terms.amount = Msat(1);
  EXPECT_EQ(check_request(*InvoiceRequest::make(*offer, terms), *offer, kNow), std::nullopt);
}

TEST(CheckRequest, AnIssuerDoesNotConvertCurrencies) {
  auto offer = Offer::from_bytes(with_record(sample_offer().bytes(), 6, Bytes{'E', 'U', 'R'}));
  auto terms = sample_request_terms();
  terms.amount = Msat(1);
  auto request = InvoiceRequest::make(*offer, terms);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(check_request(*request, *offer, kNow)->code, RefusalCode::CurrencyUnsupported);
}

// [B12-err-02]
TEST(InvoiceError, SuggestsTheSmallestChangeThatWouldDo) {
  auto offer = sample_offer();
  auto suggested = [&](const std::function<void(RequestTerms&)>& change) {
    auto terms = sample_request_terms();
    change(terms);
    auto refusal = check_request(*InvoiceRequest::make(offer, terms), offer, kNow);
    EXPECT_TRUE(refusal.has_value());
    auto error = InvoiceError::of(*refusal);
    EXPECT_EQ(*InvoiceError::parse(error.encode()), error);
    EXPECT_TRUE(error.erroneous_field.has_value());
    return error.suggested_value;
  };
  EXPECT_EQ(suggested([](auto& t) { t.amount = Msat(9'999); }), wire::tu(10'000));
  EXPECT_EQ(suggested([](auto& t) { t.quantity.reset(); }), wire::tu(1));
  EXPECT_EQ(suggested([](auto& t) { t.quantity = 0; }), wire::tu(1));
  EXPECT_EQ(suggested([](auto& t) { t.quantity = 4; }), wire::tu(3));
  EXPECT_EQ(suggested([](auto& t) { t.chain = wire::chain_hash(wire::Network::Mainnet); }), std::nullopt);
  EXPECT_EQ(InvoiceError::of(Refusal{RefusalCode::AmountTooLow, 0, 2, 1}).suggested_value, std::nullopt);
}

// [B12-err-01]
TEST(InvoiceError, GoesThereAndBack) {
  auto written = testing::vectors("bolt12/ldk-objects.json").at("invoice_error");
  auto read = InvoiceError::parse(hex(testing::text(written.at("stream"))));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->error, testing::text(written.at("error")));
  EXPECT_EQ(to_hex(read->encode()), testing::text(written.at("stream")));
  InvoiceError full{82, Bytes{0x27, 0x10}, "too little"};
  auto bytes = full.encode();
  EXPECT_EQ(*InvoiceError::parse(bytes), full);
  EXPECT_EQ(InvoiceError::of(Refusal{RefusalCode::QuantityMissing, 86}).erroneous_field, 86u);
  EXPECT_EQ(InvoiceError::of(Refusal{RefusalCode::OfferMismatch}).erroneous_field, std::nullopt);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(InvoiceError::parse(ByteView(bytes).first(length)).has_value()) << length;
  EXPECT_EQ(InvoiceError::parse(hex("03010105026869")).error(), (ParseError{ParseCode::UnexpectedField, 3}));
  EXPECT_EQ(InvoiceError::parse(hex("020005026869")).error(), (ParseError{ParseCode::UnknownEven, 2}));
  EXPECT_EQ(InvoiceError::parse(hex("0501ff")).error(), (ParseError{ParseCode::BadUtf8, 5}));
}

}  // namespace
}  // namespace doze::offers
