#include "offers/offer.h"

#include <set>

#include "samples.h"

namespace doze::offers {
namespace {

using testing::kNow;
using testing::point;
using testing::regtest;
using testing::sample_offer;
using testing::sample_offer_terms;
using testing::text;
using testing::vectors;
using testing::with_record;

// [B12-read-02, B12-read-03, B12-read-04, B12-read-06, B12-read-07, B12-read-08, B12-read-09, B12-read-10]
TEST(Offer, ReadsAndRefusesTheVectors) {
  std::size_t count = 0;
  const auto tests = vectors("bolt12/offers-test.json");
  for (const auto& test : tests.as_array()) {
    auto offer = Offer::parse(text(test.at("bolt12")));
    ASSERT_EQ(offer.has_value(), test.at("valid").as_bool()) << text(test.at("description"));
    ++count;
    if (!offer) continue;
    auto records = wire::parse_tlv_stream(offer->bytes());
    const auto& fields = test.at("fields").as_array();
    ASSERT_EQ(records->size(), fields.size()) << text(test.at("description"));
    for (std::size_t i = 0; i < fields.size(); ++i) {
      EXPECT_EQ(records->at(i).type, fields[i].at("type").to_number<std::uint64_t>());
      EXPECT_EQ(to_hex(records->at(i).value), text(fields[i].at("hex")));
    }
    EXPECT_EQ(offer->text(), text(test.at("bolt12"))) << text(test.at("description"));
  }
  EXPECT_GT(count, 50u);
}

// [B12-offer-02, B12-offer-04, B12-offer-07, B12-offer-09, B12-offer-13]
TEST(Offer, SaysWhatTheTermsSaid) {
  auto terms = sample_offer_terms();
  auto offer = sample_offer();
  auto again = Offer::parse(offer.text());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, offer);
  EXPECT_EQ(again->id(), offer.id());
  EXPECT_EQ(again->chains(), terms.chains);
  EXPECT_EQ(again->metadata(), terms.metadata);
  EXPECT_EQ(again->amount(), terms.amount);
  EXPECT_EQ(again->description(), terms.description);
  EXPECT_EQ(again->absolute_expiry(), terms.absolute_expiry);
  EXPECT_EQ(again->paths(), terms.paths);
  EXPECT_EQ(again->issuer(), terms.issuer);
  EXPECT_EQ(again->quantity_max(), terms.quantity_max);
  EXPECT_EQ(again->issuer_id(), terms.issuer_id);
}

// [B12-offer-05]
TEST(Offer, APriceInAnotherCurrencyIsWrittenAsItIs) {
  auto terms = testing::sample_offer_terms();
  terms.amount.reset();
  terms.currency_amount = CurrencyAmount{"EUR", 350};
  auto offer = Offer::make(terms);
  ASSERT_TRUE(offer.has_value()) << describe(offer.error());
  EXPECT_EQ(offer->currency(), "EUR");
  EXPECT_EQ(offer->currency_amount(), 350u);
  EXPECT_EQ(offer->amount(), std::nullopt);
  for (const char* currency : {"", "EU", "eur", "EURO", "E1R"}) {
    terms.currency_amount->currency = currency;
    EXPECT_EQ(Offer::make(terms).error(), (ParseError{ParseCode::BadValue, 6})) << currency;
  }
  terms.currency_amount->currency = "EUR";
  terms.amount = Msat(1);
  EXPECT_EQ(Offer::make(terms).error().code, ParseCode::TlvOrder);  // two prices
}

// [B12-offer-04, B12-offer-06, B12-offer-11]
TEST(Offer, MakingAppliesTheRulesOfReading) {
  auto no_description = sample_offer_terms();
  no_description.description.reset();
  EXPECT_EQ(Offer::make(no_description).error(), (ParseError{ParseCode::MissingField, 10}));
  auto nobody = sample_offer_terms();
  nobody.paths.clear();
  nobody.issuer_id.reset();
  EXPECT_EQ(Offer::make(nobody).error(), (ParseError{ParseCode::MissingField, 22}));
  auto zero = sample_offer_terms();
  zero.amount = Msat(0);
  EXPECT_EQ(Offer::make(zero).error(), (ParseError{ParseCode::BadValue, 8}));
  auto bad_text = sample_offer_terms();
  bad_text.description = "\xff";
  EXPECT_EQ(Offer::make(bad_text).error(), (ParseError{ParseCode::BadUtf8, 10}));
  EXPECT_EQ(Offer::make({}).error(), (ParseError{ParseCode::MissingField, 22}));
}

TEST(Offer, PathOnlyOffersAreNamedByTheirLastHops) {
  auto terms = sample_offer_terms();
  terms.issuer_id.reset();
  terms.paths.push_back(testing::path(115));
  auto offer = Offer::make(terms);
  ASSERT_TRUE(offer.has_value());
  EXPECT_TRUE(offer->names(point(110)));
  EXPECT_TRUE(offer->names(point(115)));
  EXPECT_FALSE(offer->names(point(103)));
  EXPECT_FALSE(sample_offer().names(point(110)));  // the issuer_id takes precedence
  EXPECT_TRUE(sample_offer().names(point(7)));
}

// [B12-offer-01, B12-read-01]
TEST(Offer, RefusesRecordsByTheirTypes) {
  auto bytes = sample_offer().bytes();
  auto code = [&](std::uint64_t type, Bytes value) {
    auto offer = Offer::from_bytes(with_record(bytes, type, value));
    return offer ? std::nullopt : std::optional(offer.error());
  };
  EXPECT_EQ(code(34, {}), (ParseError{ParseCode::UnknownEven, 34}));
  EXPECT_EQ(code(1'000'000'002, {}), (ParseError{ParseCode::UnknownEven, 1'000'000'002}));
  EXPECT_EQ(code(0, {}), (ParseError{ParseCode::UnexpectedField, 0}));
  EXPECT_EQ(code(81, {}), (ParseError{ParseCode::UnexpectedField, 81}));
  EXPECT_EQ(code(2'000'000'001, {}), (ParseError{ParseCode::UnexpectedField, 2'000'000'001}));
  EXPECT_EQ(code(35, {}), std::nullopt);
  EXPECT_EQ(code(12, {0x01}), (ParseError{ParseCode::UnknownEven, 0}));  // feature bit 0
  EXPECT_EQ(code(12, {0x02}), std::nullopt);                             // feature bit 1
  EXPECT_EQ(code(2, Bytes(31)), (ParseError{ParseCode::BadLength, 2}));
  EXPECT_EQ(code(8, {0x00, 0x01}), (ParseError{ParseCode::NotMinimal, 8}));
  EXPECT_EQ(code(8, Bytes(8, 0xff)), (ParseError{ParseCode::BadValue, 8}));  // above 21 million bitcoin
  EXPECT_EQ(code(14, Bytes(9, 0xff)), (ParseError{ParseCode::BadLength, 14}));
  EXPECT_EQ(code(6, {'u', 's', 'd'}), (ParseError{ParseCode::BadValue, 6}));
}

TEST(Offer, CutAnywhereItIsRefusedOrAnotherOffer) {
  auto bytes = sample_offer().bytes();
  auto records = wire::parse_tlv_stream(bytes);
  std::set<std::size_t> ends;  // an offer has no signature: cut between records it may still be one
  for (const auto& record : *records) ends.insert(record.whole.data() + record.whole.size() - bytes.data());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    auto offer = Offer::from_bytes(ByteView(bytes).first(length));
    if (!ends.contains(length)) {
      EXPECT_FALSE(offer.has_value()) << length;
    }
    if (offer) {
      EXPECT_NE(offer->id(), sample_offer().id());
    }
  }
}

TEST(CannotPay, NothingSpeaksAgainstAGoodChoice) {
  auto offer = sample_offer();
  EXPECT_EQ(cannot_pay(offer, regtest(), kNow, std::nullopt, 3), std::nullopt);
  EXPECT_EQ(cannot_pay(offer, regtest(), kNow, Msat(15'000), 3), std::nullopt);
  EXPECT_EQ(cannot_pay(offer, regtest(), kNow, Msat(20'000), 3), std::nullopt);
  EXPECT_EQ(cannot_pay(offer, regtest(), *offer.absolute_expiry(), std::nullopt, 1), std::nullopt);
  EXPECT_EQ(expected_amount(offer, 3), Msat(15'000));
}

// [B12-read-05, B12-req-02, B12-req-06, B12-req-08]
TEST(CannotPay, NamesEveryProblem) {
  auto offer = sample_offer();
  auto code = [&](const ChainHash& chain, UnixTime now, std::optional<Msat> amount,
                  std::optional<std::uint64_t> items) {
    auto refusal = cannot_pay(offer, chain, now, amount, items);
    return refusal ? std::optional(refusal->code) : std::nullopt;
  };
  EXPECT_EQ(code(wire::chain_hash(wire::Network::Mainnet), kNow, {}, 1), RefusalCode::WrongChain);
  EXPECT_EQ(code(regtest(), after_s(kNow, 86'401), {}, 1), RefusalCode::Expired);
  EXPECT_EQ(code(regtest(), kNow, {}, {}), RefusalCode::QuantityMissing);
  EXPECT_EQ(code(regtest(), kNow, {}, 0), RefusalCode::QuantityOutOfRange);
  EXPECT_EQ(code(regtest(), kNow, {}, 4), RefusalCode::QuantityOutOfRange);
  EXPECT_EQ(code(regtest(), kNow, Msat(9'999), 2), RefusalCode::AmountTooLow);
  EXPECT_EQ(code(regtest(), kNow, Msat(UINT64_MAX), 2), RefusalCode::AmountTooLarge);
}

// [B12-read-13]
TEST(CannotPay, TimesAreTold) {
  EXPECT_EQ((Refusal{RefusalCode::Expired, 0, 1'750'000'000}.text()), "it expired at 2025-06-15T15:06:40Z");
}

TEST(CannotPay, APriceTimesAQuantityNeverOverflows) {
  auto terms = sample_offer_terms();
  terms.quantity_max = 0;
  auto offer = Offer::make(terms);
  EXPECT_EQ(cannot_pay(*offer, regtest(), kNow, {}, UINT64_MAX)->code, RefusalCode::AmountTooLarge);
  EXPECT_EQ(cannot_pay(*offer, regtest(), kNow, {}, UINT64_MAX / 5'000)->code, RefusalCode::AmountTooLarge);
  EXPECT_EQ(cannot_pay(*offer, regtest(), kNow, {}, 1'000'000), std::nullopt);
}

// [B12-req-05]
TEST(CannotPay, AnOfferWithoutAPriceNeedsAnAmount) {
  OfferTerms terms;
  terms.issuer_id = point(7);
  auto offer = Offer::make(terms);
  auto mainnet = wire::chain_hash(wire::Network::Mainnet);
  ASSERT_TRUE(offer.has_value());
  EXPECT_EQ(cannot_pay(*offer, mainnet, kNow, {}, {})->code, RefusalCode::AmountMissing);
  EXPECT_EQ(cannot_pay(*offer, mainnet, kNow, Msat(0), {})->code, RefusalCode::AmountTooLow);
  EXPECT_EQ(cannot_pay(*offer, mainnet, kNow, Msat(1), 1)->code, RefusalCode::QuantityUnexpected);
  EXPECT_EQ(cannot_pay(*offer, mainnet, kNow, Msat(1), {}), std::nullopt);
  EXPECT_EQ(cannot_pay(*offer, regtest(), kNow, Msat(1), {})->code, RefusalCode::WrongChain);
}

// [B12-read-11]
TEST(CannotPay, APriceInAnotherCurrencyNeedsAnAmount) {
  auto offer = Offer::from_bytes(with_record(sample_offer().bytes(), 6, Bytes{'U', 'S', 'D'}));
  ASSERT_TRUE(offer.has_value());
  EXPECT_EQ(offer->amount(), std::nullopt);
  EXPECT_EQ(cannot_pay(*offer, regtest(), kNow, {}, 1)->code, RefusalCode::CurrencyUnsupported);
  EXPECT_EQ(cannot_pay(*offer, regtest(), kNow, Msat(1), 1), std::nullopt);
}

TEST(Refusal, IsASentenceWithItsNumbers) {
  Refusal refusal{RefusalCode::AmountTooLow, 82, 10'000, 9'999};
  EXPECT_EQ("refused: " + refusal, "refused: 9999 msat are less than the requested 10000 msat");
  EXPECT_STREQ(name(refusal.code), "amount_too_low");
}

}  // namespace
}  // namespace doze::offers
