// Blinded paths that end at ourselves, built from what the views show, and what our keys seal into them. Machines need
// them, and no machine owns them.
#pragma once

#include <optional>
#include <vector>

#include "effects/context.h"
#include "offers/bolt11.h"
#include "onion/route_blinding.h"
#include "wire/blinded_path.h"

namespace doze {

/// Ourselves as a hop of our own paths.
[[nodiscard]] onion::OwnNode own_node(const Signer& signer);
/// ECDH with our node key, as readers of onions need it. `signer` outlives it.
[[nodiscard]] onion::TweakedEcdh own_ecdh(const Signer& signer);
/// A random private key: session keys, ephemeral keys.
[[nodiscard]] PrivateKey fresh_key(Rng& rng);

/// Purposes of the contexts in our own blinded message paths (onion::seal_context with SecretUse::PathContext).
enum class PathPurpose : std::uint8_t {
  InvoiceRequestReply = 1,  // payer: payment_id
  Offer = 2,                // issuer of an ordinary offer
  ServedOffer = 3,          // static-invoice server: recipient, slot, expiry
  ServerPath = 4,           // static-invoice server, handed out in an invitation: invitation id
  ServeStaticInvoice = 5,   // static-invoice server: recipient, slot, expiry
  OfferPathsReply = 6,      // recipient: slot, expiry
  PersistedReply = 7,       // recipient: offer id, invoice created_at
  HeldHtlcAvailable = 8,    // recipient, in its static invoice: expiry, offer id (until 4887d87: expiry only)
  ReleaseReply = 9,         // payer that stays online: payment_id
  ForwardedRequest = 10,    // recipient: where the server forwards invoice_requests to
};

/// Up to `count` message paths to ourselves whose last hop carries `path_id`. An announced node gives one path with
/// itself as the introduction node. An unannounced one starts each path at a connected peer with onion_messages:
/// announced peers with an address in the graph first, then channel peers; `through` restricts it to one peer. Where
/// there is one such peer and `count` is larger, several paths over that peer (with different session keys). Empty: no
/// peer to start at.
[[nodiscard]] std::vector<wire::BlindedPath> message_paths_to_self(const Context& context, ByteView path_id,
                                                                   std::size_t count,
                                                                   const std::optional<NodeId>& through = std::nullopt);

struct PaymentPath {
  wire::BlindedPath path;
  wire::BlindedPayInfo payinfo;
};
/// Up to `count` payment paths to ourselves over usable channels whose peer's channel_update we have: introduction node
/// = the peer, one hop, then us. `minimum`: the smallest HTLC that we take; `max_cltv_expiry` goes into every hop's
/// constraints; kFinalCltvDelta is inside payinfo's delta. `amount`: leave out channels that cannot receive it;
/// nullopt: no such filter.
[[nodiscard]] std::vector<PaymentPath> payment_paths_to_self(const Context& context, ByteView path_id,
                                                             std::size_t count, CltvExpiry max_cltv_expiry,
                                                             std::optional<Msat> amount);

/// Whether payers find a way to us by themselves: the graph has a channel of ours.
[[nodiscard]] bool has_public_channel(const Context& context);

/// Such a node's path that is only itself: each payer comes its own way, a neighbour over its own channel. nullopt: no
/// public channel, or no usable one that can receive `amount`. Not for static invoices: who waits for a client is its
/// LSP, which therefore stands in front.
[[nodiscard]] std::optional<PaymentPath> payment_path_of_public_node(const Context& context, ByteView path_id,
                                                                     CltvExpiry max_cltv_expiry, Msat amount);

/// Up to `count` ways to us for an invoice of BOLT 11, one hop each: usable channels whose peer's channel_update we
/// have, under the name that the peer knows; those that can receive `amount` only. BOLT 11, "Tagged Fields" (r).
[[nodiscard]] std::vector<offers::bolt11::RouteHint> route_hints_to_self(const Context& context, std::size_t count,
                                                                         std::optional<Msat> amount);

/// As much of a payer's note travels in the payment onion with the HTLC that pays for it, so that a note costs a
/// recipient nothing before it is paid for. LDK cuts at the same length (lightning 0.2.7, offers/invoice_request.rs).
inline constexpr std::size_t kCarriedNoteBytes = 512;

/// What our own payment paths carry as path_id, sealed with SecretUse::PaymentContext: which offer, under which terms.
struct PaymentContext {
  enum class Kind : std::uint8_t { StaticInvoice = 1, Invoice = 2 };
  Kind kind = Kind::Invoice;
  OfferId offer_id;
  UnixTime expiry;                       // of the invoice
  Msat amount;                           // Invoice: what it asks; StaticInvoice: 0
  std::array<std::uint8_t, 16> nonce{};  // Invoice: its preimage is invoice_preimage(secret, nonce)
  // Invoice: what the payer said in its request. A static invoice is paid with the request itself.
  std::optional<std::uint64_t> quantity;
  std::string payer_note;  // UTF-8, kCarriedNoteBytes at most: seal cuts it between two characters
};
[[nodiscard]] Bytes seal(const Signer& signer, const PaymentContext& payment);
[[nodiscard]] std::optional<PaymentContext> open_payment_context(const Signer& signer, ByteView path_id);
/// The preimage of an ordinary invoice of ours: nothing to store until it is paid.
[[nodiscard]] Preimage invoice_preimage(const Signer& signer, const std::array<std::uint8_t, 16>& nonce);

/// seal / open a path_id of one of our message paths.
[[nodiscard]] Bytes seal(const Signer& signer, PathPurpose purpose, ByteView data);
[[nodiscard]] std::optional<Bytes> open(const Signer& signer, PathPurpose purpose, ByteView path_id);

}  // namespace doze
