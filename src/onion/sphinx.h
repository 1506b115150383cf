// Builds and peels onion packets. BOLT 4, "Packet Structure", "Onion Construction", "Onion Decryption".
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace doze::onion {

/// The nonce of every cipher in BOLT 4, where each key is used once.
inline constexpr std::array<std::uint8_t, 12> kZeroNonce{};

/// ECDH of our (perhaps tweaked) node key with a valid point: SHA256 of the compressed product.
using Ecdh = std::function<SharedSecret(const PublicKey&)>;
/// The same with our node key as it is (nullptr), or times the tweak.
using TweakedEcdh = std::function<SharedSecret(const PublicKey&, const Hash32* tweak)>;

inline constexpr std::size_t kPaymentPayloads = 1300;        // hop_payloads of a payment, and of a small onion message
inline constexpr std::size_t kLargeMessagePayloads = 32768;  // of a large onion message
/// Version, public key and HMAC around the payloads.
inline constexpr std::size_t kPacketOverhead = 1 + 33 + 32;

struct Hop {
  PublicKey node_id;  // or blinded node id
  Bytes payload;      // begins with its length as a BigSize
};

/// A packet for these hops. nullopt: the payloads do not fit into `payloads_size`, or a key is not a valid point.
[[nodiscard]] std::optional<Bytes> build_packet(const PrivateKey& session_key, const std::vector<Hop>& hops,
                                                ByteView associated_data, std::size_t payloads_size);
/// Bytes that a payload and its HMAC take.
[[nodiscard]] inline std::size_t room_of(ByteView payload_with_length) {
  return payload_with_length.size() + 32;
}
/// A TLV stream behind its length.
[[nodiscard]] Bytes with_length(ByteView tlv_stream);

enum class PeelError : std::uint8_t { BadVersion, BadKey, BadHmac, BadPayload };
/// invalid_onion_version, _key, _hmac or _payload. The first three have BADONION and go back with
/// update_fail_malformed_htlc. The last comes after a right HMAC and goes back encrypted, with update_fail_htlc.
[[nodiscard]] std::uint16_t failure_code(PeelError error);
[[nodiscard]] const char* name(PeelError error);
struct PeelRefusal {
  PeelError error;
  std::optional<SharedSecret> shared_secret;  // of BadPayload: the HMAC was right, and the failure can be encrypted
};

struct Peeled {
  Bytes payload;                     // TLV stream, without its length
  std::optional<Bytes> next_packet;  // nullopt: we are the last hop
  SharedSecret shared_secret;
};
/// Removes one layer. hop_payloads may have any length; nothing larger than the packet is allocated.
[[nodiscard]] Result<Peeled, PeelRefusal> peel(ByteView packet, ByteView associated_data, const Ecdh& ecdh);

/// Shared secrets of all hops, as the origin computes them. Empty: a key is not a valid point.
[[nodiscard]] std::vector<SharedSecret> shared_secrets(const PrivateKey& session_key,
                                                       const std::vector<PublicKey>& hops);
/// HMAC-SHA256(type, secret): "rho", "mu", "um", "ammag", "pad", "blinded_node_id".
[[nodiscard]] Hash32 generate_key(std::string_view type, ByteView secret);

}  // namespace doze::onion
