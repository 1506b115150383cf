#include "commitment/violation.h"

#include "base/ids.h"
#include "base/units.h"

namespace doze::commitment {
namespace {

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

std::string scid(std::uint64_t value) {
  ShortChannelId out(value);
  return number(out.block()) + "x" + number(out.tx()) + "x" + number(out.output());
}

}  // namespace

std::string text(const Violation& v) {
  auto given = number(v.given), limit = number(v.limit);
  switch (v.code) {
    case ViolationCode::AddBeforeReady:
      return "update_add_htlc before channel_ready";
    case ViolationCode::AddAfterShutdown:
      return "update_add_htlc after shutdown";
    case ViolationCode::AddIdOutOfOrder:
      return "update_add_htlc: id " + given + ", expected " + limit;
    case ViolationCode::AddBelowMinimum:
      return "update_add_htlc: amount_msat " + given + " is below our htlc_minimum_msat " + limit;
    case ViolationCode::AddExpiryIsTime:
      return "update_add_htlc: cltv_expiry " + given + " is a time, expected a block height below " + limit;
    case ViolationCode::AddTooMany:
      return "update_add_htlc: " + given + " HTLCs would exceed our max_accepted_htlcs " + limit;
    case ViolationCode::AddTooMuchInFlight:
      return "update_add_htlc: " + given + " msat in flight would exceed our max_htlc_value_in_flight_msat " + limit;
    case ViolationCode::AddAboveBalance:
      return "update_add_htlc: amount_msat " + given + " is above your balance of " + limit + " msat";
    case ViolationCode::AddBelowReserve:
      return "update_add_htlc: " + given + " msat would be left, your channel_reserve_satoshis and the fee need " +
             limit + " msat";
    case ViolationCode::FulfillNotCommitted:
      return "update_fulfill_htlc: HTLC " + given + " is not in both commitments";
    case ViolationCode::FulfillTwice:
      return "update_fulfill_htlc: HTLC " + given + " is removed already";
    case ViolationCode::FulfillWrongPreimage:
      return "update_fulfill_htlc: payment_preimage does not match the payment_hash of HTLC " + given;
    case ViolationCode::FailNotCommitted:
      return "update_fail_htlc: HTLC " + given + " is not in both commitments";
    case ViolationCode::FailTwice:
      return "update_fail_htlc: HTLC " + given + " is removed already";
    case ViolationCode::MalformedNotCommitted:
      return "update_fail_malformed_htlc: HTLC " + given + " is not in both commitments";
    case ViolationCode::MalformedTwice:
      return "update_fail_malformed_htlc: HTLC " + given + " is removed already";
    case ViolationCode::MalformedWithoutBadOnion:
      return "update_fail_malformed_htlc: failure_code " + given + " without BADONION";
    case ViolationCode::FeeBeforeReady:
      return "update_fee before channel_ready";
    case ViolationCode::FeeNotFromOpener:
      return "update_fee from the side that did not open the channel";
    case ViolationCode::FeeTooLow:
      return "update_fee: feerate_per_kw " + given + ", expected at least " + limit;
    case ViolationCode::FeeTooHigh:
      return "update_fee: feerate_per_kw " + given + ", expected at most " + limit;
    case ViolationCode::FeeUnaffordable:
      return "update_fee: your balance is " + given + " msat, your channel_reserve_satoshis and the fee need " + limit +
             " msat";
    case ViolationCode::FeeTooMuchDust:
      return "update_fee: HTLCs of " + given + " msat would have no output of their own, expected at most " + limit +
             " msat";
    case ViolationCode::FeeTooOften:
      return "update_fee: more than " + limit + " rounds with nothing but a feerate at once";
    case ViolationCode::CommitmentBeforeReady:
      return "commitment_signed before channel_ready";
    case ViolationCode::CommitmentEmptyTooOften:
      return "commitment_signed: " + given + " in a row without an HTLC, expected at most " + limit;
    case ViolationCode::CommitmentKeysDoNotCombine:
      return "the keys of commitment " + given + " cannot be derived from the basepoints";
    case ViolationCode::CommitmentSignatureCount:
      return "commitment_signed: " + given + " htlc_signatures, expected " + limit +
             ": one for each HTLC with an output";
    case ViolationCode::CommitmentSignatureWrong:
      return "the signature of commitment " + given + " is wrong";
    case ViolationCode::CommitmentHtlcSignatureWrong:
      return "commitment_signed: htlc_signature " + given + " of " + limit + " is wrong";
    case ViolationCode::RevokeNothing:
      return "revoke_and_ack without a commitment_signed of ours to answer";
    case ViolationCode::RevokeSecretWrong:
      return "revoke_and_ack: per_commitment_secret does not match the per_commitment_point of the revoked commitment";
    case ViolationCode::RevokeNextPointInvalid:
      return "revoke_and_ack: next_per_commitment_point is not a valid point";
    case ViolationCode::RevokeSecretDoesNotFit:
      return "revoke_and_ack: per_commitment_secret was not made from the same seed as the secrets before";
    case ViolationCode::ReadyPointInvalid:
      return "channel_ready: second_per_commitment_point is not a valid point";
    case ViolationCode::BeforeReestablish:
      return "a message about the channel before channel_reestablish";
    case ViolationCode::ReestablishRevocationTooLarge:
      return "channel_reestablish: next_revocation_number " + given + " has more than 48 bits";
    case ViolationCode::ReestablishAheadUnproved:
      return "channel_reestablish: next_revocation_number " + given + ", expected at most " + limit +
             ", and your_last_per_commitment_secret does not prove it";
    case ViolationCode::ReestablishBehind:
      return "channel_reestablish: next_revocation_number " + given + ", expected at least " + limit;
    case ViolationCode::ReestablishSecretWrong:
      return "channel_reestablish: your_last_per_commitment_secret is wrong";
    case ViolationCode::ReestablishCommitmentNumber:
      return "channel_reestablish: next_commitment_number " + given + ", expected " + limit;
    case ViolationCode::ShutdownScriptNotAllowed:
      return "shutdown: scriptpubkey is not of an allowed form";
    case ViolationCode::ShutdownScriptChanged:
      return "shutdown: scriptpubkey is not the one that you sent before";
    case ViolationCode::ClosingBeforeShutdown:
      return "closing_signed before both sides have sent shutdown and all HTLCs have ended";
    case ViolationCode::ClosingRangeInverted:
      return "closing_signed: min_fee_satoshis " + given + " is above max_fee_satoshis " + limit;
    case ViolationCode::ClosingFeeAboveBalance:
      return "closing_signed: fee_satoshis " + given + " is above the opener's balance, at most " + limit;
    case ViolationCode::ClosingSignatureWrong:
      return "closing_signed: signature is wrong";
    case ViolationCode::ClosingFeeTooLow:
      return "closing_signed: fee_satoshis " + given + ", expected above " + limit + ", between the two last offers";
    case ViolationCode::ClosingFeeTooHigh:
      return "closing_signed: fee_satoshis " + given + ", expected below " + limit + ", between the two last offers";
    case ViolationCode::ClosingFeeAfterOurs:
      return "closing_signed: fee_satoshis " + given + ", expected ours of " + limit;
    case ViolationCode::ClosingFeeNotOffered:
      return "closing_signed: fee_satoshis " + given + " is outside of what fee_range offered";
    case ViolationCode::ClosingFeeAfterAgreement:
      return "closing_signed: fee_satoshis " + given + " after both have signed " + limit;
    case ViolationCode::AnnouncementShortChannelId:
      return "announcement_signatures: short_channel_id " + scid(v.given) + ", expected " + scid(v.limit);
    case ViolationCode::AnnouncementSignatureWrong:
      return "announcement_signatures: node_signature or bitcoin_signature is wrong";
    case ViolationCode::OpenWrongChain:
      return "open_channel: chain_hash is not ours";
    case ViolationCode::OpenFundingTooSmall:
      return "open_channel: funding_satoshis " + given + ", expected at least " + limit;
    case ViolationCode::OpenFundingTooLarge:
      return "open_channel: funding_satoshis " + given + ", expected at most " + limit;
    case ViolationCode::OpenPushAboveFunding:
      return "open_channel: push_msat " + given + " is above the funding of " + limit + " msat";
    case ViolationCode::OpenFeerateTooLow:
      return "open_channel: feerate_per_kw " + given + ", expected at least " + limit;
    case ViolationCode::OpenFeerateTooHigh:
      return "open_channel: feerate_per_kw " + given + ", expected at most " + limit;
    case ViolationCode::OpenWithoutType:
      return "open_channel: channel_type is missing";
    case ViolationCode::OpenTypeNotSupported:
      return "open_channel: channel_type is not supported";
    case ViolationCode::OpenAnnounced:
      return "open_channel: announce_channel is set, and this node has no announced channels";
    case ViolationCode::OpenTemporaryIdInUse:
      return "open_channel: temporary_channel_id is in use";
    case ViolationCode::OpenUnaffordable:
      return "the opener would have " + given + " msat, channel_reserve_satoshis and the first commitment's fee need " +
             limit + " msat";
    case ViolationCode::AcceptOtherType:
      return "accept_channel: channel_type is not the one of open_channel";
    case ViolationCode::AcceptDepthTooLarge:
      return "accept_channel: minimum_depth " + given + ", expected at most " + limit;
    case ViolationCode::OpenTooManyOpening:
      return "too many channels with you are being opened, at most " + limit + " at a time";
    case ViolationCode::OpenTooManyUnfunded:
      return "too many channels with you wait for their funding, at most " + limit;
    case ViolationCode::OpenTooManyFromNetwork:
      return "too many channels were opened from your network just now: try again in a moment";
    case ViolationCode::OpenChainNotSynced:
      return "our block chain is not synced yet: try again later";
    case ViolationCode::OpenNoKeysLeft:
      return "this node has no channel keys left";
    case ViolationCode::TermsFundingPubkeyInvalid:
      return "funding_pubkey is not a valid point";
    case ViolationCode::TermsRevocationBasepointInvalid:
      return "revocation_basepoint is not a valid point";
    case ViolationCode::TermsPaymentBasepointInvalid:
      return "payment_basepoint is not a valid point";
    case ViolationCode::TermsDelayedPaymentBasepointInvalid:
      return "delayed_payment_basepoint is not a valid point";
    case ViolationCode::TermsHtlcBasepointInvalid:
      return "htlc_basepoint is not a valid point";
    case ViolationCode::TermsFirstPointInvalid:
      return "first_per_commitment_point is not a valid point";
    case ViolationCode::TermsDustLimitTooSmall:
      return "dust_limit_satoshis " + given + ", expected at least " + limit;
    case ViolationCode::TermsDustLimitTooLarge:
      return "dust_limit_satoshis " + given + ", expected at most " + limit;
    case ViolationCode::TermsReserveTooLarge:
      return "channel_reserve_satoshis " + given + ", expected at most a fifth of the channel, " + limit;
    case ViolationCode::TermsReserveBelowDust:
      return "channel_reserve_satoshis " + given + " is below dust_limit_satoshis " + limit;
    case ViolationCode::TermsReserveBelowOurDust:
      return "channel_reserve_satoshis " + given + " is below our dust_limit_satoshis " + limit;
    case ViolationCode::TermsDustAboveOurReserve:
      return "dust_limit_satoshis " + given + " is above our channel_reserve_satoshis " + limit;
    case ViolationCode::TermsDelayTooLong:
      return "to_self_delay " + given + ", expected at most " + limit;
    case ViolationCode::TermsNoHtlcs:
      return "max_accepted_htlcs 0, expected at least 1";
    case ViolationCode::TermsTooManyHtlcs:
      return "max_accepted_htlcs " + given + ", expected at most " + limit;
    case ViolationCode::TermsMinimumTooLarge:
      return "htlc_minimum_msat " + given + ", expected at most a hundredth of the channel, " + limit;
    case ViolationCode::TermsInFlightTooSmall:
      return "max_htlc_value_in_flight_msat " + given + ", expected at least " + limit;
    case ViolationCode::FundingOutputTaken:
      return "funding_created: this funding output has a channel already";
  }
  return "unknown";
}

}  // namespace doze::commitment
