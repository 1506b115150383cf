#include "wire/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/check.h"

namespace doze::wire {

namespace {
constexpr std::uint8_t kIpv4 = 1, kIpv6 = 2, kTorV2 = 3, kTorV3 = 4, kDns = 5;
constexpr char kBase32[] = "abcdefghijklmnopqrstuvwxyz234567";

std::string onion_text(const TorV3& key) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (auto byte : key) {
    bits = (bits << 8) | byte;
    held += 8;
    for (; held >= 5; held -= 5) out.push_back(kBase32[(bits >> (held - 5)) & 31]);
  }
  return out + ".onion";
}

std::optional<TorV3> parse_onion(std::string_view text) {
  if (text.size() != 62 || !text.ends_with(".onion")) return std::nullopt;
  TorV3 out{};
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t at = 0;
  for (char c : text.substr(0, 56)) {
    const auto* digit = std::find(kBase32, kBase32 + 32, c);
    if (digit == kBase32 + 32) return std::nullopt;
    bits = (bits << 5) | static_cast<std::uint32_t>(digit - kBase32);
    held += 5;
    if (held >= 8) {
      held -= 8;
      out[at++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  return out;
}

bool is_hostname(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}
}  // namespace

std::string NetworkAddress::host_text() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (const auto* v4 = std::get_if<Ipv4>(&host)) return inet_ntop(AF_INET, v4->data(), text, sizeof text);
  if (const auto* v6 = std::get_if<Ipv6>(&host)) return inet_ntop(AF_INET6, v6->data(), text, sizeof text);
  if (const auto* tor = std::get_if<TorV3>(&host)) return onion_text(*tor);
  return std::get<std::string>(host);
}

std::optional<NetworkAddress> parse_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5) return std::nullopt;
  std::uint32_t port = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port == 0 || port > 65535) return std::nullopt;
  std::string host(text.substr(0, colon));
  NetworkAddress out;
  out.port = static_cast<std::uint16_t>(port);
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  Ipv4 v4{};
  Ipv6 v6{};
  if (!bracketed && inet_pton(AF_INET, host.c_str(), v4.data()) == 1) {
    out.host = v4;
  } else if (bracketed && inet_pton(AF_INET6, host.c_str(), v6.data()) == 1) {
    out.host = v6;
  } else if (auto tor = parse_onion(host)) {
    out.host = *tor;
  } else if (!bracketed && is_hostname(host)) {
    out.host = host;
  } else {
    return std::nullopt;
  }
  return out;
}

std::string to_text(const NetworkAddress& address) {
  auto host = address.host_text();
  if (std::holds_alternative<Ipv6>(address.host)) host = "[" + host + "]";
  return host + ":" + std::to_string(address.port);
}

std::uint64_t network_of(std::string_view host_and_port) {
  auto parsed = parse_address(host_and_port);
  if (!parsed) return 0;
  auto first = [](const auto& bytes, std::size_t count, std::uint64_t kind) {
    auto out = kind;
    for (std::size_t i = 0; i < count; ++i) out = (out << 8) | bytes[i];
    return out;
  };
  if (const auto* v4 = std::get_if<Ipv4>(&parsed->host)) return first(*v4, 3, 4);
  if (const auto* v6 = std::get_if<Ipv6>(&parsed->host)) return first(*v6, 6, 6);
  return 0;
}

void write(Writer& out, const NetworkAddress& address) {
  if (const auto* v4 = std::get_if<Ipv4>(&address.host)) {
    out.u8(kIpv4).bytes(*v4);
  } else if (const auto* v6 = std::get_if<Ipv6>(&address.host)) {
    out.u8(kIpv6).bytes(*v6);
  } else if (const auto* tor = std::get_if<TorV3>(&address.host)) {
    out.u8(kTorV3).bytes(*tor);
  } else {
    const auto& name = std::get<std::string>(address.host);
    LN_ASSERT(name.size() <= 255);
    out.u8(kDns).u8(static_cast<std::uint8_t>(name.size())).bytes(bytes_of(name));
  }
  out.u16(address.port);
}

Bytes to_bytes(const std::vector<NetworkAddress>& addresses) {
  Writer out;
  for (const auto& address : addresses) write(out, address);
  return out.take();
}

Result<std::vector<NetworkAddress>, ParseError> read_addresses(ByteView bytes) {
  Reader in(bytes);
  std::vector<NetworkAddress> out;
  while (in.remaining() != 0) {
    NetworkAddress address;
    bool keep = true;
    switch (in.u8()) {
      case kIpv4:
        address.host = in.array<4>();
        break;
      case kIpv6:
        address.host = in.array<16>();
        break;
      case kTorV3:
        address.host = in.array<35>();
        break;
      case kTorV2:
        in.bytes(10);
        keep = false;
        break;
      case kDns: {
        auto name = in.bytes(in.u8());
        std::string text(name.begin(), name.end());
        keep = is_hostname(text);
        address.host = std::move(text);
        break;
      }
      default:
        return out;
    }
    address.port = in.u16();
    if (!in.ok()) return fail(ParseError{ParseCode::Truncated, in.at(), "address descriptor"});
    if (keep) out.push_back(std::move(address));
  }
  return out;
}

namespace {
/// RFC 6890 and its updates.
bool is_public_ipv4(const Ipv4& ip) {
  auto in = [&](std::uint32_t network, int bits) {
    std::uint32_t own = std::uint32_t{ip[0]} << 24 | std::uint32_t{ip[1]} << 16 | std::uint32_t{ip[2]} << 8 | ip[3];
    return (own ^ network) >> (32 - bits) == 0;
  };
  constexpr std::pair<std::uint32_t, int> kSpecial[] = {
      {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
      {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0a80000, 16}, {0xc6120000, 15},
      {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3}};
  return std::none_of(std::begin(kSpecial), std::end(kSpecial),
                      [&](const auto& special) { return in(special.first, special.second); });
}
/// Only 2000::/3 is given out; of that, no tunnels that lead to an IPv4 address, and no documentation.
bool is_public_ipv6(const Ipv6& ip) {
  if (ip[0] >> 5 != 1) return false;
  bool teredo_and_other = ip[0] == 0x20 && ip[1] == 0x01 && ip[2] < 2;
  bool documentation = ip[0] == 0x20 && ip[1] == 0x01 && ip[2] == 0x0d && ip[3] == 0xb8;
  bool six_to_four = ip[0] == 0x20 && ip[1] == 0x02;
  return !teredo_and_other && !documentation && !six_to_four;
}
}  // namespace

bool is_public(const NetworkAddress& address) {
  if (const auto* ip = std::get_if<Ipv4>(&address.host)) return is_public_ipv4(*ip);
  if (const auto* ip = std::get_if<Ipv6>(&address.host)) return is_public_ipv6(*ip);
  return std::holds_alternative<TorV3>(address.host);
}

}  // namespace doze::wire
