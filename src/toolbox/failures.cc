#include "toolbox/failures.h"

#include "onion/failures.h"
#include "toolbox/show_fields.h"

namespace doze::toolbox {

using wire::FieldShape;
using wire::Form;

std::span<const FailureShape> failure_shapes() {
  static const FieldShape kOnion{"sha256_of_onion", Form::Bytes, 32}, kUpdate{"channel_update", Form::Sized},
      kAmount{"htlc_msat", Form::Msat}, kExpiry{"cltv_expiry", Form::U32};
  static const std::vector<FailureShape> kShapes = {
      {onion::kTemporaryNodeFailure, {}},
      {onion::kPermanentNodeFailure, {}},
      {onion::kRequiredNodeFeatureMissing, {}},
      {onion::kInvalidOnionVersion, {kOnion}},
      {onion::kInvalidOnionHmac, {kOnion}},
      {onion::kInvalidOnionKey, {kOnion}},
      {onion::kTemporaryChannelFailure, {kUpdate}},
      {onion::kPermanentChannelFailure, {}},
      {onion::kRequiredChannelFeatureMissing, {}},
      {onion::kUnknownNextPeer, {}},
      {onion::kAmountBelowMinimum, {kAmount, kUpdate}},
      {onion::kFeeInsufficient, {kAmount, kUpdate}},
      {onion::kIncorrectCltvExpiry, {kExpiry, kUpdate}},
      {onion::kExpiryTooSoon, {kUpdate}},
      {onion::kIncorrectOrUnknownPaymentDetails, {kAmount, {"height", Form::U32}}},
      {onion::kFinalIncorrectCltvExpiry, {kExpiry}},
      {onion::kFinalIncorrectHtlcAmount, {{"incoming_htlc_amt", Form::Msat}}},
      {onion::kChannelDisabled, {{"disabled_flags", Form::U16}, kUpdate}},
      {onion::kExpiryTooFar, {}},
      {onion::kInvalidOnionPayload, {{"type", Form::BigSize}, {"offset", Form::U16}}},
      {onion::kMppTimeout, {}},
      {onion::kInvalidOnionBlinding, {kOnion}},
  };
  return kShapes;
}

Result<Value, Problem> decode_failure_message(ByteView bytes) {
  auto bad = [&](std::string rule, std::size_t at) {
    auto out = problem("failure_message", std::move(rule));
    out.at = at;
    return fail(std::move(out));
  };
  Reader in(bytes);
  auto code = in.u16();
  if (!in.ok()) return bad("failure_code: truncated", bytes.size());
  Value out;
  out.set("type", "failure_message").set("failure", onion::failure_name(code)).set("failure_code", code);
  List flags;
  for (auto [flag, name] : {std::pair{onion::kBadOnion, "BADONION"}, std::pair{onion::kPermanent, "PERM"},
                            std::pair{onion::kNode, "NODE"}, std::pair{onion::kUpdate, "UPDATE"}})
    if ((code & flag) != 0) flags.push_back(name);
  out.set("flags", std::move(flags));
  for (const auto& shape : failure_shapes()) {
    if (shape.code != code) continue;
    for (const auto& field : shape.data) {
      auto value = show_field(field, in);
      if (!in.ok()) return bad(std::string(field.name) + ": truncated", bytes.size());
      out.set(std::string_view(field.name) == "type" ? "tlv_type" : field.name, std::move(value));
    }
  }
  if (in.remaining() != 0) out.set("rest", to_hex(in.rest()));
  return out;
}

}  // namespace doze::toolbox
