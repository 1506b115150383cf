// blinded_path as bytes: used by onion messages, offers, invoices and revoke_and_ack alike. BOLT 4, "Route Blinding".
#pragma once

#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"

namespace doze::wire {

/// An introduction node named by one of its channels: direction 0 is node_id_1 of the channel_announcement.
struct ScidDir {
  std::uint8_t direction = 0;
  ShortChannelId scid;
  friend bool operator==(const ScidDir&, const ScidDir&) = default;
};
using IntroductionNode = std::variant<NodeId, ScidDir>;

struct BlindedHop {
  PublicKey blinded_node_id;
  Bytes encrypted_recipient_data;
  friend bool operator==(const BlindedHop&, const BlindedHop&) = default;
};

struct BlindedPath {
  IntroductionNode first_node_id;
  PublicKey first_path_key;
  std::vector<BlindedHop> path;  // at least one
  friend bool operator==(const BlindedPath&, const BlindedPath&) = default;
};

/// BOLT 12 blinded_payinfo: fees and limits of a whole blinded payment path.
struct BlindedPayInfo {
  std::uint32_t fee_base_msat = 0;
  std::uint32_t fee_proportional_millionths = 0;
  std::uint16_t cltv_expiry_delta = 0;
  Msat htlc_minimum_msat;
  Msat htlc_maximum_msat;
  Bytes features;
  friend bool operator==(const BlindedPayInfo&, const BlindedPayInfo&) = default;
};

void write(Writer& out, const BlindedPath& path);
void write(Writer& out, const BlindedPayInfo& info);
/// Points are kept as bytes and only checked for a 02/03 prefix here (lazy: onion/ checks what it uses). Zero hops
/// refused.
[[nodiscard]] Result<BlindedPath, ParseError> read_blinded_path(Reader& in);
[[nodiscard]] Result<BlindedPayInfo, ParseError> read_blinded_payinfo(Reader& in);
/// Concatenated, no count, to the end of `in`.
[[nodiscard]] Result<std::vector<BlindedPath>, ParseError> read_blinded_paths(ByteView in);
[[nodiscard]] Bytes to_bytes(const BlindedPath& path);
[[nodiscard]] Bytes to_bytes(const std::vector<BlindedPath>& paths);

}  // namespace doze::wire
