// Connections come and go: channel_reestablish and retransmission. BOLT 2, "Message Retransmission".
#include <algorithm>
#include <utility>

#include "channel/inside.h"
#include "crypto/crypto.h"

namespace doze::channel {

void forget_unsigned(Channel& channel) {
  for (const auto& update : channel.remote_proposed)
    if (std::holds_alternative<wire::UpdateAddHtlc>(update)) --channel.next_remote_htlc;
  channel.remote_proposed.clear();
  forget_next(channel);
}

namespace {
/// What we have not signed for was judged before HTLCs of the peer that we have acked since. The peer has forgotten it
/// with the connection, and would break the channel over what the opener cannot pay: a fee is dropped, then HTLCs, the
/// last one first, whose ids are free again.
void forget_unaffordable(Work& work, Channel& channel) {
  auto affordable = [&] {
    const auto& [spec, totals] = next_remote(channel);
    auto reserve = channel.funder ? channel.remote.channel_reserve : channel.local.channel_reserve;
    return (channel.funder ? spec.to_local : spec.to_remote) >=
           to_msat(reserve) + opener_cost(channel, spec, 1, totals.untrimmed);
  };
  auto last = [&](auto is) { return std::find_if(channel.local_proposed.rbegin(), channel.local_proposed.rend(), is); };
  auto is_fee = [](const Update& update) { return std::holds_alternative<wire::UpdateFee>(update); };
  auto is_add = [](const Update& update) { return std::holds_alternative<wire::UpdateAddHtlc>(update); };
  while (!affordable()) {
    auto found = last(is_fee);
    if (found == channel.local_proposed.rend()) found = last(is_add);
    if (found == channel.local_proposed.rend()) return;
    if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&*found)) {
      auto offered = channel.offered.extract(add->id);
      LN_ASSERT(!offered.empty() && add->id + 1 == channel.next_local_htlc);
      --channel.next_local_htlc;
      work.say(HtlcRefused{offered.mapped().origin, channel.id, AddRefusal::InsufficientFunds});
    }
    channel.local_proposed.erase(std::next(found).base());
    forget_next(channel);
    save(work, channel);
  }
}
}  // namespace

void reconnect(Work& work, Channel& channel) {
  channel.connected = true;
  channel.reestablished = false;
  channel.reestablished_at.reset();
  channel.sent_shutdown = channel.got_shutdown = false;
  channel.resent_announcement = false;
  channel.negotiation.reset();
  channel.rewrites = channel.empty_commitments = 0;
  work.state.dirty.insert(channel.id);
  if (!channel.alive()) {
    if (channel.phase == ChannelPhase::ForceClosing)
      work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of("the channel was closed: " + channel.status))});
    return;
  }
  wire::ChannelReestablish message;
  message.channel_id = channel.id;
  message.next_commitment_number = channel.local_number + 1;
  message.next_revocation_number = channel.remote_number;
  if (channel.remote_number > 0) {
    auto secret = channel.remote_secrets.find(commitment::kFirstIndex - (channel.remote_number - 1));
    LN_ASSERT(secret.has_value());
    message.your_last_per_commitment_secret = *secret;
  }
  message.my_current_per_commitment_point = channel.signer->per_commitment_point(channel.local_number);
  work.send(channel.peer, std::move(message));
}

void disconnect(Work& work, Channel& channel) {
  channel.connected = channel.reestablished = false;
  channel.reestablished_at.reset();
  channel.sent_shutdown = channel.got_shutdown = false;
  channel.negotiation.reset();
  forget_unsigned(channel);
  work.state.dirty.insert(channel.id);
  say_if_usable(work, channel);
}

void on(Work& work, Channel& channel, const wire::ChannelReestablish& m) {
  if (channel.reestablished) return;
  auto ours = channel.local_number;  // revocations 0 … ours-1 were sent
  if (m.next_revocation_number > kMaxCommitmentNumber)
    return break_channel(work, channel, "channel_reestablish: next_revocation_number has more than 48 bits");
  channel.spoken = true;  // what it says decides now whether our commitment may be published
  auto held_back = std::exchange(channel.held_back, std::nullopt);
  // What the peer has of our revocations.
  bool resend_revoke = false;
  if (m.next_revocation_number > ours) {
    auto secret = channel.signer->release_per_commitment_secret(m.next_revocation_number - 1);
    if (secret == m.your_last_per_commitment_secret) {
      // The peer proves that we are behind: our commitment is revoked, publishing it would lose everything.
      channel.status = "our data is old: the peer must close the channel";
      channel.phase = ChannelPhase::ForceClosing;
      save(work, channel);
      say_if_usable(work, channel);
      work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of("we lost data: please close the channel"))});
      return work.notify(Severity::Error, "channel_data_lost", {{"channel_id", channel.id.hex()}});
    }
    return break_channel(work, channel, "channel_reestablish: next_revocation_number without its secret");
  }
  if (m.next_revocation_number + 1 == ours)
    resend_revoke = true;
  else if (m.next_revocation_number != ours)
    return break_channel(work, channel, "channel_reestablish: the peer is behind by more than one revocation");
  if (m.next_revocation_number > 0 && !(channel.signer->release_per_commitment_secret(m.next_revocation_number - 1) ==
                                        m.your_last_per_commitment_secret))
    return break_channel(work, channel, "channel_reestablish: your_last_per_commitment_secret is wrong");
  // What the peer has of our signatures.
  bool resend_commitment = false;
  auto last_signed = channel.remote_number + (channel.next_remote_spec ? 1 : 0);
  if (channel.next_remote_spec && m.next_commitment_number == last_signed)
    resend_commitment = true;
  else if (m.next_commitment_number != last_signed + 1)
    return break_channel(work, channel,
                         "channel_reestablish: next_commitment_number " + std::to_string(m.next_commitment_number) +
                             ", " + std::to_string(last_signed + 1) + " expected");
  if (held_back && held_back->asked) return break_channel(work, channel, held_back->why);
  channel.reestablished = true;
  if (work.context.views.chain_synced) channel.reestablished_at = work.context.tip;
  if (channel.sent_ready && ours == 0 && m.next_commitment_number == 1)
    work.send(
        channel.peer,
        wire::ChannelReady{
            channel.id, channel.signer->per_commitment_point(1), local_alias(work.context.signer, channel.id), {}});
  auto revoke = [&] {
    if (resend_revoke) work.send(channel.peer, revoke_and_ack(work.context, channel));
  };
  auto commitment = [&] {
    if (!resend_commitment) return;
    for (const auto& update : channel.local_signed) work.send(channel.peer, to_message(update));
    work.send(channel.peer, commitment_signed(channel, work.context.parallel));
  };
  // In the order in which they were sent: what was signed after our last revocation comes after it.
  if (channel.signed_after == ours) {
    revoke();
    commitment();
  } else {
    commitment();
    revoke();
  }
  forget_unaffordable(work, channel);
  for (const auto& update : channel.local_proposed) work.send(channel.peer, to_message(update));
  work.state.dirty.insert(channel.id);
  send_ready(work, channel);
  say_if_usable(work, channel);
  propose_fee(work, channel);  // estimates that came meanwhile, and those from before a restart of ours
  if (!channel.announced) channel.sent_announcement = false;
  announce(work, channel);
}

}  // namespace doze::channel
