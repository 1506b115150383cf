// Where a node can be dialled. BOLT 7, "The node_announcement Message", address descriptors.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"

namespace doze::wire {

using Ipv4 = std::array<std::uint8_t, 4>;
using Ipv6 = std::array<std::uint8_t, 16>;
using TorV3 = std::array<std::uint8_t, 35>;

struct NetworkAddress {
  std::variant<Ipv4, Ipv6, TorV3, std::string> host;  // string: a DNS hostname, 255 ASCII characters at most
  std::uint16_t port = 0;
  friend bool operator==(const NetworkAddress&, const NetworkAddress&) = default;

  /// "127.0.0.1", "2001:db8::1", "….onion", "node.example"
  [[nodiscard]] std::string host_text() const;
};

/// "host:port", an IPv6 host in brackets; nullopt for anything else. A name that is no IP address becomes a DNS
/// hostname.
[[nodiscard]] std::optional<NetworkAddress> parse_address(std::string_view text);
[[nodiscard]] std::string to_text(const NetworkAddress& address);
/// Where somebody is, as far as it costs to be somewhere else: the first 24 bits of an IPv4 address, 48 of an IPv6 one.
/// 0: neither, all of them together.
[[nodiscard]] std::uint64_t network_of(std::string_view host_and_port);

/// Whether the internet has it in one place: no private, loopback, link-local, shared, multicast or reserved IP
/// address, and no DNS hostname, whose owner chooses anew each time what it leads to.
[[nodiscard]] bool is_public(const NetworkAddress& address);

void write(Writer& out, const NetworkAddress& address);  // descriptor type in front
[[nodiscard]] Bytes to_bytes(const std::vector<NetworkAddress>& addresses);
/// Stops without complaint at the first unknown type, as BOLT 7 asks: its length is unknown. Tor v2 is skipped.
[[nodiscard]] Result<std::vector<NetworkAddress>, ParseError> read_addresses(ByteView in);

}  // namespace doze::wire
