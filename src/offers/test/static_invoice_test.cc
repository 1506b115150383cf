#include "offers/static_invoice.h"

#include <algorithm>

#include "offers/merkle.h"
#include "samples.h"

namespace doze::offers {
namespace {

using testing::key;
using testing::kNow;
using testing::point;
using testing::sample_offer;
using testing::sample_static_terms;
using testing::signed_with_record;
using testing::text;
using testing::vectors;
using testing::with_record;

const Profile kBoth[] = {Profile::Ldk, Profile::Draft};

StaticInvoice sample(Profile profile) {
  auto invoice = StaticInvoice::make(sample_offer(), sample_static_terms(profile));
  EXPECT_TRUE(invoice.has_value()) << describe(invoice.error());
  return *std::move(invoice);
}

// [AP-inv-03]
TEST(StaticInvoice, RepeatsTheOfferAndSaysWhatTheTermsSaid) {
  for (auto profile : kBoth) {
    auto invoice = sample(profile);
    auto terms = sample_static_terms(profile);
    EXPECT_EQ(invoice.profile(), profile);
    EXPECT_EQ(invoice.offer(), sample_offer());
    EXPECT_EQ(invoice.offer_id(), sample_offer().id());
    EXPECT_EQ(invoice.payment_paths(), terms.payment_paths);
    EXPECT_EQ(invoice.message_paths(), terms.message_paths);
    EXPECT_EQ(invoice.created_at(), kNow);
    EXPECT_EQ(invoice.expires_at(), after_s(kNow, 1'209'600));
    EXPECT_EQ(invoice.node_id(), point(7));
    auto records = *wire::parse_tlv_stream(invoice.bytes());
    EXPECT_EQ(wire::find(records, 236) != nullptr, profile == Profile::Ldk);
    EXPECT_EQ(wire::find(records, 178) != nullptr, profile == Profile::Draft);
    EXPECT_EQ(check_static_invoice(invoice, sample_offer(), kNow), std::nullopt);
  }
}

// [AP-inv-04]
TEST(StaticInvoice, EveryFlippedBitIsNoticed) {
  for (auto profile : kBoth)
    testing::expect_robust(sample(profile).bytes(),
                           [](ByteView bytes) { return StaticInvoice::parse(bytes).has_value(); });
}

TEST(StaticInvoice, PathsAndSignatureAreCheckedUnlessTheReaderSaysOtherwise) {
  auto terms = sample_static_terms(Profile::Ldk);
  terms.message_paths[0].path.back().blinded_node_id =
      PublicKey::from_hex_or_die("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");  // no point
  auto no_point = StaticInvoice::make(sample_offer(), terms)->bytes();
  EXPECT_EQ(StaticInvoice::parse(no_point).error(), (ParseError{ParseCode::BadPoint, 236}));
  EXPECT_TRUE(StaticInvoice::parse(no_point, Checks::PathsLater).has_value());
  auto forged = sample(Profile::Ldk).bytes();
  forged.back() ^= 1;
  EXPECT_EQ(StaticInvoice::parse(forged, Checks::PathsLater).error(), (ParseError{ParseCode::BadSignature, 240}));
  EXPECT_TRUE(StaticInvoice::parse(forged, Checks::Stored).has_value());
}

// [AP-inv-02]
TEST(StaticInvoice, TheDraftWantsTwoMessagePathsLdkOne) {
  for (auto profile : kBoth) {
    auto terms = sample_static_terms(profile);
    terms.message_paths.resize(1);
    EXPECT_EQ(StaticInvoice::make(sample_offer(), terms).has_value(), profile == Profile::Ldk);
    terms.message_paths.clear();
    EXPECT_FALSE(StaticInvoice::make(sample_offer(), terms).has_value());
  }
}

// [AP-offer-02, AP-inv-01, AP-inv-05]
TEST(StaticInvoice, RefusesRecordsByTheirRules) {
  for (auto profile : kBoth) {
    auto bytes = sample(profile).bytes();
    auto problem = [&](std::uint64_t type, const std::optional<Bytes>& value) {
      auto invoice = StaticInvoice::parse(signed_with_record(bytes, type, value, "static_invoice", key(7)));
      return invoice ? std::nullopt : std::optional(invoice.error());
    };
    auto own = wire::numbers(profile).static_invoice_message_paths;
    auto other = wire::numbers(profile == Profile::Ldk ? Profile::Draft : Profile::Ldk).static_invoice_message_paths;
    for (std::uint64_t type : {16, 160, 162, 164, 176})
      EXPECT_EQ(problem(type, std::nullopt), (ParseError{ParseCode::MissingField, type})) << type;
    EXPECT_EQ(problem(own, std::nullopt)->code, ParseCode::MissingField);
    EXPECT_EQ(problem(own, Bytes{}), (ParseError{ParseCode::BadValue, own}));
    EXPECT_EQ(problem(other, wire::to_bytes(testing::path(113)))->code, ParseCode::UnexpectedField);
    for (std::uint64_t type : {0, 80, 89, 91, 93, 159, 168, 170, 2'000'000'001})
      EXPECT_EQ(problem(type, Bytes(32, 1)), (ParseError{ParseCode::UnexpectedField, type})) << type;
    EXPECT_EQ(problem(2, Bytes(64)), (ParseError{ParseCode::BadValue, 2}));  // two chains
    EXPECT_EQ(problem(172, Bytes{1}), (ParseError{ParseCode::BadLength, 172}));
    EXPECT_EQ(problem(174, Bytes{0x04, 0, 0}), (ParseError{ParseCode::UnknownEven, 18}));
    EXPECT_EQ(problem(180, Bytes{}), (ParseError{ParseCode::UnknownEven, 180}));
    EXPECT_EQ(problem(179, Bytes{}), std::nullopt);
    EXPECT_EQ(problem(3'000'000'001, Bytes{}), std::nullopt);
    EXPECT_EQ(StaticInvoice::parse(with_record(bytes, 240, std::nullopt)).error(),
              (ParseError{ParseCode::MissingField, 240}));
    // Another kind's signature is none.
    auto as_invoice = signed_with_record(bytes, 179, Bytes{}, "invoice", key(7));
    EXPECT_EQ(StaticInvoice::parse(as_invoice).error(), (ParseError{ParseCode::BadSignature, 240}));
  }
}

// [AP-inv-09]
TEST(StaticInvoice, OnlyAKeyThatTheOfferNamesMaySign) {
  auto terms = sample_static_terms(Profile::Ldk);
  terms.node_key = key(8);
  EXPECT_EQ(StaticInvoice::make(sample_offer(), terms).error(), (ParseError{ParseCode::BadValue, 176}));
  auto path_only = testing::sample_offer_terms();
  path_only.issuer_id.reset();
  terms.node_key = key(110);
  EXPECT_TRUE(StaticInvoice::make(*Offer::make(path_only), terms).has_value());
}

// [AP-inv-07, AP-inv-08]
TEST(CheckStaticInvoice, NamesEveryProblem) {
  auto invoice = sample(Profile::Ldk);
  auto offer = sample_offer();
  auto another = Offer::from_bytes(with_record(offer.bytes(), 33, std::nullopt));
  EXPECT_EQ(check_static_invoice(invoice, *another, kNow)->code, RefusalCode::OfferMismatch);
  EXPECT_EQ(check_static_invoice(invoice, offer, after_s(kNow, 86'400)), std::nullopt);
  EXPECT_EQ(check_static_invoice(invoice, offer, after_s(kNow, 86'401))->field, 14u);  // the offer's own expiry
  auto terms = sample_static_terms(Profile::Draft);
  terms.relative_expiry_s = 60;
  auto brief = StaticInvoice::make(offer, terms);
  EXPECT_EQ(check_static_invoice(*brief, offer, after_s(kNow, 60)), std::nullopt);
  EXPECT_EQ(check_static_invoice(*brief, offer, after_s(kNow, 61))->code, RefusalCode::Expired);
  terms.features = wire::FeatureBits{kInvoiceMultipart};
  EXPECT_EQ(check_static_invoice(*StaticInvoice::make(offer, terms), offer, kNow)->code,
            RefusalCode::MultipartRequired);
}

// ---- written by another implementation ----

struct Foreign {
  boost::json::value json = vectors("bolt12/ldk-objects.json");
  Offer offer = *Offer::parse(text(json.at("offer")));
  Bytes invoice_bytes = hex(text(json.at("static_invoice").at("hex")));
  Bytes request_bytes = hex(text(json.at("invoice_request").at("hex")));
};

TEST(ForeignStaticInvoice, IsReadWithAllItSays) {
  Foreign foreign;
  const auto& json = foreign.json.at("static_invoice");
  auto invoice = StaticInvoice::parse(foreign.invoice_bytes);
  ASSERT_TRUE(invoice.has_value()) << describe(invoice.error());
  EXPECT_EQ(invoice->profile(), Profile::Ldk);
  EXPECT_EQ(invoice->bytes(), foreign.invoice_bytes);
  EXPECT_EQ(invoice->offer(), foreign.offer);
  EXPECT_EQ(invoice->node_id().hex(), text(foreign.json.at("issuer_id")));
  EXPECT_EQ(invoice->created_at().value(), json.at("created_at").to_number<std::uint64_t>());
  EXPECT_EQ(invoice->expires_at().value() - invoice->created_at().value(),
            json.at("relative_expiry").to_number<std::uint64_t>());
  EXPECT_EQ(invoice->features(), wire::FeatureBits{17});
  ASSERT_EQ(invoice->payment_paths().size(), 1u);
  EXPECT_EQ(invoice->payment_paths()[0].payinfo.fee_proportional_millionths, 1'000u);
  EXPECT_EQ(invoice->payment_paths()[0].payinfo.cltv_expiry_delta, 42u);
  ASSERT_EQ(invoice->message_paths().size(), 1u);
  EXPECT_EQ(invoice->message_paths()[0].path.size(), 2u);
  auto root = merkle_root(*wire::parse_tlv_stream(foreign.invoice_bytes));
  EXPECT_EQ(root.hex(), text(json.at("merkle_root")));
  EXPECT_EQ(signature_digest("static_invoice", root).hex(), text(json.at("signature_digest")));
  EXPECT_EQ(check_static_invoice(*invoice, foreign.offer, invoice->created_at()), std::nullopt);
  testing::expect_robust(foreign.invoice_bytes, [](ByteView bytes) { return StaticInvoice::parse(bytes).has_value(); });
}

TEST(ForeignOffer, MadeFromItsOwnTermsHasTheSameBytes) {
  Foreign foreign;
  OfferTerms terms;
  terms.chains = foreign.offer.chains();
  terms.absolute_expiry = foreign.offer.absolute_expiry();
  terms.paths = foreign.offer.paths();
  terms.issuer_id = foreign.offer.issuer_id();
  EXPECT_EQ(Offer::make(terms)->text(), text(foreign.json.at("offer")));
}

Bytes replaced(Bytes in, ByteView from, ByteView to) {
  for (auto at = in.begin(); (at = std::search(at, in.end(), from.begin(), from.end())) != in.end(); ++at)
    std::copy(to.begin(), to.end(), at);
  return in;
}

TEST(ForeignStaticInvoice, OursOfTheSameTermsDiffersInKeyAndSignatureOnly) {
  Foreign foreign;
  auto read = StaticInvoice::parse(foreign.invoice_bytes);
  auto own_offer = Offer::from_bytes(replaced(foreign.offer.bytes(), read->node_id().view(), point(7).view()));
  ASSERT_TRUE(own_offer.has_value());
  StaticInvoiceTerms terms;
  terms.payment_paths = read->payment_paths();
  terms.message_paths = read->message_paths();
  terms.created_at = read->created_at();
  terms.relative_expiry_s = 31'536'000;
  terms.features = read->features();
  terms.node_key = key(7);
  auto made = StaticInvoice::make(*own_offer, terms);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(
      to_hex(with_record(made->bytes(), 240, std::nullopt)),
      to_hex(with_record(replaced(foreign.invoice_bytes, read->node_id().view(), point(7).view()), 240, std::nullopt)));
}

TEST(ForeignInvoiceRequest, IsReadAndOursOfTheSameTermsDiffersInKeyAndSignatureOnly) {
  Foreign foreign;
  const auto& json = foreign.json.at("invoice_request");
  auto request = InvoiceRequest::parse(foreign.request_bytes);
  ASSERT_TRUE(request.has_value()) << describe(request.error());
  EXPECT_EQ(request->bytes(), foreign.request_bytes);
  EXPECT_EQ(request->amount()->value(), json.at("amount_msat").to_number<std::uint64_t>());
  EXPECT_EQ(request->payer_id().hex(), text(json.at("payer_id")));
  EXPECT_EQ(request->metadata().size(), 32u);
  EXPECT_EQ(request->offer_id(), foreign.offer.id());
  EXPECT_EQ(check_request(*request, foreign.offer, kNow), std::nullopt);
  testing::expect_robust(foreign.request_bytes,
                         [](ByteView bytes) { return InvoiceRequest::parse(bytes).has_value(); });

  RequestTerms terms;
  terms.metadata = request->metadata();
  terms.chain = request->chain();
  terms.amount = request->amount();
  terms.payer_key = key(9);
  auto made = InvoiceRequest::make(foreign.offer, terms);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(to_hex(with_record(made->bytes(), 240, std::nullopt)),
            to_hex(with_record(replaced(foreign.request_bytes, request->payer_id().view(), point(9).view()), 240,
                               std::nullopt)));
}

}  // namespace
}  // namespace doze::offers
