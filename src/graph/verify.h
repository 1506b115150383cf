// Signatures of the three gossip messages, over the message as it stood on the wire. BOLT 7.
//
// `message` is the whole message, its two type bytes included. Fields that we do not know are covered by the
// signatures, so a decoded and encoded message is not good enough. Cost: four ECDSA verifications for a
// channel_announcement, one for the others: independent of the graph, so they can run in parallel.
#pragma once

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "wire/messages.h"

namespace doze::graph {

/// What the signatures sign: SHA256d of everything behind the signature fields. nullopt if the message is too short.
[[nodiscard]] std::optional<Hash32> channel_announcement_digest(ByteView message);
[[nodiscard]] std::optional<Hash32> channel_update_digest(ByteView message);
[[nodiscard]] std::optional<Hash32> node_announcement_digest(ByteView message);

/// BadSignature with `where` = 1 to 4 (node_signature_1, node_signature_2, bitcoin_signature_1, bitcoin_signature_2).
[[nodiscard]] Status<ParseError> verify_channel_announcement(const wire::ChannelAnnouncement& announcement,
                                                             ByteView message);
/// `node_id`: of the side that `channel_flags` names, from the channel_announcement or, for our own channels, the peer.
[[nodiscard]] Status<ParseError> verify_channel_update(const wire::ChannelUpdate& update, ByteView message,
                                                       const NodeId& node_id);
[[nodiscard]] Status<ParseError> verify_node_announcement(const wire::NodeAnnouncement& announcement, ByteView message);

}  // namespace doze::graph
