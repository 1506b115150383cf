// From open_channel to funding_signed. Only the counter of keys is durable. BOLT 2, "Channel Establishment v1".
#pragma once

#include "channel/state.h"

namespace doze::channel {

void open(Work& work, const OpenChannelNow& word);
void on(Work& work, const NodeId& peer, const wire::OpenChannel& message);
void on(Work& work, const NodeId& peer, const wire::AcceptChannel& message);
void on(Work& work, const FundingPrepared& word);
void on(Work& work, const FundingFailed& word);
void on(Work& work, const NodeId& peer, const wire::FundingCreated& message);
void on(Work& work, const NodeId& peer, const wire::FundingSigned& message);
/// Takes the key by value, because callers may pass the one in the entry that this erases.
void fail_opening(Work& work, OpeningKey key, const std::string& why, bool tell_peer);
/// Answers with an `error` that the peer has no channel with this id. For a zero id with a `warning`, because an error
/// without an id means all channels (BOLT 1).
void refuse_unknown(Work& work, const NodeId& peer, const ChannelId& id);

}  // namespace doze::channel
