#include "onion/sphinx.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "wire/tlv.h"

namespace doze::onion {

namespace {

void xor_stream(std::span<std::uint8_t> data, const Hash32& key, std::size_t skip = 0) {
  crypto::chacha20_xor(key.view(), kZeroNonce, data, skip);
}

struct Keys {
  SharedSecret secret;
  PublicKey ephemeral;
};

std::vector<Keys> derive(const PrivateKey& session_key, const std::vector<PublicKey>& hops) {
  std::vector<Keys> out;
  auto ephemeral = session_key;
  for (const auto& hop : hops) {
    if (!crypto::is_valid(hop)) return {};
    auto point = crypto::public_key(ephemeral);
    auto secret = crypto::ecdh(ephemeral, hop);
    auto factor = crypto::sha256({point.view(), secret.reveal()});
    auto next = crypto::tweak_mul(ephemeral, factor.view());
    if (!next) return {};
    ephemeral = *next;
    out.push_back({secret, point});
  }
  return out;
}

/// The zero padding that hops add, as it arrives at the last hop.
Bytes filler(const std::vector<Hop>& hops, const std::vector<Keys>& keys, std::size_t payloads_size) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hops.size(); ++i) {
    auto start = payloads_size - out.size();
    out.resize(out.size() + room_of(hops[i].payload));
    xor_stream(out, generate_key("rho", keys[i].secret.reveal()), start);
  }
  return out;
}
}  // namespace

Hash32 generate_key(std::string_view type, ByteView secret) {
  static const std::pair<std::string_view, crypto::HmacSha256> kTypes[] = {
      {"rho", crypto::HmacSha256(bytes_of("rho"))},
      {"mu", crypto::HmacSha256(bytes_of("mu"))},
      {"um", crypto::HmacSha256(bytes_of("um"))},
      {"pad", crypto::HmacSha256(bytes_of("pad"))},
      {"ammag", crypto::HmacSha256(bytes_of("ammag"))},
      {"blinded_node_id", crypto::HmacSha256(bytes_of("blinded_node_id"))},
  };
  for (const auto& [name, hmac] : kTypes)
    if (name == type) return hmac.of({secret});
  return crypto::hmac_sha256(bytes_of(type), secret);
}

std::vector<SharedSecret> shared_secrets(const PrivateKey& session_key, const std::vector<PublicKey>& hops) {
  std::vector<SharedSecret> out;
  for (const auto& keys : derive(session_key, hops)) out.push_back(keys.secret);
  return out;
}

Bytes with_length(ByteView tlv_stream) {
  Writer out;
  wire::write_bigsize(out, tlv_stream.size());
  return out.bytes(tlv_stream).take();
}

std::optional<Bytes> build_packet(const PrivateKey& session_key, const std::vector<Hop>& hops, ByteView associated_data,
                                  std::size_t payloads_size) {
  std::size_t room = 0;
  std::vector<PublicKey> ids;
  for (const auto& hop : hops) {
    room += room_of(hop.payload);
    ids.push_back(hop.node_id);
  }
  if (hops.empty() || room > payloads_size) return std::nullopt;
  auto keys = derive(session_key, ids);
  if (keys.size() != hops.size()) return std::nullopt;

  auto tail = filler(hops, keys, payloads_size);
  // The payloads begin as a key stream, so that the last hop cannot see how long the route is.
  auto payloads = crypto::chacha20_stream(generate_key("pad", session_key.reveal()).view(), kZeroNonce, payloads_size);
  Hash32 hmac;
  for (std::size_t i = hops.size(); i-- > 0;) {
    const auto& payload = hops[i].payload;
    auto shift = static_cast<std::ptrdiff_t>(room_of(payload));
    std::move_backward(payloads.begin(), payloads.end() - shift, payloads.end());
    std::copy(payload.begin(), payload.end(), payloads.begin());
    std::copy(hmac.bytes.begin(), hmac.bytes.end(), payloads.begin() + static_cast<std::ptrdiff_t>(payload.size()));
    xor_stream(payloads, generate_key("rho", keys[i].secret.reveal()));
    if (i + 1 == hops.size())
      std::copy(tail.begin(), tail.end(), payloads.end() - static_cast<std::ptrdiff_t>(tail.size()));
    hmac = crypto::hmac_sha256(generate_key("mu", keys[i].secret.reveal()).view(), {payloads, associated_data});
  }
  return Writer().u8(0).bytes(keys[0].ephemeral.view()).bytes(payloads).bytes(hmac.view()).take();
}

std::uint16_t failure_code(PeelError error) {
  switch (error) {
    case PeelError::BadVersion:
      return 0xc004;
    case PeelError::BadHmac:
      return 0xc005;
    case PeelError::BadKey:
      return 0xc006;
    case PeelError::BadPayload:
      return 0x4016;
  }
  return 0xc005;
}

const char* name(PeelError error) {
  switch (error) {
    case PeelError::BadVersion:
      return "unknown onion version";
    case PeelError::BadHmac:
      return "bad onion HMAC";
    case PeelError::BadKey:
      return "the onion's public key is not a valid point";
    case PeelError::BadPayload:
      return "unreadable onion payload";
  }
  return "unknown";
}

Result<Peeled, PeelRefusal> peel(ByteView packet, ByteView associated_data, const Ecdh& ecdh) {
  if (packet.size() <= kPacketOverhead) return fail(PeelRefusal{PeelError::BadHmac, std::nullopt});
  if (packet[0] != 0) return fail(PeelRefusal{PeelError::BadVersion, std::nullopt});  // [B4-peel-01]
  auto point = crypto::parse_point(packet.subspan(1, 33));
  if (!point) return fail(PeelRefusal{PeelError::BadKey, std::nullopt});  // [B4-peel-01]
  auto size = packet.size() - kPacketOverhead;
  auto body = packet.subspan(34, size);
  auto secret = ecdh(*point);
  auto expected = crypto::hmac_sha256(generate_key("mu", secret.reveal()).view(), {body, associated_data});
  if (!crypto::equal_constant_time(expected.view(), packet.subspan(34 + size)))  // [B4-peel-03]
    return fail(PeelRefusal{PeelError::BadHmac, std::nullopt});

  auto rho = generate_key("rho", secret.reveal());
  Bytes clear(body.begin(), body.end());
  xor_stream(clear, rho);
  Reader in(clear);
  auto length = wire::read_bigsize(in);
  // Lengths 0 and 1 meant the old payloads of a fixed size.
  if (!in.ok() || length < 2 || in.remaining() < 32 || length > in.remaining() - 32)  // [B4-peel-04]
    return fail(PeelRefusal{PeelError::BadPayload, secret});

  Peeled out;
  out.payload = to_bytes(in.bytes(static_cast<std::size_t>(length)));
  auto hmac = Hash32::from(in.bytes(32));
  if (!in.ok() || !hmac) return fail(PeelRefusal{PeelError::BadPayload, secret});
  out.shared_secret = secret;
  if (hmac->is_zero()) return out;

  auto factor = crypto::sha256({point->view(), secret.reveal()});
  auto next = crypto::tweak_mul(*point, factor.view());
  if (!next) return fail(PeelRefusal{PeelError::BadKey, std::nullopt});
  // The bytes that were removed at the front are replaced by key stream at the end.
  Bytes packet_out(packet.size());  // [B4-peel-05]
  auto end = std::copy(next->bytes.begin(), next->bytes.end(), packet_out.begin() + 1);
  end = std::copy(clear.begin() + static_cast<std::ptrdiff_t>(in.at()), clear.end(), end);
  xor_stream(std::span(packet_out).subspan(34 + size - in.at(), in.at()), rho, size);
  std::copy(hmac->bytes.begin(), hmac->bytes.end(), packet_out.end() - 32);
  out.next_packet = std::move(packet_out);
  return out;
}

}  // namespace doze::onion
