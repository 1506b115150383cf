// Failures of a payment, which return to the origin under layers of encryption. BOLT 4, "Returning Errors", "Failure
// Messages".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"

namespace doze::onion {

inline constexpr std::uint16_t kBadOnion = 0x8000, kPermanent = 0x4000, kNode = 0x2000, kUpdate = 0x1000;

inline constexpr std::uint16_t kTemporaryNodeFailure = kNode | 2, kPermanentNodeFailure = kPermanent | kNode | 2,
                               kRequiredNodeFeatureMissing = kPermanent | kNode | 3,
                               kInvalidOnionVersion = kBadOnion | kPermanent | 4,
                               kInvalidOnionHmac = kBadOnion | kPermanent | 5,
                               kInvalidOnionKey = kBadOnion | kPermanent | 6, kTemporaryChannelFailure = kUpdate | 7,
                               kPermanentChannelFailure = kPermanent | 8,
                               kRequiredChannelFeatureMissing = kPermanent | 9, kUnknownNextPeer = kPermanent | 10,
                               kAmountBelowMinimum = kUpdate | 11, kFeeInsufficient = kUpdate | 12,
                               kIncorrectCltvExpiry = kUpdate | 13, kExpiryTooSoon = kUpdate | 14,
                               kIncorrectOrUnknownPaymentDetails = kPermanent | 15, kFinalIncorrectCltvExpiry = 18,
                               kFinalIncorrectHtlcAmount = 19, kChannelDisabled = kUpdate | 20, kExpiryTooFar = 21,
                               kInvalidOnionPayload = kPermanent | 22, kMppTimeout = 23,
                               kInvalidOnionBlinding = kBadOnion | kPermanent | 24;

/// "temporary_channel_failure"; "unknown failure" for anything else.
[[nodiscard]] const char* failure_name(std::uint16_t code);

/// A MAC, two lengths and a code. Every failure that a node makes is at least as long.
inline constexpr std::size_t kShortestFailure = 32 + 2 + 2 + 2;

/// A failure of our own, padded so that all have one length, and encrypted.
[[nodiscard]] Bytes create_failure(const SharedSecret& secret, ByteView failure_message);
/// The failure_message for create_failure. Codes that carry a channel_update carry an empty one.
[[nodiscard]] Bytes failure_message(std::uint16_t code, ByteView data = {});
/// create_failure of failure_message.
[[nodiscard]] Bytes own_failure(const SharedSecret& secret, std::uint16_t code, ByteView data = {});
/// The only failure that an introduction node of a blinded path returns: it hides what happened behind that node.
[[nodiscard]] Bytes blinded_failure(const SharedSecret& secret, const Hash32& sha256_of_onion);
/// A failure of another node with one more layer.
[[nodiscard]] Bytes wrap_failure(const SharedSecret& secret, ByteView reason);

struct OriginFailure {
  std::size_t hop = 0;  // of the node that failed the HTLC: index into the secrets
  std::uint16_t code = 0;
  Bytes data;
};
/// BOLT 4, "Returning Errors": the origin always takes this number of steps, so that the time reveals neither which hop
/// failed nor how long the route is.
inline constexpr std::size_t kFailureSteps = 27;
/// For the origin: unwraps layer by layer, always kFailureSteps times. nullopt: no hop's MAC is right, because a node
/// garbled the failure, or the message is malformed.
[[nodiscard]] std::optional<OriginFailure> decode_failure(const std::vector<SharedSecret>& secrets, ByteView reason);

}  // namespace doze::onion
