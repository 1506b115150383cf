// Contexts of our own blinded paths, and the release paths of a holding node.
//
// Anybody can build a path to us: whatever a path_id says counts only if it carries our MAC.
#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "onion/route_blinding.h"
#include "wire/blinded_path.h"
#include "wire/numbers.h"

namespace doze::onion {

inline constexpr std::size_t kContextMacBytes = 16;
/// data ‖ MAC(key, purpose, data): a context of one purpose does not open as another.
[[nodiscard]] Bytes seal_context(const Secret& key, std::uint8_t purpose, ByteView data);
[[nodiscard]] std::optional<Bytes> open_context(const Secret& key, std::uint8_t purpose, ByteView path_id);

/// Names one held HTLC.
struct HeldHtlc {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  friend auto operator<=>(const HeldHtlc&, const HeldHtlc&) = default;
};
/// One path to ourselves in LDK's profile, two in the draft's (it asks for two): a pure function of its arguments, so
/// that a retransmitted revoke_and_ack carries the same. The session key covers the plaintext too: other contents never
/// meet the same key.
[[nodiscard]] std::vector<wire::BlindedPath> release_paths(const Secret& secret, const OwnNode& our_node,
                                                           const HeldHtlc& htlc, Profile profile);
[[nodiscard]] std::optional<HeldHtlc> read_release_context(const Secret& secret, ByteView path_id);

/// One hop: ourselves, with this path_id.
[[nodiscard]] std::optional<wire::BlindedPath> path_to_self(const PrivateKey& session_key, const OwnNode& our_node,
                                                            ByteView path_id);
/// Two hops: a peer that forwards to us, then ourselves.
[[nodiscard]] std::optional<wire::BlindedPath> path_through_peer(const PrivateKey& session_key, const NodeId& peer,
                                                                 const OwnNode& our_node, ByteView path_id);

}  // namespace doze::onion
