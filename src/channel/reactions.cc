// BOLT 2 often leaves the choice between a warning that ends the connection and an error that fails the channel. This
// node takes the former (ADR 18): the wrong message has no effect, deadlines of HTLCs are kept in any case, and a
// peer's software can be repaired, while a force-closed channel is gone.
#include "channel/reactions.h"

#include "channel/unilateral.h"

namespace doze::channel {
namespace {

void hang_up(Work& work, Channel& channel, const std::string& why) {
  work.send(channel.peer, wire::Warning{channel.id, to_bytes(bytes_of(why))});
  work.say(DropPeer{channel.peer, why});
  work.notify(Severity::Warning, "peer_broke_a_rule",
              {{"channel_id", channel.id.hex()}, {"peer", channel.peer.hex()}, {"reason", why}});
}

}  // namespace

Reaction reaction_to(commitment::ViolationCode code) {
  using Code = commitment::ViolationCode;
  switch (code) {
    case Code::AddBeforeReady:
    case Code::AddAfterShutdown:
    case Code::AddIdOutOfOrder:
    case Code::AddBelowMinimum:
    case Code::AddExpiryIsTime:
    case Code::AddTooMany:
    case Code::AddTooMuchInFlight:
    case Code::AddAboveBalance:
    case Code::AddBelowReserve:
    case Code::FulfillNotCommitted:
    case Code::FulfillTwice:
    case Code::FulfillWrongPreimage:
    case Code::FailNotCommitted:
    case Code::FailTwice:
    case Code::MalformedNotCommitted:
    case Code::MalformedTwice:
    case Code::MalformedWithoutBadOnion:
    case Code::FeeBeforeReady:
    case Code::FeeNotFromOpener:
    case Code::FeeTooLow:
    case Code::FeeTooHigh:
    case Code::FeeUnaffordable:
    case Code::FeeTooMuchDust:
    case Code::FeeTooOften:
    case Code::CommitmentBeforeReady:
    case Code::CommitmentEmptyTooOften:
    case Code::CommitmentKeysDoNotCombine:
    case Code::CommitmentSignatureCount:
    case Code::CommitmentSignatureWrong:
    case Code::CommitmentHtlcSignatureWrong:
    case Code::RevokeNothing:
    case Code::RevokeNextPointInvalid:
    case Code::ReadyPointInvalid:
    case Code::BeforeReestablish:
    case Code::ShutdownScriptChanged:
    case Code::ClosingBeforeShutdown:
    case Code::ClosingRangeInverted:
    case Code::ClosingFeeAboveBalance:
    case Code::ClosingSignatureWrong:
    case Code::ClosingFeeTooLow:
    case Code::ClosingFeeTooHigh:
    // The agreed transaction may already be in a block. An error would make the peer publish its commitment instead.
    case Code::ClosingFeeAfterAgreement:
      return Reaction::HangUp;
    // The peer would repeat these in each connection, and its other channels must continue.
    case Code::ShutdownScriptNotAllowed:
    case Code::AnnouncementShortChannelId:
    case Code::AnnouncementSignatureWrong:
      return Reaction::Warn;
    // A peer that does not revoke can still publish the commitment that it should have revoked.
    case Code::RevokeSecretWrong:
    case Code::RevokeSecretDoesNotFit:
    case Code::ReestablishRevocationTooLarge:
    case Code::ReestablishAheadUnproved:
    case Code::ReestablishBehind:
    case Code::ReestablishSecretWrong:
    case Code::ReestablishCommitmentNumber:
    case Code::ClosingFeeAfterOurs:
    case Code::ClosingFeeNotOffered:
      return Reaction::Fail;
    // Ending an opening loses nothing.
    case Code::OpenWrongChain:
    case Code::OpenFundingTooSmall:
    case Code::OpenFundingTooLarge:
    case Code::OpenPushAboveFunding:
    case Code::OpenFeerateTooLow:
    case Code::OpenFeerateTooHigh:
    case Code::OpenWithoutType:
    case Code::OpenTypeNotSupported:
    case Code::OpenAnnounced:
    case Code::OpenTemporaryIdInUse:
    case Code::OpenUnaffordable:
    case Code::AcceptOtherType:
    case Code::AcceptDepthTooLarge:
    case Code::OpenTooManyOpening:
    case Code::OpenTooManyUnfunded:
    case Code::OpenTooManyFromNetwork:
    case Code::OpenChainNotSynced:
    case Code::OpenNoKeysLeft:
    case Code::TermsFundingPubkeyInvalid:
    case Code::TermsRevocationBasepointInvalid:
    case Code::TermsPaymentBasepointInvalid:
    case Code::TermsDelayedPaymentBasepointInvalid:
    case Code::TermsHtlcBasepointInvalid:
    case Code::TermsFirstPointInvalid:
    case Code::TermsDustLimitTooSmall:
    case Code::TermsDustLimitTooLarge:
    case Code::TermsReserveTooLarge:
    case Code::TermsReserveBelowDust:
    case Code::TermsReserveBelowOurDust:
    case Code::TermsDustAboveOurReserve:
    case Code::TermsDelayTooLong:
    case Code::TermsNoHtlcs:
    case Code::TermsTooManyHtlcs:
    case Code::TermsMinimumTooLarge:
    case Code::TermsInFlightTooSmall:
    case Code::FundingOutputTaken:
      return Reaction::Fail;
  }
  return Reaction::Fail;
}

void react(Work& work, Channel& channel, const commitment::Violation& violation) {
  switch (reaction_to(violation.code)) {
    case Reaction::Ignore:
      return;
    case Reaction::Warn:
      return work.send(channel.peer, wire::Warning{channel.id, to_bytes(bytes_of(text(violation)))});
    case Reaction::HangUp:
      return hang_up(work, channel, text(violation));
    case Reaction::Fail:
      return break_channel(work, channel, text(violation));
  }
}

}  // namespace doze::channel
