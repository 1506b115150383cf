// Blinded paths of our own: to ourselves, with a context that only we can have made.
//
// Anybody can build a path to us: whatever a path_id says counts only if it carries our MAC.
#pragma once

#include <optional>

#include "base/ids.h"
#include "onion/route_blinding.h"
#include "wire/blinded_path.h"

namespace doze::onion {

inline constexpr std::size_t kContextMacBytes = 16;
/// data ‖ MAC(key, purpose, data): a context of one purpose does not open as another.
[[nodiscard]] Bytes seal_context(const Secret& key, std::uint8_t purpose, ByteView data);
[[nodiscard]] std::optional<Bytes> open_context(const Secret& key, std::uint8_t purpose, ByteView path_id);

/// One hop: ourselves, with this path_id.
[[nodiscard]] std::optional<wire::BlindedPath> path_to_self(const PrivateKey& session_key, const OwnNode& our_node,
                                                            ByteView path_id);
/// Two hops: a peer that forwards to us, then ourselves.
[[nodiscard]] std::optional<wire::BlindedPath> path_through_peer(const PrivateKey& session_key, const NodeId& peer,
                                                                 const OwnNode& our_node, ByteView path_id);

}  // namespace doze::onion
