#include "onion/route_blinding.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "wire/tlv.h"

namespace doze::onion {

namespace {
constexpr std::uint64_t kPadding = 1, kShortChannelId = 2, kNextNodeId = 4, kPathId = 6, kNextPathKeyOverride = 8,
                        kPaymentRelay = 10, kPaymentConstraints = 12, kAllowedFeatures = 14;

/// ECDH of our own node key with a point whose private key we know.
SharedSecret own_secret(const OwnNode& own, const PrivateKey& ephemeral) {
  auto product = own.key_times(ephemeral.reveal());
  auto digest = crypto::sha256(product.view());
  SharedSecret out(digest.bytes);
  crypto::wipe(product.bytes);
  crypto::wipe(digest.bytes);
  return out;
}
}  // namespace

bool RecipientData::needs_features() const {  // [B4-read-07]
  return allowed_features &&
         std::any_of(allowed_features->begin(), allowed_features->end(), [](std::uint8_t byte) { return byte != 0; });
}

Bytes encode(const RecipientData& data) {
  wire::TlvWriter out;
  if (data.padding != 0) out.add(kPadding, Bytes(data.padding));
  if (data.short_channel_id) out.add_u64(kShortChannelId, data.short_channel_id->value());
  if (data.next_node_id) out.add(kNextNodeId, data.next_node_id->view());
  if (data.path_id) out.add(kPathId, *data.path_id);
  if (data.next_path_key_override) out.add(kNextPathKeyOverride, data.next_path_key_override->view());
  if (const auto& relay = data.payment_relay) {
    Writer value;
    value.u16(static_cast<std::uint16_t>(relay->cltv_expiry_delta.value())).u32(relay->fee_proportional_millionths);
    wire::write_tu(value, relay->fee_base_msat.value());
    out.add(kPaymentRelay, value.view());
  }
  if (const auto& limits = data.payment_constraints) {
    Writer value;
    value.u32(limits->max_cltv_expiry.value());
    wire::write_tu(value, limits->htlc_minimum_msat.value());
    out.add(kPaymentConstraints, value.view());
  }
  if (data.allowed_features) out.add(kAllowedFeatures, *data.allowed_features);
  return out.take();
}

Result<RecipientData, ParseError> decode_recipient_data(ByteView tlv_stream) {
  LN_TRY(records, wire::parse_tlv_stream(tlv_stream));
  // [B4-blind-11]
  LN_CHECK(wire::refuse_unknown_even(records, {kShortChannelId, kNextNodeId, kPathId, kNextPathKeyOverride,
                                               kPaymentRelay, kPaymentConstraints, kAllowedFeatures}));

  RecipientData out;
  for (const auto& record : records) {
    auto bad = [&](const char* what) { return fail(ParseError{ParseCode::BadLength, record.type, what}); };
    Reader in(record.value);
    switch (record.type) {
      case kPadding:
        out.padding = record.value.size();
        break;
      case kShortChannelId:
        out.short_channel_id = ShortChannelId(in.u64());
        if (!in.done()) return bad("short_channel_id");
        break;
      case kNextNodeId:
        out.next_node_id = crypto::parse_point(record.value);
        if (!out.next_node_id) return fail(ParseError{ParseCode::BadPoint, record.type, "next_node_id"});
        break;
      case kPathId:
        out.path_id = to_bytes(record.value);
        break;
      case kNextPathKeyOverride:
        out.next_path_key_override = crypto::parse_point(record.value);
        if (!out.next_path_key_override)
          return fail(ParseError{ParseCode::BadPoint, record.type, "next_path_key_override"});
        break;
      case kPaymentRelay: {
        PaymentRelay relay;
        relay.cltv_expiry_delta = CltvDelta(in.u16());
        relay.fee_proportional_millionths = in.u32();
        auto base = in.ok() ? wire::read_tu(in.rest(), 4) : std::nullopt;
        if (!base) return bad("payment_relay");
        relay.fee_base_msat = Msat(*base);
        out.payment_relay = relay;
        break;
      }
      case kPaymentConstraints: {
        PaymentConstraints limits;
        limits.max_cltv_expiry = CltvExpiry(in.u32());
        auto minimum = in.ok() ? wire::read_tu(in.rest(), 8) : std::nullopt;
        if (!minimum) return bad("payment_constraints");
        limits.htlc_minimum_msat = Msat(*minimum);
        out.payment_constraints = limits;
        break;
      }
      case kAllowedFeatures:
        out.allowed_features = to_bytes(record.value);
        break;
      default:
        break;  // an unknown odd type
    }
  }
  return out;
}

// [B4-blind-01]
std::optional<wire::BlindedPath> blind(const PrivateKey& session_key, const std::vector<BlindHop>& hops,
                                       const OwnNode& own) {
  if (hops.empty()) return std::nullopt;
  wire::BlindedPath out;
  out.first_node_id = hops[0].node_id;
  auto ephemeral = session_key;
  for (const auto& hop : hops) {
    bool ours = own.key_times && hop.node_id == own.id;
    if (!ours && !crypto::is_valid(hop.node_id)) return std::nullopt;
    auto point = crypto::public_key(ephemeral);
    if (out.path.empty()) out.first_path_key = point;
    auto secret = ours ? own_secret(own, ephemeral) : crypto::ecdh(ephemeral, hop.node_id);
    auto rho = generate_key("rho", secret.reveal());
    auto blinding = generate_key("blinded_node_id", secret.reveal());
    auto blinded =
        ours ? std::optional(own.key_times(blinding.view())) : crypto::tweak_mul(hop.node_id, blinding.view());
    auto next = crypto::tweak_mul(ephemeral, crypto::sha256({point.view(), secret.reveal()}).view());
    if (!blinded || !next) return std::nullopt;
    out.path.push_back({*blinded, crypto::aead_encrypt(rho.view(), kZeroNonce, {}, hop.data)});  // [B4-blind-05]
    ephemeral = *next;
  }
  return out;
}

PublicKey Unblinded::next_path_key() const {  // [B4-blind-12]
  auto next = crypto::tweak_mul(path_key, crypto::sha256({path_key.view(), secret.reveal()}).view());
  LN_ASSERT(next.has_value());  // the point is valid, and a hash is out of range with probability 2^-127
  return *next;
}

std::optional<Unblinded> unblind(const PublicKey& path_key, ByteView encrypted, const Ecdh& ecdh) {  // [B4-blind-10]
  if (!crypto::is_valid(path_key)) return std::nullopt;
  auto secret = ecdh(path_key);
  auto data = crypto::aead_decrypt(generate_key("rho", secret.reveal()).view(), kZeroNonce, {}, encrypted);
  if (!data) return std::nullopt;
  return Unblinded{*std::move(data), generate_key("blinded_node_id", secret.reveal()), path_key, secret};
}

std::optional<Relayed> relay(const PaymentRelay& terms, Msat amount, CltvExpiry expiry) {  // [B4-read-11]
  auto without_base = sub(amount, terms.fee_base_msat);
  if (!without_base || expiry.value() < terms.cltv_expiry_delta.value()) return std::nullopt;
  std::uint64_t parts = 1'000'000 + std::uint64_t{terms.fee_proportional_millionths};
  __uint128_t scaled = static_cast<__uint128_t>(without_base->value()) * 1'000'000 + parts - 1;
  return Relayed{Msat(static_cast<std::uint64_t>(scaled / parts)),
                 CltvExpiry(expiry.value() - terms.cltv_expiry_delta.value())};
}

// [B4-path-06]
std::optional<wire::BlindedPayInfo> aggregate(const std::vector<PaymentRelay>& relays, CltvDelta final_delta) {
  constexpr std::uint64_t kMillion = 1'000'000;
  // Base and proportional fee of all hops behind the one that is being added, from the last hop to the first.
  __uint128_t base = 0, proportional = 0;
  std::uint64_t delta = final_delta.value();
  for (auto it = relays.rbegin(); it != relays.rend(); ++it) {
    __uint128_t own = it->fee_proportional_millionths;
    base = (it->fee_base_msat.value() * static_cast<__uint128_t>(kMillion) + base * (kMillion + own) + kMillion - 1) /
           kMillion;
    proportional = ((own + proportional) * kMillion + own * proportional + kMillion - 1) / kMillion;
    delta += it->cltv_expiry_delta.value();
    if (base > UINT32_MAX || proportional > UINT32_MAX || delta > UINT16_MAX) return std::nullopt;
  }
  wire::BlindedPayInfo out;
  out.fee_base_msat = static_cast<std::uint32_t>(base);
  out.fee_proportional_millionths = static_cast<std::uint32_t>(proportional);
  out.cltv_expiry_delta = static_cast<std::uint16_t>(delta);
  return out;
}

}  // namespace doze::onion
