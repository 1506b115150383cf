// What other machines, and people, see of a channel: the fields of listchannels come from its view.
#pragma once

#include "channel/state.h"

namespace doze::channel {

[[nodiscard]] ChannelView view_of(const Channel& channel, const Signer& signer);
/// Recomputes what can be sent and received, which a merely proposed update changes already.
void update_balances(ChannelView& view, const Channel& channel);
/// Answers listchannels: its fields are here. `closed`: also closed channels without money of ours.
void list_channels(Work& work, RequestId request, const command::ListChannels& command);
/// Our alias: the short_channel_id that we give the peer for routes to us.
[[nodiscard]] ShortChannelId local_alias(const Signer& signer, const ChannelId& id);

}  // namespace doze::channel
