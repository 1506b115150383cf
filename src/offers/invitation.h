// Invitations of a static-invoice server: how a recipient reaches it, and how the server recognises it. Our own format,
// since no BOLT or bLIP has one, and LDK's raw one.
//
// `lnai1…` is bech32 without a checksum, as in BOLT 12, over a TLV stream:
//   2 server node_id | 4 addresses (BOLT 7 descriptors) | 6 blinded paths | 8 profile (u8: 0 LDK's, 1 the draft's) |
//   10 absolute expiry (tu64) | 12 token
// 2, 6 and 8 are required. Raw: hex of a u16 count and as many blinded paths, nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "wire/address.h"
#include "wire/blinded_path.h"
#include "wire/numbers.h"

namespace doze::offers {

inline constexpr std::string_view kInvitationPrefix = "lnai";
/// A token names an invitation: a few dozen bytes are plenty, and the text should fit a QR code.
inline constexpr std::size_t kMaxTokenBytes = 256;
/// LDK hands out one to three server paths.
inline constexpr std::size_t kMaxServerPaths = 16;

struct Invitation {
  /// Raw form: the introduction node of the first path, nullopt where that is named by a channel.
  std::optional<NodeId> server;
  std::vector<wire::NetworkAddress> addresses;
  std::vector<wire::BlindedPath> paths;  // at least one
  Profile profile = Profile::Ldk;
  std::optional<UnixTime> absolute_expiry;
  Bytes token;
  bool raw = false;
  friend bool operator==(const Invitation&, const Invitation&) = default;

  /// Either form; a raw one has LDK's profile. Keeps no unknown records.
  [[nodiscard]] static Result<Invitation, ParseError> parse(std::string_view text);
  /// `lnai1…`; `server` must be set (aborts otherwise).
  [[nodiscard]] std::string text() const;
  /// Only the paths, as LDK's bindings take them.
  [[nodiscard]] std::string raw_text() const;
  [[nodiscard]] bool expired(UnixTime now) const { return absolute_expiry && now > *absolute_expiry; }
};

}  // namespace doze::offers
