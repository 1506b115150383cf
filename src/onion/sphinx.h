// Onion packets: built and peeled. BOLT 4, "Packet Structure", "Onion Construction", "Onion Decryption".
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace doze::onion {

/// Of every cipher of BOLT 4: each key there is used once.
inline constexpr std::array<std::uint8_t, 12> kZeroNonce{};

/// ECDH of our (perhaps tweaked) node key with a valid point: SHA256 of the compressed product.
using Ecdh = std::function<SharedSecret(const PublicKey&)>;
/// The same with our node key as it is (nullptr), or times the tweak.
using TweakedEcdh = std::function<SharedSecret(const PublicKey&, const Hash32* tweak)>;

inline constexpr std::size_t kPaymentPayloads = 1300;        // hop_payloads of a payment, and of a small onion message
inline constexpr std::size_t kLargeMessagePayloads = 32768;  // of a large onion message
/// version, public key and HMAC around the payloads.
inline constexpr std::size_t kPacketOverhead = 1 + 33 + 32;

struct Hop {
  PublicKey node_id;  // or blinded node id
  Bytes payload;      // with its BigSize length in front
};

/// A packet for these hops. nullopt if the payloads do not fit into `payloads_size` or a key is no point.
[[nodiscard]] std::optional<Bytes> build_packet(const PrivateKey& session_key, const std::vector<Hop>& hops,
                                                ByteView associated_data, std::size_t payloads_size);
/// Bytes that a payload takes: itself and its HMAC.
[[nodiscard]] inline std::size_t room_of(ByteView payload_with_length) {
  return payload_with_length.size() + 32;
}
/// A TLV stream with its length in front.
[[nodiscard]] Bytes with_length(ByteView tlv_stream);

enum class PeelError : std::uint8_t { BadVersion, BadKey, BadHmac, BadPayload };
/// invalid_onion_version, _key, _hmac or _payload. All but the last have BADONION and are what
/// update_fail_malformed_htlc says; behind a right HMAC a failure goes back encrypted, in update_fail_htlc.
[[nodiscard]] std::uint16_t failure_code(PeelError error);
[[nodiscard]] const char* name(PeelError error);
struct PeelRefusal {
  PeelError error;
  std::optional<SharedSecret> shared_secret;  // BadPayload: the HMAC was right, and the failure can be encrypted
};

struct Peeled {
  Bytes payload;                     // TLV stream, without its length
  std::optional<Bytes> next_packet;  // nullopt: we are the last hop
  SharedSecret shared_secret;
};
/// Takes one layer off. Any length of hop_payloads is accepted; nothing larger than the packet is allocated.
[[nodiscard]] Result<Peeled, PeelRefusal> peel(ByteView packet, ByteView associated_data, const Ecdh& ecdh);

/// Shared secrets of all hops, as the origin computes them. Empty if a key is no point.
[[nodiscard]] std::vector<SharedSecret> shared_secrets(const PrivateKey& session_key,
                                                       const std::vector<PublicKey>& hops);
/// HMAC-SHA256(type, secret): "rho", "mu", "um", "ammag", "pad", "blinded_node_id".
[[nodiscard]] Hash32 generate_key(std::string_view type, ByteView secret);

}  // namespace doze::onion
