#include "forwarding/failures.h"

#include "forwarding/state.h"

namespace doze::forwarding {

namespace {
/// The data that BOLT 4, "Failure Messages", wants behind the code. Its last field, the channel_update, is left out.
Bytes failure_data(const Forward& forward, std::uint16_t code) {  // [B4-fail-03]
  switch (code) {
    case onion::kAmountBelowMinimum:
      return Writer().u64(forward.amount_out.value()).take();
    case onion::kFeeInsufficient:
      return Writer().u64(forward.amount_in.value()).take();
    case onion::kIncorrectCltvExpiry:
      return Writer().u32(forward.expiry_out.value()).take();
    default:
      return {};
  }
}

}  // namespace

void fail_upstream(Work& work, const Forward& forward, std::uint16_t code) {  // [B4-gen-01]
  const auto& [channel_id, htlc_id] = forward.incoming;
  if (forward.role == onion::BlindedRole::Inside)  // [B2-rem-05, B4-fail-01]
    return work.say(FailMalformedHtlc{channel_id, htlc_id, forward.sha256_of_onion, onion::kInvalidOnionBlinding});
  if (forward.role == onion::BlindedRole::Introduction)  // [B2-rem-03, B4-fail-02]
    return work.say(
        FailHtlc{channel_id, htlc_id, onion::blinded_failure(forward.shared_secret, forward.sha256_of_onion)});
  work.say(FailHtlc{channel_id, htlc_id, onion::own_failure(forward.shared_secret, code, failure_data(forward, code))});
}

void fail_upstream(Work& work, const Forward& forward, const FailReason& reason) {
  if (forward.role != onion::BlindedRole::None) return fail_upstream(work, forward, onion::kInvalidOnionBlinding);
  const auto& [channel_id, htlc_id] = forward.incoming;
  std::visit(
      Overloaded{[&](const Bytes& told) {
                   // Shorter than any real failure; or empty, because the channel dropped one that was too large.
                   if (told.size() < onion::kShortestFailure)
                     return fail_upstream(work, forward, onion::kTemporaryChannelFailure);
                   // [B4-err-04]
                   work.say(FailHtlc{channel_id, htlc_id, onion::wrap_failure(forward.shared_secret, told)});
                 },
                 [&](const MalformedReason& malformed) {
                   work.say(FailHtlc{channel_id, htlc_id,
                                     onion::own_failure(forward.shared_secret, malformed.failure_code,  // [B2-rem-11]
                                                        malformed.sha256_of_onion.view())});
                 },
                 [&](const OnChainReason&) {
                   work.say(FailHtlc{channel_id, htlc_id,
                                     onion::own_failure(forward.shared_secret, onion::kPermanentChannelFailure, {})});
                 }},
      reason);
}

}  // namespace doze::forwarding
