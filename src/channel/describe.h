// What others see of a channel.
#pragma once

#include "channel/state.h"

namespace doze::channel {

[[nodiscard]] ChannelView view_of(const Channel& channel, const Signer& signer);
/// What an update that is only proposed changes in the view: balances. Its HTLC, if it adds one, is there already.
void update_balances(ChannelView& view, const Channel& channel);
/// `closed`: also those that are over. A channel with outputs of ours that are unspent is never over.
void list_channels(Work& work, RequestId request, const command::ListChannels& command);
/// The short_channel_id that we give the peer for routes to us.
[[nodiscard]] ShortChannelId local_alias(const Signer& signer, const ChannelId& id);

}  // namespace doze::channel
