#include "toolbox/vector_parts.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "offers/merkle.h"
#include "onion/route_blinding.h"
#include "toolbox/create.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

const Flags& seed_only() {
  static const Flags kFlags{{"seed", std::string(kVectorSeed)}};
  return kFlags;
}

Bytes record(std::uint64_t type, ByteView value) {
  return wire::TlvWriter().add(type, value).take();
}

/// Leaves out a text that repeats a number next to it: the number is easier to compare.
Value expected(const Value& read) {
  Value out = Fields{};
  for (const auto& [name, value] : std::get<Fields>(read.inner()))
    if (read.find(name + "_unix") == nullptr) out.set(name, value);
  return out;
}

}  // namespace

PrivateKey vector_key(const std::string& name) {
  return *key_of(seed_only(), name);
}
PublicKey vector_point(const std::string& name) {
  return crypto::public_key(vector_key(name));
}

wire::BlindedPath vector_path(const std::vector<std::string>& nodes, const std::string& label) {
  std::vector<onion::BlindHop> hops;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    onion::RecipientData data;
    if (i + 1 < nodes.size())
      data.next_node_id = vector_point(nodes[i + 1]);
    else
      data.path_id = doze::to_bytes(derived(seed_only(), "path_id " + label).view());
    hops.push_back({vector_point(nodes[i]), onion::encode(data)});
  }
  return *onion::blind(vector_key("session " + label), hops);
}

Records::Records(ByteView stream) {
  auto parsed = wire::parse_tlv_stream(stream);
  LN_ASSERT(parsed.has_value());
  for (const auto& each : *parsed) records_.emplace_back(each.type, doze::to_bytes(each.value));
}
Records& Records::drop(std::uint64_t type) {
  std::erase_if(records_, [&](const auto& each) { return each.first == type; });
  return *this;
}
Records& Records::put(std::uint64_t type, ByteView value) {
  drop(type);
  auto at = std::find_if(records_.begin(), records_.end(), [&](const auto& each) { return each.first > type; });
  records_.insert(at, {type, doze::to_bytes(value)});
  return *this;
}
Records& Records::append(std::uint64_t type, ByteView value) {
  records_.emplace_back(type, doze::to_bytes(value));
  return *this;
}
Records& Records::swap(std::size_t a, std::size_t b) {
  std::swap(records_.at(a), records_.at(b));
  return *this;
}
Bytes Records::value(std::uint64_t type) const {
  for (const auto& [each, value] : records_)
    if (each == type) return value;
  return {};
}
Bytes Records::bytes() const {
  Bytes out;
  for (const auto& [type, value] : records_) doze::append(out, record(type, value));
  return out;
}
Bytes Records::signed_by(const PrivateKey& key, const std::string& message_name) const {
  Records copy = *this;
  copy.drop(240);
  auto stream = copy.bytes();
  auto parsed = wire::parse_tlv_stream(stream);
  LN_ASSERT(parsed.has_value());
  return copy.put(240, offers::sign(message_name, *parsed, key).view()).bytes();
}

Value& CaseList::valid(const std::string& name, ByteView input, const Value& more) {
  Value one;
  one.set("name", name).set("kind", kind_).set("valid", true);
  for (const auto& [key, value] : std::get<Fields>(more.inner())) one.set(key, value);
  one.set("input", to_hex(input));
  auto read = read_case(kind_, input, one);
  LN_ASSERT(read.has_value());
  to_->push_back(std::move(one.set("expect", expected(*read))));
  return to_->back();
}

void CaseList::invalid(const std::string& name, ByteView input, const std::string& reason, const std::string& error,
                       const Value& more) {
  Value one;
  one.set("name", name).set("kind", kind_).set("valid", false).set("reason", reason).set("error", error);
  for (const auto& [key, value] : std::get<Fields>(more.inner())) one.set(key, value);
  to_->push_back(std::move(one.set("input", to_hex(input))));
}

Value file_of(const std::string& about, const std::vector<std::string>& key_names, List cases) {
  Value out;
  out.set("schema", kVectorSchema).set("about", about);
  out.set("sources", List{"BOLT 1, 2, 4 and 12", "lightning/bolts #1149, head 3a7505e0", "bLIP-66, head cb8228c0",
                          "rust-lightning 0.2.5 for the numbers of profile ldk"});
  if (!key_names.empty()) {
    List keys;
    for (const auto& name : key_names)
      keys.push_back(Value()
                         .set("name", name)
                         .set("private_key", to_hex(vector_key(name).reveal()))
                         .set("public_key", vector_point(name).hex()));
    out.set("keys", std::move(keys));
  }
  return out.set("cases", std::move(cases));
}

offers::Offer vector_offer() {
  offers::OfferTerms terms;
  terms.chains = {wire::chain_hash(wire::Network::Regtest)};
  terms.amount = Msat(250'000);
  terms.description = "a cup of tea";
  terms.absolute_expiry = after_s(kVectorTime, 31'536'000);
  terms.paths = {vector_path({"server"}, "offer")};
  terms.issuer_id = vector_point("issuer");
  return *offers::Offer::make(terms);
}

offers::InvoiceRequest vector_request() {
  offers::RequestTerms terms;
  terms.metadata = doze::to_bytes(derived(seed_only(), "invreq_metadata").view());
  terms.chain = wire::chain_hash(wire::Network::Regtest);
  terms.payer_note = "for Tuesday";
  terms.payer_key = vector_key("payer");
  return *offers::InvoiceRequest::make(vector_offer(), terms);
}

offers::StaticInvoice vector_static_invoice(Profile profile) {
  offers::StaticInvoiceTerms terms;
  terms.profile = profile;
  terms.payment_paths = {
      {vector_path({"recipient_lsp", "recipient"}, "payment"), {1'000, 500, 114, Msat(1), Msat(5'000'000'000), {}}}};
  terms.message_paths = {vector_path({"recipient_lsp", "recipient"}, "message 0"),
                         vector_path({"recipient_lsp", "recipient"}, "message 1")};
  terms.created_at = kVectorTime;
  terms.node_key = vector_key("issuer");
  return *offers::StaticInvoice::make(vector_offer(), terms);
}

std::vector<VectorFile> vector_files() {
  return {{"static-invoice-ldk.json", static_invoice_vectors(Profile::Ldk)},
          {"static-invoice-draft.json", static_invoice_vectors(Profile::Draft)},
          {"payer-checks.json", payer_check_vectors()},
          {"onion-message-contents.json", contents_vectors()},
          {"peer-messages.json", peer_message_vectors()},
          {"payment-onion-payloads.json", payload_vectors()},
          {"payment-onions.json", payment_onion_vectors()},
          {"onion-messages.json", onion_message_vectors()},
          {"written-by-ldk.json", foreign_vectors()}};
}

}  // namespace doze::toolbox
