#include "channel/unilateral.h"

#include "bitcoin/transaction.h"
#include "channel/closed.h"
#include "channel/records.h"
#include "channel/rounds.h"
#include "channel/unclaimed.h"

namespace doze::channel {

bool may_publish(const Work& work, const Channel& channel) {  // [B5-fail-03]
  return channel.spoken || after_ms(work.state.started, kSpeakFirstMs) <= work.context.mono;
}

void hold_back(Work& work, Channel& channel, HeldBack wish) {
  if (channel.held_back && (channel.held_back->asked || !wish.asked)) return;
  auto until = after_ms(work.state.started, kSpeakFirstMs).value();
  work.notify(Severity::Error, "channel_close_held_back",
              {{"channel_id", channel.id.hex()},
               {"peer", channel.peer.hex()},
               {"reason", wish.why},
               {"published_in_s", (until - work.context.mono.value()) / 1'000}});
  channel.held_back = std::move(wish);
  work.state.dirty.insert(channel.id);
}

void rebroadcast(Work& work, Channel& channel) {
  auto send = [&](const Bytes& raw) {
    if (raw.empty()) return;
    if (auto transaction = bitcoin::parse_transaction(raw)) work.say(Broadcast{*std::move(transaction)});
  };
  if (channel.is<Closed>() || (channel.close && channel.close->height != BlockHeight(0))) return;
  if (!channel.confirmed() && channel.funder()) send(channel.funding_transaction);  // [B2-fund-03]
  send(channel.closing_transaction);
}

void force_close(Work& work, Channel& channel, const std::string& why) {
  // The agreed transaction stays valid. The peer may already have forgotten the channel.
  if (channel.agreed()) return rebroadcast(work, channel);  // [B5-fail-02]
  may_publish(work, channel) ? publish_commitment(work, channel, why) : hold_back(work, channel, {why, true});
}

void publish_commitment(Work& work, Channel& channel, const std::string& why) {  // [B5-fail-04]
  if (!channel.alive()) return;
  auto transaction = own_commitment(channel.commitments, *channel.signer);
  channel.closing_transaction = bitcoin::serialize(transaction);
  channel.state = Unilateral{};
  channel.held_back.reset();
  channel.status = "closing: " + why;
  save(work, channel);
  say_if_usable(work, channel);
  answer_close(work, channel, bitcoin::txid(transaction), "our commitment");
  work.say(Broadcast{std::move(transaction)});
  work.notify(Severity::Error, "channel_force_closed",
              {{"channel_id", channel.id.hex()},
               {"reason", why},
               {"pending_close_sat", sum(unclaimed_of_ours(channel)).value()}});
}

void break_channel(Work& work, Channel& channel, const std::string& why) {
  if (!channel.alive()) return;
  if (channel.connected() && !channel.agreed() && may_publish(work, channel))
    work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of(why))});
  force_close(work, channel, why);
}

}  // namespace doze::channel
