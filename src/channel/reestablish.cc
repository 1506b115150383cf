// A connection begins or ends: channel_reestablish and retransmission. BOLT 2, "Message Retransmission".
#include "channel/reestablish.h"

#include <algorithm>
#include <utility>

#include "channel/announcing.h"
#include "channel/awaiting_ready.h"
#include "channel/describe.h"
#include "channel/normal.h"
#include "channel/reactions.h"
#include "channel/records.h"
#include "channel/rounds.h"
#include "channel/unilateral.h"
#include "crypto/crypto.h"

namespace doze::channel {

namespace {

using Code = commitment::ViolationCode;

/// Our unsigned updates were checked before we acked newer HTLCs from the peer, so the opener may no longer be able to
/// afford them, and the peer would fail the channel. The peer has forgotten them with the connection. So they can be
/// dropped: a fee first, then HTLCs, the last one first, whose ids are free again.
void forget_unaffordable(Work& work, Channel& channel) {
  auto& c = channel.commitments;
  auto fits = [&] {
    const auto& next = signable_remote(c);
    return affordable(c.params, next.spec, next.totals.untrimmed);
  };
  while (!fits()) {
    auto withdrawn = withdraw_last(c);
    if (!withdrawn) return;
    if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&*withdrawn)) {
      auto offered = channel.offered.extract(add->id);
      LN_ASSERT(!offered.empty());
      work.say(HtlcRefused{offered.mapped().origin, channel.id, AddRefusal::InsufficientFunds});
    }
    save(work, channel);
  }
}

/// A negotiation of the closing fee ends with its connection.
void begin_anew(Channel& channel) {
  if (channel.is<Negotiating>()) channel.state = ShuttingDown{};
}

}  // namespace

void reconnect(Work& work, Channel& channel) {  // [B2-re-04]
  channel.session = Reestablishing{};
  begin_anew(channel);
  work.state.dirty.insert(channel.id);
  if (!channel.alive()) {  // [B2-re-06]
    if (channel.is<Unilateral>())
      work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of("the channel was closed: " + channel.status))});
    return;
  }
  wire::ChannelReestablish message;  // [B2-re-07]
  message.channel_id = channel.id;
  message.next_commitment_number = channel.commitments.local.number + 1;  // [B2-re-09]
  message.next_revocation_number = channel.commitments.remote.number;
  if (channel.commitments.remote.number > 0) {
    auto secret = channel.commitments.secrets.find(commitment::kFirstIndex - (channel.commitments.remote.number - 1));
    LN_ASSERT(secret.has_value());
    message.your_last_per_commitment_secret = *secret;  // [B2-re-09]
  }
  // [B2-re-09]
  message.my_current_per_commitment_point = channel.signer->per_commitment_point(channel.commitments.local.number);
  work.send(channel.peer, std::move(message));
}

void disconnect(Work& work, Channel& channel) {
  channel.session = Offline{};
  begin_anew(channel);
  forget_unsigned(channel.commitments);
  work.state.dirty.insert(channel.id);
  say_if_usable(work, channel);
}

void take_reestablish(Work& work, Channel& channel, const wire::ChannelReestablish& m) {  // [B2-re-20]
  if (channel.talking() != nullptr) return;
  auto ours = channel.commitments.local.number;  // we have sent the revocations 0 … ours-1
  if (m.next_revocation_number > kMaxCommitmentNumber)
    return react(work, channel, {Code::ReestablishRevocationTooLarge, m.next_revocation_number, kMaxCommitmentNumber});
  channel.spoken = true;  // from now on we know whether our commitment may be published
  auto held_back = std::exchange(channel.held_back, std::nullopt);

  // Which of our revocations the peer has.
  bool resend_revoke = false;
  if (m.next_revocation_number > ours) {
    auto secret = channel.signer->release_per_commitment_secret(m.next_revocation_number - 1);
    if (secret == m.your_last_per_commitment_secret) {  // [B2-re-17]
      // The peer proves that our data is old. Our commitment is revoked: publishing it would lose everything.
      channel.status = "our data is outdated: the peer must close the channel";
      channel.state = Unilateral{};
      save(work, channel);
      say_if_usable(work, channel);
      // [B2-re-18]
      work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of("we lost data: please close the channel"))});
      return work.notify(Severity::Error, "channel_data_lost", {{"channel_id", channel.id.hex()}});
    }
    return react(work, channel, {Code::ReestablishAheadUnproved, m.next_revocation_number, ours});
  }
  if (m.next_revocation_number + 1 == ours)
    resend_revoke = true;
  else if (m.next_revocation_number != ours)
    return react(work, channel, {Code::ReestablishBehind, m.next_revocation_number, ours - 1});  // [B2-re-16]
  if (m.next_revocation_number > 0 && !(channel.signer->release_per_commitment_secret(m.next_revocation_number - 1) ==
                                        m.your_last_per_commitment_secret))
    return react(work, channel, {Code::ReestablishSecretWrong, m.next_revocation_number});  // [B2-re-19]

  // Which of our signatures the peer has.
  bool resend_commitment = false;
  auto last_signed = channel.commitments.remote.number + (channel.commitments.next_remote ? 1 : 0);
  if (channel.commitments.next_remote && m.next_commitment_number == last_signed)
    resend_commitment = true;  // [B2-re-13]
  else if (m.next_commitment_number != last_signed + 1)
    // [B2-re-10, B2-re-14]
    return react(work, channel, {Code::ReestablishCommitmentNumber, m.next_commitment_number, last_signed + 1});

  if (held_back && held_back->asked) return break_channel(work, channel, held_back->why);
  channel.session =
      Talking{work.context.mono, work.context.views.chain_synced ? std::optional(work.context.tip) : std::nullopt};
  if (channel.sent_ready && ours == 0 && m.next_commitment_number == 1)  // [B2-re-11]
    work.send(channel.peer, channel_ready(work, channel));

  auto revoke = [&] {
    if (resend_revoke) work.send(channel.peer, revoke_and_ack(work.context, channel));
  };
  auto commitment = [&] {
    if (!resend_commitment) return;
    for (const auto& update : channel.commitments.updates.local_signed)
      work.send(channel.peer, commitment::to_message(update));
    work.send(channel.peer,
              commitment_signed(channel.id, sign_again(channel.commitments, *channel.signer, work.context.parallel)));
  };
  // In the order in which they were first sent.
  if (channel.commitments.signed_after == ours) {  // [B2-re-15]
    revoke();
    commitment();
  } else {
    commitment();
    revoke();
  }

  forget_unaffordable(work, channel);
  for (const auto& update : channel.commitments.updates.local_proposed)
    work.send(channel.peer, commitment::to_message(update));
  work.state.dirty.insert(channel.id);
  send_ready(work, channel);
  say_if_usable(work, channel);
  propose_fee(work, channel);  // the estimate may have changed while we were not connected
  if (!channel.announced) channel.sent_announcement = false;
  announce(work, channel);
}

}  // namespace doze::channel
