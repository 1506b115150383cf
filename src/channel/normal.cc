#include "channel/normal.h"

#include <algorithm>

#include "channel/records.h"

namespace doze::channel {

void add_htlc(Work& work, const AddHtlc& word) {
  auto refuse = [&](AddRefusal why) { work.say(HtlcRefused{word.origin, word.channel_id, why}); };
  auto it = work.state.channels.find(word.channel_id);
  // [B2-shut-04]
  if (it == work.state.channels.end() || !it->second.usable()) return refuse(AddRefusal::NotUsable);
  auto& channel = it->second;
  wire::UpdateAddHtlc add;
  add.channel_id = channel.id;
  add.amount_msat = word.amount;
  add.payment_hash = word.payment_hash;
  add.cltv_expiry = word.cltv_expiry;
  add.onion_routing_packet = word.onion_routing_packet;
  add.path_key = word.path_key;  // [B2-add-08]
  add.hold_htlc = word.hold;
  auto offered = offer(channel.commitments, std::move(add), work.context.tip);
  if (!offered) return refuse(offered.error());

  auto id = offered->id;
  channel.offered[id] = {word.origin, word.hold, false};
  work.send(channel.peer, *std::move(offered));
  work.say(HtlcAdded{word.origin, channel.id, id});
  work.state.views.change(channel.id, [&](ChannelView& view) { view.offered_htlcs.insert(id); });
  note_proposed(work, channel);
}

FeeratePerKw feerate_now(const Work& work) {
  return std::max(work.state.feerate.value_or(work.context.config.default_feerate), work.context.config.feerate_floor);
}

void propose_fee(Work& work, Channel& channel) {  // [B2-fee-01, B2-shut-05]
  if (!channel.funder() || !channel.usable() || !work.state.feerate) return;
  auto wanted = feerate_now(work);
  // Small changes are not worth it: each costs a commitment round.
  auto now = signable_remote(channel.commitments).spec.feerate.value();
  if (wanted.value() <= now + now / 4 && wanted.value() + wanted.value() / 2 >= now) return;
  wire::UpdateFee update{channel.id, wanted};
  if (!propose(channel.commitments, update)) return;
  work.send(channel.peer, update);
  note_proposed(work, channel);
}

}  // namespace doze::channel
