// Onion messages: built for a blinded path or a node, peeled at each hop. BOLT 4, "Onion Messages".
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "onion/message_contents.h"
#include "onion/route_blinding.h"
#include "wire/messages.h"

namespace doze::onion {

/// Layers for ourselves that we peel; more may be a loop. LDK writes up to 10 dummy hops.
inline constexpr std::size_t kMaxOwnLayers = 12;

struct FinalMessage {
  MessageContents contents;
  std::optional<wire::BlindedPath> reply_path;
};

/// `relays`: nodes from our peer to the one before the destination's introduction node; empty if that node is our peer.
/// `session_key` blinds our own part of the route, `onion_key` is the packet's. The message goes to `relays[0]`, or to
/// the introduction node. nullopt: a key is not a valid point, or the contents do not fit into the largest packet.
[[nodiscard]] std::optional<wire::OnionMessage> build_message(
    const PrivateKey& session_key, const PrivateKey& onion_key, const std::vector<NodeId>& relays,
    const NodeId& introduction, const wire::BlindedPath& destination, const FinalMessage& message);
/// A path to a node itself: one hop without path_id.
[[nodiscard]] std::optional<wire::BlindedPath> path_to_node(const PrivateKey& session_key, const NodeId& node);

/// The node that a relayed message goes to.
using NextNode = std::variant<NodeId, ShortChannelId>;
struct RelayMessage {
  NextNode next;
  wire::OnionMessage message;
};
struct ReceivedMessage {
  std::optional<Bytes> path_id;
  std::optional<wire::BlindedPath> reply_path;
  MessageContents contents;
};
enum class MessageRefusal : std::uint8_t {
  NotForUs,       // wrong path key or HMAC
  BadPayload,     // TLV rules, unknown even types
  NoContents,     // no contents of a type that we know
  TooManyLayers,  // more than kMaxOwnLayers for ourselves
};
[[nodiscard]] const char* name(MessageRefusal refusal);

/// Peels until the message is for another node or at its end. `is_us`: whether a next node or scid means this node.
[[nodiscard]] Result<std::variant<RelayMessage, ReceivedMessage>, MessageRefusal> peel_message(
    const wire::OnionMessage& message, const TweakedEcdh& ecdh, const std::function<bool(const NextNode&)>& is_us);

}  // namespace doze::onion
