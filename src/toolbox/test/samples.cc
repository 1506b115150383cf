#include "samples.h"

#include "crypto/crypto.h"
#include "wire/chains.h"

namespace doze::toolbox::testing {

PrivateKey key(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(byte);
  return PrivateKey(bytes);
}
PublicKey point(std::uint8_t byte) {
  return crypto::public_key(key(byte));
}
wire::BlindedPath path(std::uint8_t byte) {
  return {point(0x31), point(0x32), {{point(0x33), Bytes(8, 0xaa)}, {point(byte), Bytes(8, 0xbb)}}};
}

offers::Offer offer() {
  offers::OfferTerms terms;
  terms.chains = {wire::chain_hash(wire::Network::Regtest)};
  terms.amount = Msat(5'000);
  terms.description = "a cup of tea";
  terms.absolute_expiry = after_s(kNow, 86'400);
  terms.paths = {path(0x41)};
  terms.issuer_id = point(0x42);
  return *offers::Offer::make(terms);
}

offers::InvoiceRequest request() {
  offers::RequestTerms terms;
  terms.metadata = Bytes(32, 0x5a);
  terms.chain = wire::chain_hash(wire::Network::Regtest);
  terms.payer_note = "for Tuesday";
  terms.payer_key = key(0x43);
  return *offers::InvoiceRequest::make(offer(), terms);
}

offers::Invoice invoice() {
  offers::InvoiceTerms terms;
  terms.payment_paths = {{path(0x44), {1'000, 100, 114, Msat(1), Msat(50'000'000), {}}}};
  terms.created_at = kNow;
  terms.payment_hash.bytes.fill(0x77);
  terms.node_key = key(0x42);
  return *offers::Invoice::make(request(), terms);
}

offers::StaticInvoice static_invoice(Profile profile) {
  offers::StaticInvoiceTerms terms;
  terms.profile = profile;
  terms.payment_paths = {{path(0x44), {1'000, 100, 114, Msat(1), Msat(50'000'000), {}}}};
  terms.message_paths = {path(0x45), path(0x46)};
  terms.created_at = kNow;
  terms.node_key = key(0x42);
  return *offers::StaticInvoice::make(offer(), terms);
}

offers::Invitation invitation() {
  offers::Invitation out;
  out.server = point(0x31);
  out.addresses = {*wire::parse_address("127.0.0.1:9735")};
  out.paths = {path(0x47)};
  out.token = Bytes{1, 2, 3};
  return out;
}

wire::UpdateAddHtlc held_htlc() {
  wire::UpdateAddHtlc out;
  out.channel_id.bytes.fill(7);
  out.id = 3;
  out.amount_msat = Msat(5'000);
  out.cltv_expiry = CltvExpiry(600);
  out.onion_routing_packet = Bytes(wire::kPaymentOnionBytes);
  out.path_key = point(0x48);
  out.hold_htlc = Profile::Ldk;
  return out;
}

std::string text(const Value& value, std::string_view field) {
  const auto* found = value.find(field);
  if (found == nullptr) return "";
  if (const auto* text = std::get_if<std::string>(&found->inner())) return *text;
  if (const auto* number = std::get_if<std::uint64_t>(&found->inner())) return std::to_string(*number);
  return "?";
}

}  // namespace doze::toolbox::testing
