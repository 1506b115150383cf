// The release paths of a holding node: whoever answers over one releases exactly its HTLC.
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
/// One path to ourselves in LDK's profile, two in the draft's (it asks for two): a pure function of its arguments, so
/// that a retransmitted revoke_and_ack carries the same. The session key covers the plaintext too: other contents never
/// meet the same key.
[[nodiscard]] std::vector<wire::BlindedPath> release_paths(const Secret& secret, const OwnNode& our_node,
                                                           const HeldHtlc& htlc, Profile profile);
[[nodiscard]] std::optional<HeldHtlc> read_release_context(const Secret& secret, ByteView path_id);

}  // namespace doze::onion
