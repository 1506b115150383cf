#include "channel/awaiting_ready.h"

#include "channel/announcing.h"
#include "channel/describe.h"
#include "channel/records.h"
#include "channel/shutting_down.h"
#include "crypto/crypto.h"

namespace doze::channel {

bool deep(const Channel& channel, BlockHeight tip, std::uint32_t depth) {
  return channel.confirmed() && tip.value() + 1 >= channel.funding_height.value() + depth;
}

void note_depth(Work& work, Channel& channel) {
  if (!channel.reorganised || !deep(channel, work.context.tip, channel.minimum_depth)) return;
  channel.reorganised = false;
  work.notify(Severity::Info, "funding_confirmed_again",
              {{"channel_id", channel.id.hex()}, {"height", channel.funding_height.value()}});
  work.state.dirty.insert(channel.id);
  say_if_usable(work, channel);
}

void note_depth_at_start(Work& work, Channel& channel) {
  channel.reorganised = channel.sent_ready && !deep(channel, work.context.tip, channel.minimum_depth);
}

wire::ChannelReady channel_ready(const Work& work, const Channel& channel) {
  return {channel.id, channel.signer->per_commitment_point(1), local_alias(work.context.signer, channel.id), {}};
}

void send_ready(Work& work, Channel& channel) {
  if (channel.talking() == nullptr || !channel.is<AwaitingReady>()) return;
  if (!channel.sent_ready && deep(channel, work.context.tip, channel.minimum_depth)) {  // [B2-ready-02, B2-ready-03]
    channel.sent_ready = true;
    save(work, channel);
    work.send(channel.peer, channel_ready(work, channel));
  }
  if (channel.ready()) {  // [B2-open-27]
    channel.state = Normal{};
    save(work, channel);
    work.notify(Severity::Info, "channel_open",
                {{"channel_id", channel.id.hex()},
                 {"peer", channel.peer.hex()},
                 {"capacity_sat", channel.params().capacity.value()}});
    say_if_usable(work, channel);
    work.say(ChannelNeedsUpdate{channel.id});
    announce(work, channel);
  }
}

bool may_rewrite(Channel& channel) {
  auto* session = channel.talking();
  if (session == nullptr || session->rewrites >= kMaxRewrites) return false;
  ++session->rewrites;
  return true;
}

void take_ready(Work& work, Channel& channel, const wire::ChannelReady& m) {
  if (!crypto::is_valid(m.second_per_commitment_point)) return react(work, channel, {Code::ReadyPointInvalid});
  bool alias_changed = m.short_channel_id && m.short_channel_id != channel.remote_alias;
  // Earlier aliases stay valid. So after many changes, the last one that we wrote is good enough.
  if (channel.got_ready && (!alias_changed || !may_rewrite(channel))) return;  // [B2-re-12]
  if (m.short_channel_id) channel.remote_alias = m.short_channel_id;
  if (!channel.got_ready) {
    channel.got_ready = true;
    channel.commitments.remote_next_point = m.second_per_commitment_point;
  }
  save(work, channel);
  send_ready(work, channel);
}

void on(Work& work, Channel& channel, AwaitingReady& /*state*/, const wire::Shutdown& message) {
  take_shutdown(work, channel, message);
}

void on(Work& work, Channel& channel, AwaitingReady& /*state*/, const wire::AnnouncementSignatures& message) {
  take_announcement(work, channel, message);
}

}  // namespace doze::channel
