#include "channel/terms.h"

#include <algorithm>

#include "crypto/crypto.h"

namespace doze::channel {
namespace {

using Code = commitment::ViolationCode;

}  // namespace

Terms our_terms(const Context& context, const Channel& channel) {  // [B2-open-06, B2-open-12]
  Terms out;
  out.dust_limit = kOurDustLimit;
  out.max_htlc_value_in_flight = to_msat(channel.params().capacity);
  out.channel_reserve = std::max(Sat(channel.params().capacity.value() / 100), kMaxDustLimit);
  out.htlc_minimum = Msat(1);
  out.to_self_delay = context.config.to_self_delay;
  out.max_accepted_htlcs = kMaxAcceptedHtlcs;
  return out;
}

wire::FeatureBits channel_type(const Channel& channel) {  // [B2-open-09]
  wire::FeatureBits out{wire::kStaticRemotekey};
  if (channel.params().format == CommitmentFormat::AnchorsZeroFeeHtlc) out.set(wire::kAnchors);
  if (channel.scid_alias_type) out.set(wire::kScidAlias);
  return out;
}

bool set_type(Channel& channel, const wire::FeatureBits& type, const Config& config) {  // [B2-open-26]
  for (bool anchors : {false, true})
    for (bool alias : {false, true}) {
      channel.commitments.params.format =
          anchors ? CommitmentFormat::AnchorsZeroFeeHtlc : CommitmentFormat::StaticRemotekey;
      channel.scid_alias_type = alias;
      if (channel_type(channel) == type) return (!anchors || config.anchors) && (!alias || !channel.announce);
    }
  return false;
}

std::optional<Violation> objection(const Channel& channel, const Terms& theirs, const PublicKey& point) {
  const auto& keys = theirs.keys;
  for (const auto& [key, code] : {std::pair(keys.funding, Code::TermsFundingPubkeyInvalid),
                                  {keys.revocation_basepoint, Code::TermsRevocationBasepointInvalid},
                                  {keys.payment_basepoint, Code::TermsPaymentBasepointInvalid},
                                  {keys.delayed_payment_basepoint, Code::TermsDelayedPaymentBasepointInvalid},
                                  {keys.htlc_basepoint, Code::TermsHtlcBasepointInvalid},
                                  {point, Code::TermsFirstPointInvalid}})
    if (!crypto::is_valid(key)) return Violation{code};  // [B2-open-21]

  const auto& ours = channel.params().local;
  Sat capacity = channel.params().capacity, dust = theirs.dust_limit, reserve = theirs.channel_reserve;
  Sat most_reserve(capacity.value() / 5);
  Msat most_minimum(to_msat(capacity).value() / 100);
  auto broken = [](Code code, std::uint64_t given, std::uint64_t limit) { return Violation{code, given, limit}; };
  // [B2-open-22]
  if (dust < kMinDustLimit) return broken(Code::TermsDustLimitTooSmall, dust.value(), kMinDustLimit.value());
  if (dust > kMaxDustLimit) return broken(Code::TermsDustLimitTooLarge, dust.value(), kMaxDustLimit.value());
  if (reserve > most_reserve) return broken(Code::TermsReserveTooLarge, reserve.value(), most_reserve.value());
  if (reserve < dust) return broken(Code::TermsReserveBelowDust, reserve.value(), dust.value());  // [B2-open-22]
  if (reserve < ours.dust_limit)
    return broken(Code::TermsReserveBelowOurDust, reserve.value(), ours.dust_limit.value());  // [B2-acc-04]
  if (ours.channel_reserve < dust)
    return broken(Code::TermsDustAboveOurReserve, dust.value(), ours.channel_reserve.value());  // [B2-acc-05]
  if (theirs.to_self_delay > kMaxToSelfDelay)
    return broken(Code::TermsDelayTooLong, theirs.to_self_delay, kMaxToSelfDelay);  // [B2-open-18]
  if (theirs.max_accepted_htlcs == 0) return broken(Code::TermsNoHtlcs, 0, 1);
  if (theirs.max_accepted_htlcs > kMaxAcceptedHtlcs)
    return broken(Code::TermsTooManyHtlcs, theirs.max_accepted_htlcs, kMaxAcceptedHtlcs);  // [B2-open-19]
  if (theirs.htlc_minimum > most_minimum)
    return broken(Code::TermsMinimumTooLarge, theirs.htlc_minimum.value(), most_minimum.value());
  if (theirs.max_htlc_value_in_flight < kMinInFlight)
    return broken(Code::TermsInFlightTooSmall, theirs.max_htlc_value_in_flight.value(), kMinInFlight.value());
  return std::nullopt;
}

void set_first_specs(Channel& channel, Msat push, FeeratePerKw feerate) {
  Spec spec;
  spec.feerate = feerate;
  auto rest = to_msat(channel.params().capacity) - push;
  spec.to_local = channel.funder() ? rest : push;
  spec.to_remote = channel.funder() ? push : rest;
  channel.commitments.local.spec = channel.commitments.remote.spec = spec;
}

std::optional<Violation> unaffordable(const Channel& channel) {  // [B2-open-23, B2-open-24]
  const auto& params = channel.params();
  const auto& spec = channel.commitments.local.spec;
  if (affordable(params, spec, 0)) return std::nullopt;
  return Violation{Code::OpenUnaffordable, spec.balance(params.funder).value(),
                   must_keep(params, spec.feerate, params.funder, 0).value()};
}

}  // namespace doze::channel
