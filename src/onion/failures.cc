#include "onion/failures.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "onion/sphinx.h"

namespace doze::onion {

namespace {
/// Bytes of message and padding together: BOLT 4 asks for at least 256.
constexpr std::size_t kFailureRoom = 256;  // [B4-err-02]

void toggle(std::span<std::uint8_t> packet, const SharedSecret& secret) {
  crypto::chacha20_xor(generate_key("ammag", secret.reveal()).view(), kZeroNonce, packet);
}
}  // namespace

const char* failure_name(std::uint16_t code) {
  switch (code) {
    case kTemporaryNodeFailure:
      return "temporary_node_failure";
    case kPermanentNodeFailure:
      return "permanent_node_failure";
    case kRequiredNodeFeatureMissing:
      return "required_node_feature_missing";
    case kInvalidOnionVersion:
      return "invalid_onion_version";
    case kInvalidOnionHmac:
      return "invalid_onion_hmac";
    case kInvalidOnionKey:
      return "invalid_onion_key";
    case kTemporaryChannelFailure:
      return "temporary_channel_failure";
    case kPermanentChannelFailure:
      return "permanent_channel_failure";
    case kRequiredChannelFeatureMissing:
      return "required_channel_feature_missing";
    case kUnknownNextPeer:
      return "unknown_next_peer";
    case kAmountBelowMinimum:
      return "amount_below_minimum";
    case kFeeInsufficient:
      return "fee_insufficient";
    case kIncorrectCltvExpiry:
      return "incorrect_cltv_expiry";
    case kExpiryTooSoon:
      return "expiry_too_soon";
    case kIncorrectOrUnknownPaymentDetails:
      return "incorrect_or_unknown_payment_details";
    case kFinalIncorrectCltvExpiry:
      return "final_incorrect_cltv_expiry";
    case kFinalIncorrectHtlcAmount:
      return "final_incorrect_htlc_amount";
    case kChannelDisabled:
      return "channel_disabled";
    case kExpiryTooFar:
      return "expiry_too_far";
    case kInvalidOnionPayload:
      return "invalid_onion_payload";
    case kMppTimeout:
      return "mpp_timeout";
    case kInvalidOnionBlinding:
      return "invalid_onion_blinding";
    default:
      return "unknown failure";
  }
}

Bytes failure_message(std::uint16_t code, ByteView data) {
  Writer out;
  out.u16(code).bytes(data);
  if ((code & kUpdate) != 0) out.u16(0);  // no channel_update: it would reveal the origin's position
  return out.take();
}

Bytes create_failure(const SharedSecret& secret, ByteView message) {
  auto pad = message.size() < kFailureRoom ? kFailureRoom - message.size() : 0;  // [B4-err-01]
  Writer body;
  body.u16(static_cast<std::uint16_t>(message.size())).bytes(message);
  body.u16(static_cast<std::uint16_t>(pad)).bytes(Bytes(pad));
  auto mac = crypto::hmac_sha256(generate_key("um", secret.reveal()).view(), body.view());
  auto packet = Writer().bytes(mac.view()).bytes(body.view()).take();
  toggle(packet, secret);
  return packet;
}

Bytes own_failure(const SharedSecret& secret, std::uint16_t code, ByteView data) {
  return create_failure(secret, failure_message(code, data));
}
Bytes blinded_failure(const SharedSecret& secret, const Hash32& sha256_of_onion) {
  return own_failure(secret, kInvalidOnionBlinding, sha256_of_onion.view());
}

Bytes wrap_failure(const SharedSecret& secret, ByteView reason) {
  Bytes out(reason.begin(), reason.end());
  toggle(out, secret);
  return out;
}

std::optional<OriginFailure> decode_failure(const std::vector<SharedSecret>& secrets, ByteView reason) {
  if (reason.size() < kShortestFailure) return std::nullopt;
  Bytes packet(reason.begin(), reason.end());
  std::optional<OriginFailure> out;
  const SharedSecret nobody;
  for (std::size_t hop = 0; hop < std::max(secrets.size(), kFailureSteps); ++hop) {  // [B4-err-05]
    const auto& secret = hop < secrets.size() ? secrets[hop] : nobody;
    toggle(packet, secret);
    auto body = ByteView(packet).subspan(32);
    auto mac = crypto::hmac_sha256(generate_key("um", secret.reveal()).view(), body);
    bool fits = crypto::equal_constant_time(mac.view(), ByteView(packet).first(32));
    if (!fits || out || hop >= secrets.size()) continue;
    Reader in(body);
    Reader message(in.bytes(in.u16()));
    OriginFailure failure;
    failure.hop = hop;
    failure.code = message.u16();
    failure.data = to_bytes(message.rest());  // [B4-orig-01]
    if (in.ok() && message.ok()) out = std::move(failure);
  }
  return out;
}

}  // namespace doze::onion
