// Blinded paths to ourselves, and their contexts: the path_ids that only we can have made.
//
// Anybody can build a path to us with any path_id. So what a path_id says counts only if it has our MAC.
#pragma once

#include <optional>

#include "base/ids.h"
#include "onion/route_blinding.h"
#include "wire/blinded_path.h"

namespace doze::onion {

inline constexpr std::size_t kContextMacBytes = 16;
/// data ‖ MAC(key, purpose, data). A context of one purpose does not open as one of another. open_context returns data.
[[nodiscard]] Bytes seal_context(const Secret& key, std::uint8_t purpose, ByteView data);
[[nodiscard]] std::optional<Bytes> open_context(const Secret& key, std::uint8_t purpose, ByteView path_id);

/// One hop: ourselves, with this path_id.
[[nodiscard]] std::optional<wire::BlindedPath> path_to_self(const PrivateKey& session_key, const OwnNode& our_node,
                                                            ByteView path_id);
/// Two hops: a peer that forwards to us, then ourselves.
[[nodiscard]] std::optional<wire::BlindedPath> path_through_peer(const PrivateKey& session_key, const NodeId& peer,
                                                                 const OwnNode& our_node, ByteView path_id);

}  // namespace doze::onion
