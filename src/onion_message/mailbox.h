// Mail for sleeping clients, and how much of it is kept. The messages are on disk only.
#pragma once

#include "onion_message/state.h"

namespace doze::onion_message {

[[nodiscard]] bool keeps_mail_for(const Work& work, const NodeId& node);
/// Invited, or with a private channel: a phone or a laptop. A peer with announced channels only is a server like us.
[[nodiscard]] bool sleeps(const Work& work, const NodeId& node);
/// False: it was not kept, because there is no room.
bool park(Work& work, const NodeId& client, const NodeId& source, const wire::OnionMessage& message);
/// After loading: only the views tell which sources are strangers.
void classify_mail(Work& work);
/// Too old, or for a node that is no longer a client.
void drop_old_mail(Work& work);
/// Does nothing if it is not in the mailbox.
void erase(Work& work, const NodeId& client, Mailbox& mailbox, std::uint64_t sequence);

void list_mailboxes(Work& work, RequestId request, const command::Page& page);

}  // namespace doze::onion_message
