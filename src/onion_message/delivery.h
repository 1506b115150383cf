// Mail on its way to a client: durable first, erased when a pong proves that it was handled. A batch that is due is
// read from disk (ReadRows, RowsRead), and messages erased meanwhile are not sent.
#pragma once

#include "onion_message/state.h"

namespace doze::onion_message {

/// The client is connected: its mail is delivered as soon as its channels are usable.
void open_session(Work& work, const NodeId& client);
void end_session(Work& work, const NodeId& client);
/// Asks for the next batch, if there is any and the client may have it.
void deliver(Work& work, const NodeId& client, Session& session);
void hear(Work& work, const ChannelUsable& word);
void hear(Work& work, const RowsRead& word);
/// Pongs of a client.
void gossip_seen(Work& work, const NodeId& client);
void mail_seen(Work& work, const NodeId& client, const MailSeen& seen);
void session_deadlines(Work& work);

}  // namespace doze::onion_message
