#include "samples.h"

#include <boost/json/src.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "offers/merkle.h"
#include "wire/tlv.h"

namespace doze::offers::testing {

boost::json::value vectors(const std::string& file) {
  std::ifstream in(std::string(DOZE_VECTORS) + "/" + file);
  EXPECT_TRUE(in.good()) << file;
  std::stringstream all;
  all << in.rdbuf();
  return boost::json::parse(all.str());
}

PrivateKey key(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return PrivateKey(bytes);
}

PublicKey point(std::uint8_t byte) {
  return crypto::public_key(key(byte));
}

wire::BlindedPath path(std::uint8_t last) {
  return {point(101), point(102), {{point(103), Bytes{0xaa}}, {point(last), Bytes{0xbb, 0xbc}}}};
}

PaymentPath payment_path(std::uint8_t last) {
  return {path(last), {1'000, 100, 114, Msat(1), Msat(50'000'000), {}}};
}

ChainHash regtest() {
  return wire::chain_hash(wire::Network::Regtest);
}

OfferTerms sample_offer_terms() {
  OfferTerms terms;
  terms.chains = {regtest()};
  terms.metadata = Bytes{1, 2, 3};
  terms.amount = Msat(5'000);
  terms.description = "a cup of tea";
  terms.absolute_expiry = after_s(kNow, 86'400);
  terms.paths = {path(110)};
  terms.issuer = "tea@shop.example";
  terms.quantity_max = 3;
  terms.issuer_id = point(7);
  return terms;
}

Offer sample_offer() {
  auto offer = Offer::make(sample_offer_terms());
  EXPECT_TRUE(offer.has_value());
  auto more = with_record(with_record(offer->bytes(), 33, Bytes{0x68, 0x69}), 1'000'000'033, Bytes{0x79, 0x6f});
  return *Offer::from_bytes(more);
}

RequestTerms sample_request_terms() {
  RequestTerms terms;
  terms.metadata = Bytes(32, 0x5a);
  terms.chain = regtest();
  terms.quantity = 2;
  terms.payer_note = "for Tuesday";
  terms.payer_key = key(9);
  return terms;
}

RefundTerms sample_refund_terms() {
  RefundTerms terms;
  terms.description = "the cup was broken";
  terms.absolute_expiry = after_s(kNow, 86'400);
  terms.issuer = "tea@shop.example";
  terms.request.metadata = Bytes(32, 0x5b);
  terms.request.chain = regtest();
  terms.request.amount = Msat(7'000);
  terms.request.payer_id = point(9);
  terms.request.payer_note = "sorry";
  terms.request.paths = {path(115)};
  return terms;
}

InvoiceTerms sample_invoice_terms() {
  InvoiceTerms terms;
  terms.payment_paths = {payment_path(111), payment_path(112)};
  terms.created_at = kNow;
  terms.payment_hash.bytes.fill(0x77);
  terms.node_key = key(7);
  return terms;
}

StaticInvoiceTerms sample_static_terms(Profile profile) {
  StaticInvoiceTerms terms;
  terms.profile = profile;
  terms.payment_paths = {payment_path(111)};
  terms.message_paths = {path(113), path(114)};
  terms.created_at = kNow;
  terms.node_key = key(7);
  return terms;
}

Bytes with_record(ByteView stream, std::uint64_t type, const std::optional<Bytes>& value) {
  auto records = wire::parse_tlv_stream(stream);
  EXPECT_TRUE(records.has_value());
  std::map<std::uint64_t, Bytes> by_type;
  for (const auto& record : *records) by_type[record.type] = doze::to_bytes(record.value);
  by_type.erase(type);
  if (value) by_type[type] = *value;
  wire::TlvWriter out;
  for (const auto& [each, bytes] : by_type) out.add(each, bytes);
  return out.take();
}

Bytes signed_with_record(ByteView stream, std::uint64_t type, const std::optional<Bytes>& value,
                         std::string_view message_name, const PrivateKey& signing_key) {
  auto changed = with_record(stream, type, value);
  auto records = wire::parse_tlv_stream(changed);
  return with_record(changed, 240, doze::to_bytes(sign(message_name, *records, signing_key).view()));
}

void expect_robust(const Bytes& stream, const std::function<bool(ByteView)>& parses) {
  ASSERT_TRUE(parses(stream));
  for (std::size_t length = 0; length < stream.size(); ++length)
    EXPECT_FALSE(parses(ByteView(stream).first(length))) << "cut at " << length;
  for (std::size_t bit = 0; bit < stream.size() * 8; ++bit) {
    auto changed = stream;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(parses(changed)) << "byte " << bit / 8 << " bit " << bit % 8;
  }
}

}  // namespace doze::offers::testing
