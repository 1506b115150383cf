#include "effects/words.h"

#include "effects/views.h"

namespace doze {

namespace command {
DOZE_COMPILED_HERE(Command)
}
DOZE_COMPILED_HERE(Input)
DOZE_COMPILED_HERE(Effect)

const char* name(AddRefusal refusal) {
  switch (refusal) {
    case AddRefusal::NotUsable:
      return "the channel is not usable now";
    case AddRefusal::InsufficientFunds:
      return "insufficient funds in the channel";
    case AddRefusal::TooManyHtlcs:
      return "too many HTLCs in the channel";
    case AddRefusal::BelowMinimum:
      return "below the peer's htlc_minimum_msat";
    case AddRefusal::TooMuchInFlight:
      return "above the peer's max_htlc_value_in_flight_msat";
    case AddRefusal::ExpiryTooSoon:
      return "expiry too soon";
    case AddRefusal::ExpiryTooFar:
      return "expiry too far";
    case AddRefusal::DustExposure:
      return "too much dust in flight";
    case AddRefusal::HoldLimit:
      return "one held HTLC a commitment round in the draft's profile";
  }
  return "unknown";
}

const char* name(CommandErrorCode code) {
  switch (code) {
    case CommandErrorCode::BadRequest:
      return "bad_request";
    case CommandErrorCode::NotFound:
      return "not_found";
    case CommandErrorCode::NotReady:
      return "not_ready";
    case CommandErrorCode::Refused:
      return "refused";
    case CommandErrorCode::NoRoute:
      return "no_route";
    case CommandErrorCode::InsufficientFunds:
      return "insufficient_funds";
    case CommandErrorCode::PaymentFailed:
      return "payment_failed";
    case CommandErrorCode::Expired:
      return "expired";
    case CommandErrorCode::Limit:
      return "limit";
    case CommandErrorCode::Internal:
      return "internal";
    case CommandErrorCode::TimedOut:
      return "timed_out";
  }
  return "internal";
}

const char* name(ChannelPhase phase) {
  switch (phase) {
    case ChannelPhase::Opening:
      return "opening";
    case ChannelPhase::Normal:
      return "normal";
    case ChannelPhase::Closing:
      return "closing";
    case ChannelPhase::ForceClosing:
      return "force_closing";
    case ChannelPhase::Closed:
      return "closed";
  }
  return "unknown";
}

bool PeerView::onion_messages() const {
  return features.supports(wire::kOnionMessages);
}

bool PeerView::holds(Profile profile) const {
  return features.supports(profile == Profile::Ldk ? wire::kHtlcHoldLdk : wire::kHtlcHoldDraft);
}

const ChannelView* Views::channel(const ChannelId& id) const {
  auto it = channels.find(id);
  return it == channels.end() ? nullptr : &it->second;
}

const ChannelView* Views::channel_by_scid(ShortChannelId scid) const {
  for (const auto& [id, channel] : channels)
    if (channel.phase == ChannelPhase::Normal &&
        (channel.local_alias == scid || (channel.scid == scid && !channel.alias_only)))
      return &channel;
  return nullptr;
}

bool Views::is_client(const NodeId& node) const {
  if (invited.contains(node)) return true;
  for (const auto& [id, channel] : channels)
    if (channel.peer == node && channel.phase != ChannelPhase::Closed && channel.funded()) return true;
  return false;
}

}  // namespace doze
