// Keys behind an interface: synchronous today, perhaps a separate process later. No long-lived secret leaves it, except
// per-commitment secrets, which the protocol reveals. ADR 7.
#pragma once

#include <memory>

#include "base/ids.h"
#include "commitment/signer.h"

namespace doze {

/// Labels of derived secrets. Each use has its own, so that no context of one kind opens as one of another.
enum class SecretUse : std::uint8_t {
  ReleasePath = 1,      // L's release paths in revoke_and_ack
  PathContext = 2,      // path_id of our own blinded message paths
  PaymentContext = 3,   // path_id of our own blinded payment paths
  OfferIssuer = 4,      // issuer keys of our offers
  Payer = 5,            // payer keys of our invoice_requests
  InvitationToken = 6,  // binds a recipient to an invitation
  InvoicePreimage = 7,  // preimages of invoices that we issue
  ScidAlias = 8,
};

class Signer {
 public:
  virtual ~Signer() = default;
  [[nodiscard]] virtual const NodeId& node_id() const = 0;
  /// ECDH with the node key. BOLT 4 and 8. `point` must be valid.
  [[nodiscard]] virtual SharedSecret node_ecdh(const PublicKey& point) const = 0;
  /// node_ecdh with the node key multiplied by `tweak` (a blinded node id of ours). BOLT 4, "Route Blinding".
  [[nodiscard]] virtual SharedSecret node_ecdh_tweaked(const PublicKey& point, ByteView tweak) const = 0;
  /// (node key * scalar)·G: our own hop in a blinded path of ours. The scalar must be valid.
  [[nodiscard]] virtual PublicKey node_key_times(ByteView scalar) const = 0;
  /// ECDSA with the node key: gossip.
  [[nodiscard]] virtual Signature sign_with_node_key(const Hash32& digest) const = 0;
  [[nodiscard]] virtual Secret secret(SecretUse use) const = 0;
  /// The signer of one channel, by the key index that its record keeps.
  [[nodiscard]] virtual std::unique_ptr<commitment::ChannelSigner> channel(std::uint64_t key_index) const = 0;
  /// Wallet key at m/84'/coin'/0'/change/index.
  [[nodiscard]] virtual PublicKey wallet_key(bool change, std::uint32_t index) const = 0;
  [[nodiscard]] virtual Signature sign_with_wallet_key(bool change, std::uint32_t index,
                                                       const Hash32& digest) const = 0;
};

}  // namespace doze
