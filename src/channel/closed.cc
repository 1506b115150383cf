#include "channel/closed.h"

#include <algorithm>
#include <utility>

#include "channel/htlc_log.h"
#include "channel/records.h"
#include "channel/rounds.h"
#include "channel/unclaimed.h"

namespace doze::channel {
namespace {

void forget(Work& work, const ChannelId& id) {
  erase_rows(work, work.state.channels.at(id));
  work.state.channels.erase(id);
  work.state.dirty.insert(id);
}

}  // namespace

void answer_close(Work& work, Channel& channel, const Txid& txid, const char* how) {
  for (auto request : channel.close_requests)
    work.say(Reply{request, Value()
                                .set("channel_id", channel.id.hex())
                                .set("closing_txid", bitcoin::txid_to_string(txid))
                                .set("how", how)});
  channel.close_requests.clear();
}

void end(Work& work, Channel& channel, std::string how) {
  channel.state = Closed{};
  channel.status = how;
  channel.held_back.reset();
  save(work, channel);
  erase_log(work, channel.id);
  say_if_usable(work, channel);
  for (auto request : std::exchange(channel.close_requests, {}))
    work.say(Reply{request, Value().set("channel_id", channel.id.hex()).set("how", how)});
  Fields facts{{"channel_id", channel.id.hex()}, {"peer", channel.peer.hex()}, {"how", how}};
  auto lost = sum(channel.unclaimed);
  if (lost > Sat(0)) facts.emplace_back("unclaimed_sat", lost.value());
  work.notify(lost > Sat(0) ? Severity::Error : Severity::Info, "channel_closed", std::move(facts));
  work.say(ChannelClosed{channel.id, channel.peer, std::move(how)});
}

void forget_oldest_closed(Work& work) {
  std::multimap<BlockHeight, ChannelId> closed;
  for (const auto& [id, channel] : work.state.channels)
    if (channel.over()) closed.emplace(channel.created_height, id);
  for (; closed.size() > kMaxClosedShown; closed.erase(closed.begin())) forget(work, closed.begin()->second);
}

void on_output_spent(Work& work, Channel& channel, std::uint32_t output) {  // [B5-gen-02]
  Sat gone;
  std::erase_if(channel.unclaimed, [&](const Unclaimed& item) {
    if (item.output != output) return false;
    gone += item.amount;
    return true;
  });
  save(work, channel);
  work.notify(Severity::Warning, "channel_output_spent",
              {{"channel_id", channel.id.hex()},
               {"amount_sat", gone.value()},
               {"unclaimed_sat", sum(channel.unclaimed).value()}});
}

void forget_unfunded(Work& work, const ChannelId& id, const char* how) {
  auto& channel = work.state.channels.at(id);
  if (!channel.is<Closed>()) end(work, channel, how);
  forget(work, id);
}

}  // namespace doze::channel
