// From open_channel to funding_signed: nothing is durable but the counter of keys. BOLT 2, "Channel Establishment v1".
#pragma once

#include "channel/state.h"

namespace doze::channel {

void open(Work& work, const OpenChannelNow& word);
void on(Work& work, const NodeId& peer, const wire::OpenChannel& message);
void on(Work& work, const NodeId& peer, const wire::AcceptChannel& message);
void hear(Work& work, const FundingPrepared& word);
void hear(Work& work, const FundingFailed& word);
void on(Work& work, const NodeId& peer, const wire::FundingCreated& message);
void on(Work& work, const NodeId& peer, const wire::FundingSigned& message);
/// The key by value: callers name the one inside the entry that this erases.
void fail_opening(Work& work, OpeningKey key, const std::string& why, bool tell_peer);
/// Says that no channel of the sender's has this id. BOLT 1: an `error` about no channel would be about all of them.
void refuse_unknown(Work& work, const NodeId& peer, const ChannelId& id);

}  // namespace doze::channel
