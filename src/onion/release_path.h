// The release paths of a holding node: an answer over one of them releases exactly its HTLC.
#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "onion/route_blinding.h"
#include "wire/blinded_path.h"
#include "wire/numbers.h"

namespace doze::onion {

/// Names one held HTLC.
struct HeldHtlc {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  friend auto operator<=>(const HeldHtlc&, const HeldHtlc&) = default;
};
/// Paths to ourselves: one in LDK's profile, two in the draft's, which asks for two. The function is pure, so that a
/// retransmitted revoke_and_ack has the same paths. The session key depends on the plaintext, so that one key never
/// encrypts two plaintexts.
[[nodiscard]] std::vector<wire::BlindedPath> release_paths(const Secret& secret, const OwnNode& our_node,
                                                           const HeldHtlc& htlc, Profile profile);
/// nullopt: the path_id is not one of a release path of ours.
[[nodiscard]] std::optional<HeldHtlc> read_release_context(const Secret& secret, ByteView path_id);

}  // namespace doze::onion
