#include "forwarding/describe.h"

#include "effects/heights.h"

namespace doze::forwarding {

const char* name(ForwardState state) {
  switch (state) {
    case ForwardState::Early:
      return "early";
    case ForwardState::Held:
      return "held";
    case ForwardState::Released:
      return "released";
    case ForwardState::Waiting:
      return "waiting";
    case ForwardState::Forwarded:
      return "forwarded";
    case ForwardState::Settled:
      return "settled";
    case ForwardState::Failed:
      return "failed";
  }
  return "unknown";
}

Fields facts(const Forward& forward) {
  return {{"channel_id", forward.incoming.channel_id.hex()},
          {"htlc_id", forward.incoming.htlc_id},
          {"amount_msat", forward.amount_in.value()}};
}

Value describe(const Forward& forward) {
  Value out;
  out.set("channel_id", forward.incoming.channel_id.hex())
      .set("htlc_id", forward.incoming.htlc_id)
      .set("state", name(forward.state))
      .set("held", forward.hold.has_value())
      .set("amount_in_msat", forward.amount_in.value())
      .set("amount_out_msat", forward.amount_out.value())
      .set("fee_msat", sub_or_zero(forward.amount_in, forward.amount_out).value())
      .set("next_channel_id", forward.next_channel.hex())
      .set("received_at", time_text(forward.received_at));
  if (is_terminal(forward.state)) out.set("ended_at", time_text(forward.ended_at));
  if (!forward.failure.empty()) out.set("failure", forward.failure);
  return out;
}

Value describe_hold(const Forward& forward, const Context& context) {
  Value out;
  const auto& key = forward.incoming;
  out.set("channel_id", key.channel_id.hex()).set("htlc_id", key.htlc_id).set("state", name(forward.state));
  if (const auto* from = context.views.channel(key.channel_id)) out.set("peer", from->peer.hex());
  out.set("amount_msat", forward.amount_in.value())
      .set("forward_msat", forward.amount_out.value())
      .set("next_channel_id", forward.next_channel.hex())
      .set("profile", name(forward.hold.value_or(Profile::Ldk)))
      .set("received_at", time_text(forward.received_at));
  add_deadline(out, "fail_back", forward.fail_back, context);
  return out;
}

}  // namespace doze::forwarding
