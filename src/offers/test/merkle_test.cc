#include "offers/merkle.h"

#include "offers/invoice_request.h"
#include "offers/text.h"
#include "samples.h"

namespace doze::offers {
namespace {

using testing::text;
using testing::vectors;

/// The hex in "H(`LnLeaf`,010203e8)".
Bytes leaf_bytes(std::string_view label) {
  auto from = label.find(',') + 1;
  return hex(label.substr(from, label.size() - 1 - from));
}

class SignatureVectors : public ::testing::TestWithParam<std::size_t> {};

// [B12-sig-01]
TEST_P(SignatureVectors, LeavesBranchesAndRootAreThoseOfTheVectors) {
  const auto vector = vectors("bolt12/signature-test.json").as_array().at(GetParam());
  Bytes stream;
  for (const auto& leaf : vector.at("leaves").as_array())
    for (const auto& [label, hash] : leaf.as_object())
      if (label.starts_with("H(`LnLeaf`")) append(stream, leaf_bytes(label));
  auto records = wire::parse_tlv_stream(stream);
  ASSERT_TRUE(records.has_value());
  EXPECT_EQ(to_hex(records->front().whole), text(vector.at("first-tlv")));
  std::size_t at = 0;
  for (const auto& leaf : vector.at("leaves").as_array()) {
    const auto& record = records->at(at++);
    auto one = leaf_hash(record), nonce = nonce_hash(records->front(), record.type);
    for (const auto& [label, hash] : leaf.as_object()) {
      auto expected = text(hash);
      if (label.starts_with("H(`LnLeaf`")) {
        EXPECT_EQ(one.hex(), expected);
      }
      if (label.starts_with("H(`LnNonce`")) {
        EXPECT_EQ(nonce.hex(), expected);
      }
      if (label.starts_with("H(`LnBranch`")) {
        EXPECT_EQ(branch_hash(one, nonce).hex(), expected);
      }
    }
  }
  EXPECT_EQ(at, records->size());
  for (const auto& branch : vector.at("branches").as_array())
    for (const auto& [label, hash] : branch.as_object())
      if (label.starts_with("H(`LnBranch`")) {
        auto both = leaf_bytes(label);
        auto left = *Hash32::from(ByteView(both).first(32)), right = *Hash32::from(ByteView(both).last(32));
        EXPECT_EQ(branch_hash(left, right).hex(), text(hash));
        EXPECT_EQ(branch_hash(right, left).hex(), text(hash));
      }
  EXPECT_EQ(merkle_root(*records).hex(), text(vector.at("merkle")));
}
INSTANTIATE_TEST_SUITE_P(All, SignatureVectors, ::testing::Range(std::size_t{0}, std::size_t{4}));

// [B12-req-04]
TEST(Merkle, SignsAndVerifiesTheRequestOfTheVectors) {
  const auto vector = vectors("bolt12/signature-test.json").as_array().at(3);
  auto stream = decode_text(kInvoiceRequestPrefix, text(vector.at("bolt12")));
  ASSERT_TRUE(stream.has_value());
  auto records = wire::parse_tlv_stream(*stream);
  ASSERT_TRUE(records.has_value());
  EXPECT_EQ(merkle_root(*records).hex(), text(vector.at("merkle")));
  EXPECT_EQ(signature_digest("invoice_request", merkle_root(*records)).hex(),
            text(vector.at("H(signature_tag,merkle)")));
  auto signature = sign("invoice_request", *records, testing::key(0x42));
  EXPECT_EQ(signature.hex(), text(vector.at("signature")));
  EXPECT_TRUE(verify("invoice_request", *records, testing::point(0x42), signature));
  EXPECT_FALSE(verify("invoice", *records, testing::point(0x42), signature));
  EXPECT_FALSE(verify("invoice_request", *records, testing::point(0x41), signature));
  EXPECT_FALSE(verify("invoice_request", *records, PublicKey{}, signature));

  auto request = InvoiceRequest::parse_text(text(vector.at("bolt12")));
  ASSERT_TRUE(request.has_value()) << describe(request.error());
  EXPECT_EQ(request->payer_id(), testing::point(0x42));
  EXPECT_EQ(request->offer().issuer_id(), testing::point(0x41));
  EXPECT_EQ(request->offer().currency(), "USD");
  EXPECT_EQ(request->offer().currency_amount(), 100u);
  EXPECT_EQ(request->offer().amount(), std::nullopt);
  EXPECT_EQ(request->metadata(), Bytes(8, 0));
}

// [B12-sig-02]
TEST(Merkle, SignatureRecordsAreNoLeaves) {
  wire::TlvWriter plain, with_signatures;
  plain.add(1, Bytes{1}).add(1'001, Bytes{3});
  with_signatures.add(1, Bytes{1}).add(240, Bytes(64)).add(1'000, Bytes{2}).add(1'001, Bytes{3});
  auto a = plain.take(), b = with_signatures.take();
  EXPECT_EQ(merkle_root(*wire::parse_tlv_stream(a)), merkle_root(*wire::parse_tlv_stream(b)));
  EXPECT_TRUE(merkle_root({}).is_zero());
}

}  // namespace
}  // namespace doze::offers
