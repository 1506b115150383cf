// A rule of BOLT 2 that a peer broke: which one, what the peer gave, and what was the limit. What follows from it is
// decided in one place (channel/reactions.h); what the peer reads is made here.
#pragma once

#include <cstdint>
#include <string>

namespace doze::commitment {

/// Numbers stay what they are: logs and reports name them. Each has its place in BOLT 2 beside it.
enum class ViolationCode : std::uint16_t {
  // update_add_htlc: "Adding an HTLC"
  AddBeforeReady = 1,
  AddAfterShutdown = 2,
  AddIdOutOfOrder = 3,     // given: id; limit: the one expected
  AddBelowMinimum = 4,     // msat; limit: our htlc_minimum_msat
  AddExpiryIsTime = 5,     // given: cltv_expiry; limit: where times begin
  AddTooMany = 6,          // given: HTLCs with this one; limit: our max_accepted_htlcs
  AddTooMuchInFlight = 7,  // msat with this one; limit: our max_htlc_value_in_flight_msat
  AddAboveBalance = 8,     // msat; limit: the peer's balance
  AddBelowReserve = 9,     // given: msat that would be left; limit: what reserve and fee need
  // update_fulfill_htlc, update_fail_htlc, update_fail_malformed_htlc: "Removing an HTLC". given: id
  FulfillNotCommitted = 20,
  FulfillTwice = 21,
  FulfillWrongPreimage = 22,
  FailNotCommitted = 23,
  FailTwice = 24,
  MalformedNotCommitted = 25,
  MalformedTwice = 26,
  MalformedWithoutBadOnion = 27,  // given: failure_code
  // update_fee: "Updating Fees"
  FeeBeforeReady = 40,
  FeeNotFromOpener = 41,
  FeeTooLow = 42,        // feerate_per_kw; limit: the least we take
  FeeTooHigh = 43,       // feerate_per_kw; limit: the most
  FeeUnaffordable = 44,  // given: the opener's balance in msat; limit: what reserve and fee need
  FeeTooMuchDust = 45,   // given: msat without an output at this feerate; limit: kMaxDustExposureByFee
  FeeTooOften = 46,      // limit: rounds at once
  // commitment_signed: "Committing Updates So Far"
  CommitmentBeforeReady = 60,
  CommitmentEmptyTooOften = 61,       // given: in a row; limit: kMaxEmptyCommitments
  CommitmentKeysDoNotCombine = 62,    // given: number of the commitment
  CommitmentSignatureCount = 63,      // given: htlc_signatures; limit: outputs of HTLCs
  CommitmentSignatureWrong = 64,      // given: number of the commitment
  CommitmentHtlcSignatureWrong = 65,  // given: which, from 1; limit: of how many
  // revoke_and_ack: "Completing the Transition to the Updated State"
  RevokeNothing = 80,
  RevokeSecretWrong = 81,
  RevokeNextPointInvalid = 82,
  RevokeSecretDoesNotFit = 83,
  // channel_ready: "The `channel_ready` Message"
  ReadyPointInvalid = 100,
  // channel_reestablish: "Message Retransmission"
  BeforeReestablish = 120,
  ReestablishRevocationTooLarge = 121,  // given: next_revocation_number; limit: kMaxCommitmentNumber
  ReestablishAheadUnproved = 122,       // given: next_revocation_number; limit: the one expected at most
  ReestablishBehind = 123,              // given: next_revocation_number; limit: the one expected at least
  ReestablishSecretWrong = 124,         // given: next_revocation_number
  ReestablishCommitmentNumber = 125,    // given: next_commitment_number; limit: the one expected
  // shutdown: "Closing Initiation"
  ShutdownScriptNotAllowed = 140,
  ShutdownScriptChanged = 141,
  // closing_signed: "Legacy Closing Negotiation". Amounts in sat
  ClosingBeforeShutdown = 160,
  ClosingRangeInverted = 161,  // given: min_fee_satoshis; limit: max_fee_satoshis
  ClosingFeeAboveBalance = 162,
  ClosingSignatureWrong = 163,
  ClosingFeeTooLow = 164,          // without fee_range; limit: it must be above
  ClosingFeeTooHigh = 165,         // without fee_range; limit: it must be below
  ClosingFeeAfterOurs = 166,       // given: the fee; limit: ours, which the opener should take
  ClosingFeeNotOffered = 167,      // given: the fee
  ClosingFeeAfterAgreement = 168,  // given: the fee; limit: the one that both have signed
  // announcement_signatures: BOLT 7, "The `announcement_signatures` Message"
  AnnouncementShortChannelId = 180,  // short_channel_id; limit: the one expected
  AnnouncementSignatureWrong = 181,
  // open_channel, accept_channel: "Channel Establishment v1"
  OpenWrongChain = 200,
  OpenFundingTooSmall = 201,   // sat; limit: kMinCapacity
  OpenFundingTooLarge = 202,   // sat; limit: kMaxCapacity
  OpenPushAboveFunding = 203,  // msat; limit: of the funding
  OpenFeerateTooLow = 204,
  OpenFeerateTooHigh = 205,
  OpenWithoutType = 206,
  OpenTypeNotSupported = 207,
  OpenAnnounced = 208,  // to a client
  OpenTemporaryIdInUse = 209,
  OpenUnaffordable = 210,  // given: the opener's msat; limit: what reserve and fee need
  AcceptOtherType = 211,
  AcceptDepthTooLarge = 212,  // blocks; limit: kMaxMinimumDepth
  // open_channel that breaks no rule, for which we have no room. limit: how many there may be
  OpenTooManyOpening = 213,
  OpenTooManyUnfunded = 214,
  OpenTooManyFromNetwork = 215,
  OpenChainNotSynced = 216,
  OpenNoKeysLeft = 217,
  // the terms in both of them
  TermsFundingPubkeyInvalid = 220,
  TermsRevocationBasepointInvalid = 221,
  TermsPaymentBasepointInvalid = 222,
  TermsDelayedPaymentBasepointInvalid = 223,
  TermsHtlcBasepointInvalid = 224,
  TermsFirstPointInvalid = 225,
  TermsDustLimitTooSmall = 230,    // sat; limit: kMinDustLimit
  TermsDustLimitTooLarge = 231,    // sat; limit: kMaxDustLimit
  TermsReserveTooLarge = 232,      // sat; limit: a fifth of the channel
  TermsReserveBelowDust = 233,     // given: channel_reserve_satoshis; limit: the same side's dust_limit_satoshis
  TermsReserveBelowOurDust = 234,  // given: channel_reserve_satoshis; limit: our dust_limit_satoshis
  TermsDustAboveOurReserve = 235,  // given: dust_limit_satoshis; limit: our channel_reserve_satoshis
  TermsDelayTooLong = 236,         // blocks; limit: kMaxToSelfDelay
  TermsNoHtlcs = 237,
  TermsTooManyHtlcs = 238,      // given: max_accepted_htlcs; limit: kMaxAcceptedHtlcs
  TermsMinimumTooLarge = 239,   // msat; limit: a hundredth of the channel
  TermsInFlightTooSmall = 240,  // msat; limit: kMinInFlight
  // funding_created
  FundingOutputTaken = 250,
};

struct Violation {
  ViolationCode code;
  std::uint64_t given = 0, limit = 0;
  friend bool operator==(const Violation&, const Violation&) = default;
};

/// For the peer and the log: the message, what was wrong and what was expected.
[[nodiscard]] std::string text(const Violation& violation);

}  // namespace doze::commitment
