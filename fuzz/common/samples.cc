#include "samples.h"

#include <fstream>
#include <sstream>

#include "crypto/crypto.h"
#include "keys/seed_signer.h"
#include "offers/merkle.h"
#include "wire/chains.h"
#include "wire/tlv.h"

namespace doze::fuzz {

PrivateKey key(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(byte);
  return PrivateKey(bytes);
}

PublicKey point(std::uint8_t byte) {
  static std::array<std::optional<PublicKey>, 256> made;
  if (!made[byte]) made[byte] = crypto::public_key(key(byte));
  return *made[byte];
}

const Signer& signer() {
  static const auto made = make_seed_signer(Bytes(64, 0x21), wire::Network::Regtest);
  return *made;
}

wire::BlindedPath path(std::uint8_t last) {
  return {point(101), point(102), {{point(103), Bytes{0xaa}}, {point(last), Bytes{0xbb, 0xbc}}}};
}

const std::vector<wire::Message>& messages() {
  using namespace wire;
  static const std::vector<Message> made = [] {
    auto p = point(5);
    ChannelId channel;
    channel.bytes.fill(7);
    OpenChannel open;
    open.funding_pubkey = open.revocation_basepoint = open.payment_basepoint = open.delayed_payment_basepoint =
        open.htlc_basepoint = open.first_per_commitment_point = p;
    open.upfront_shutdown_script = Bytes{};
    open.channel_type = FeatureBits{kStaticRemotekey, kAnchors};
    open.funding_satoshis = Sat(1'000'000);
    AcceptChannel accept;
    accept.funding_pubkey = accept.revocation_basepoint = accept.payment_basepoint = accept.delayed_payment_basepoint =
        accept.htlc_basepoint = accept.first_per_commitment_point = p;
    UpdateAddHtlc add{channel, 3, Msat(5), {}, CltvExpiry(600), Bytes(kPaymentOnionBytes), p, Profile::Ldk, {}};
    UpdateAddHtlc draft = add;
    draft.hold_htlc = Profile::Draft;
    draft.extra_tlvs = hex("fe00010001080000000000000005");
    RevokeAndAck raa{channel, {}, p, {{7, path(1), Profile::Ldk}, {8, path(2), Profile::Ldk}}, {}};
    RevokeAndAck draft_raa{channel, {}, p, {{std::nullopt, path(3), Profile::Draft}}, {}};
    ChannelAnnouncement announcement;
    announcement.features = FeatureBits{kRouteBlinding};
    announcement.node_id_1 = announcement.node_id_2 = announcement.bitcoin_key_1 = announcement.bitcoin_key_2 = p;
    NodeAnnouncement node;
    node.node_id = p;
    node.features = FeatureBits{1, 9};
    node.addresses = {*parse_address("127.0.0.1:9735"), *parse_address("[::1]:9735"), *parse_address("node.example:1")};
    Init init;
    init.features = FeatureBits{0, 9, 153};
    init.networks = {chain_hash(Network::Regtest)};
    init.remote_addr = parse_address("203.0.113.7:9735");
    return std::vector<Message>{
        init,
        Init{},
        Error{channel, hex("6869")},
        Warning{channel, {}},
        Ping{3, 2},
        Pong{4},
        open,
        accept,
        FundingCreated{channel, {}, 1, {}},
        FundingSigned{channel, {}},
        ChannelReady{channel, p, ShortChannelId(5), {}},
        Shutdown{channel, hex("0014aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), {}},
        ClosingSigned{channel, Sat(100), {}, FeeRange{Sat(1), Sat(200)}, {}},
        add,
        draft,
        UpdateFulfillHtlc{channel, 1, {}, {}},
        UpdateFailHtlc{channel, 1, Bytes(292), {}},
        UpdateFailMalformedHtlc{channel, 1, {}, 0x8005},
        CommitmentSigned{channel, {}, {Signature{}, Signature{}}, {}},
        raa,
        draft_raa,
        UpdateFee{channel, FeeratePerKw(253)},
        ChannelReestablish{channel, 1, 0, {}, p, {}},
        AnnouncementSignatures{channel, ShortChannelId::of(100, 1, 0), {}, {}},
        announcement,
        node,
        ChannelUpdate{},
        QueryShortChannelIds{{}, write_short_ids({ShortChannelId(1), ShortChannelId(2)}), {}},
        ReplyShortChannelIdsEnd{},
        QueryChannelRange{{}, 1, 100, hex("010103")},
        ReplyChannelRange{{}, 1, 100, 1, write_short_ids({ShortChannelId(9)}), {}},
        GossipTimestampFilter{{}, 5, 6},
        OnionMessage{p, Bytes(66 + 1300)},
    };
  }();
  return made;
}

namespace {
offers::PaymentPath payment_path(std::uint8_t last) {
  return {path(last), {1'000, 100, 114, Msat(1), Msat(50'000'000), {}}};
}
template <class T>
T good(Result<T, ParseError> made) {
  FUZZ_CHECK(made.has_value());
  return *std::move(made);
}
}  // namespace

offers::Offer offer() {
  offers::OfferTerms terms;
  terms.chains = {wire::chain_hash(wire::Network::Regtest)};
  terms.metadata = Bytes{1, 2, 3};
  terms.amount = Msat(5'000);
  terms.description = "a cup of tea";
  terms.absolute_expiry = after_s(kNow, 86'400);
  terms.paths = {path(110)};
  terms.issuer = "tea@shop.example";
  terms.quantity_max = 3;
  terms.issuer_id = point(kIssuer);
  return good(offers::Offer::make(terms));
}

offers::InvoiceRequest invoice_request() {
  offers::RequestTerms terms;
  terms.metadata = Bytes(32, 0x5a);
  terms.chain = wire::chain_hash(wire::Network::Regtest);
  terms.quantity = 2;
  terms.payer_note = "for Tuesday";
  terms.payer_key = key(kPayer);
  return good(offers::InvoiceRequest::make(offer(), terms));
}

offers::Refund refund() {
  offers::RefundTerms terms;
  terms.description = "the cup was broken";
  terms.absolute_expiry = after_s(kNow, 86'400);
  terms.request.metadata = Bytes(32, 0x5b);
  terms.request.chain = wire::chain_hash(wire::Network::Regtest);
  terms.request.amount = Msat(7'000);
  terms.request.payer_id = point(kPayer);
  terms.request.paths = {path(115)};
  return good(offers::Refund::make(terms));
}

offers::Invoice invoice() {
  offers::InvoiceTerms terms;
  terms.payment_paths = {payment_path(111), payment_path(112)};
  terms.created_at = kNow;
  terms.payment_hash.bytes.fill(0x77);
  terms.node_key = key(kIssuer);
  return good(offers::Invoice::make(invoice_request(), terms));
}

offers::StaticInvoice static_invoice(Profile profile) {
  offers::StaticInvoiceTerms terms;
  terms.profile = profile;
  terms.payment_paths = {payment_path(111)};
  terms.message_paths = {path(113), path(114)};
  terms.created_at = kNow;
  terms.node_key = key(kIssuer);
  return good(offers::StaticInvoice::make(offer(), terms));
}

Bytes sign_again(ByteView stream, std::string_view message_name, std::uint8_t signing_key) {
  auto records = wire::parse_tlv_stream(stream);
  if (!records) return to_bytes(stream);
  auto signature = offers::sign(message_name, *records, key(signing_key));
  wire::TlvWriter out;
  bool written = false;
  for (const auto& record : *records) {
    if (!written && record.type >= 240) {
      out.add(240, signature.view());
      written = true;
    }
    if (record.type != 240) out.add(record.type, record.value);
  }
  if (!written) out.add(240, signature.view());
  return out.take();
}

Seeds record_seeds(std::initializer_list<int> tables) {
  std::stringstream in;
  for (const auto* file :
       {DOZE_VECTORS "/records-v1.json", DOZE_VECTORS "/records-v2.json", DOZE_VECTORS "/records-v3.json",
        DOZE_VECTORS "/records-v4.json", DOZE_VECTORS "/records-v5.json"})
    in << std::ifstream(file).rdbuf();
  Seeds out;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("   [")) continue;
    auto table = std::stoi(line.substr(4));
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) continue;
    std::vector<std::string> parts;
    for (auto at = line.find('"'); at != std::string::npos; at = line.find('"', at + 1)) {
      auto end = line.find('"', at + 1);
      parts.push_back(line.substr(at + 1, end - at - 1));
      at = end;
    }
    FUZZ_CHECK(parts.size() == 2);
    auto row_key = hex(parts[0]);
    auto seed = with_prefix({static_cast<std::uint8_t>(table), static_cast<std::uint8_t>(row_key.size())}, row_key);
    append(seed, hex(parts[1]));
    out.push_back(std::move(seed));
  }
  FUZZ_CHECK(!out.empty());
  return out;
}

RowInput::RowInput(ByteView input) {
  Reader in(input);
  table = in.u8();
  std::size_t length = in.u8();
  key = to_bytes(in.bytes(std::min(length, in.remaining())));
  value = to_bytes(in.rest());
}

}  // namespace doze::fuzz
