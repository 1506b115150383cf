// The id of an HTLC: its channel, and its number among the HTLCs of one direction. As the key of a row it has 40 bytes.
#pragma once

#include <compare>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"

namespace doze {

struct HtlcKey {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  friend auto operator<=>(const HtlcKey&, const HtlcKey&) = default;
};
[[nodiscard]] inline Bytes key_of(const HtlcKey& htlc) {
  return Writer().bytes(htlc.channel_id.view()).u64(htlc.htlc_id).take();
}
/// nullopt: these bytes are not such a key.
[[nodiscard]] inline std::optional<HtlcKey> read_htlc_key(ByteView bytes) {
  Reader in(bytes);
  HtlcKey out;
  out.channel_id.bytes = in.array<32>();
  out.htlc_id = in.u64();
  return in.done() ? std::optional(out) : std::nullopt;
}

}  // namespace doze
