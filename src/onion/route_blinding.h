// Blinded paths: made by the recipient, unwrapped hop by hop. BOLT 4, "Route Blinding".
#pragma once

#include <optional>
#include <vector>

#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "onion/sphinx.h"
#include "wire/blinded_path.h"

namespace doze::onion {

struct PaymentRelay {
  CltvDelta cltv_expiry_delta;  // 16 bits on the wire
  std::uint32_t fee_proportional_millionths = 0;
  Msat fee_base_msat;  // 32 bits on the wire
  friend bool operator==(const PaymentRelay&, const PaymentRelay&) = default;
};
struct PaymentConstraints {
  CltvExpiry max_cltv_expiry;
  Msat htlc_minimum_msat;
  friend bool operator==(const PaymentConstraints&, const PaymentConstraints&) = default;
};
/// The decrypted encrypted_data_tlv.
struct RecipientData {
  std::size_t padding = 0;
  std::optional<ShortChannelId> short_channel_id;
  std::optional<NodeId> next_node_id;
  std::optional<Bytes> path_id;
  std::optional<PublicKey> next_path_key_override;
  std::optional<PaymentRelay> payment_relay;
  std::optional<PaymentConstraints> payment_constraints;
  std::optional<Bytes> allowed_features;

  /// allowed_features has a bit, even or odd. We know none, so such a path is not for us.
  [[nodiscard]] bool needs_features() const;
  /// Two names for the next hop. A payment with them fails; for an onion message the node id counts (BOLT 4).
  [[nodiscard]] bool names_next_twice() const { return short_channel_id && next_node_id; }
};
[[nodiscard]] Bytes encode(const RecipientData& data);
[[nodiscard]] Result<RecipientData, ParseError> decode_recipient_data(ByteView tlv_stream);

struct BlindHop {
  NodeId node_id;
  Bytes data;  // encrypted_data_tlv
};
/// Ourselves as a hop of a path. With the node key at hand, both products of that hop are multiples of the generator:
/// this costs half as much as multiplying points, and takes constant time.
struct OwnNode {
  OwnNode(const NodeId& node_id = {}) : id(node_id) {}
  NodeId id;
  std::function<PublicKey(ByteView scalar)> key_times;  // (node key * scalar)·G; empty: the key is not at hand
};
/// `session_key` must be random, or a function of the contents. nullopt: no hop, or a key is not a valid point.
[[nodiscard]] std::optional<wire::BlindedPath> blind(const PrivateKey& session_key, const std::vector<BlindHop>& hops,
                                                     const OwnNode& own = {});

struct Unblinded {
  Bytes data;    // encrypted_data_tlv
  Hash32 tweak;  // our node key times this is the blinded private key: for peeling the onion
  PublicKey path_key;
  SharedSecret secret;
  /// The path key for the next node; `decoded` may override it. It costs a multiplication, which only forwarding needs.
  [[nodiscard]] PublicKey next_path_key() const;
  [[nodiscard]] PublicKey next_path_key(const RecipientData& decoded) const {
    return decoded.next_path_key_override ? *decoded.next_path_key_override : next_path_key();
  }
};
/// nullopt: the data is not encrypted for us with this path key.
[[nodiscard]] std::optional<Unblinded> unblind(const PublicKey& path_key, ByteView encrypted, const Ecdh& ecdh);

/// Amount and expiry that we forward of an incoming HTLC under payment_relay: BOLT 4's formula, which rounds up in the
/// payer's favour. nullopt: the amount does not cover the fee, or the expiry does not cover the delta.
struct Relayed {
  Msat amount;
  CltvExpiry expiry;
};
[[nodiscard]] std::optional<Relayed> relay(const PaymentRelay& relay, Msat amount, CltvExpiry expiry);
/// The sum of all fees and deltas, and of `final_delta`, as a blinded_payinfo. nullopt: it does not fit into the
/// fields. The caller sets minimum and maximum.
[[nodiscard]] std::optional<wire::BlindedPayInfo> aggregate(const std::vector<PaymentRelay>& relays,
                                                            CltvDelta final_delta);

}  // namespace doze::onion
