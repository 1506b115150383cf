// Blinded paths that end at this node, made from the views, and the contexts that our keys seal into them. Several
// machines need them.
#pragma once

#include <optional>
#include <vector>

#include "effects/context.h"
#include "offers/bolt11.h"
#include "onion/route_blinding.h"
#include "wire/blinded_path.h"

namespace doze {

/// This node as a hop of its own paths.
[[nodiscard]] onion::OwnNode own_node(const Signer& signer);
/// ECDH with our node key, for readers of onions. `signer` must live longer than the result.
[[nodiscard]] onion::TweakedEcdh own_ecdh(const Signer& signer);
/// A random private key, for sessions and ephemeral keys.
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

/// Up to `count` message paths to this node, with `path_id` in the last hop. An announced node returns one path, of
/// which it is the introduction node. Paths of an unannounced node begin at connected peers with onion_messages: first
/// those that are announced with an address in the graph, then peers with a channel; with `through` only at that peer.
/// If there is one such peer, and `count` is larger, several paths begin there, with different session keys. Empty:
/// there is no such peer.
[[nodiscard]] std::vector<wire::BlindedPath> message_paths_to_self(const Context& context, ByteView path_id,
                                                                   std::size_t count,
                                                                   const std::optional<NodeId>& through = std::nullopt);

struct PaymentPath {
  wire::BlindedPath path;
  wire::BlindedPayInfo payinfo;
};
/// Up to `count` payment paths to this node over usable channels whose peer's channel_update we have. The peer is the
/// introduction node, and this node the next and last hop. `max_cltv_expiry` goes into every hop's constraints;
/// payinfo's delta includes kFinalCltvDelta. Channels that cannot receive `amount` are left out; nullopt: none is.
[[nodiscard]] std::vector<PaymentPath> payment_paths_to_self(const Context& context, ByteView path_id,
                                                             std::size_t count, CltvExpiry max_cltv_expiry,
                                                             std::optional<Msat> amount);

/// Whether the graph has a channel of ours, so that payers find a route to us by themselves.
[[nodiscard]] bool has_public_channel(const Context& context);

/// A one-hop path for a node with a public channel: each payer finds its own route to it. nullopt: no public channel,
/// or no usable one that can receive `amount`. Not for static invoices: their first hop must be the LSP, which waits
/// for its client.
[[nodiscard]] std::optional<PaymentPath> payment_path_of_public_node(const Context& context, ByteView path_id,
                                                                     CltvExpiry max_cltv_expiry, Msat amount);

/// Up to `count` route hints for a BOLT 11 invoice, of one hop each: usable channels that can receive `amount` and
/// whose peer's channel_update we have, each by the short_channel_id that the peer knows. BOLT 11, "Tagged Fields" (r).
[[nodiscard]] std::vector<offers::bolt11::RouteHint> route_hints_to_self(const Context& context, std::size_t count,
                                                                         std::optional<Msat> amount);

/// The part of a payer's note that travels in the payment onion, so that the recipient stores no note before it is
/// paid. LDK cuts at the same length (lightning 0.2.7, offers/invoice_request.rs).
inline constexpr std::size_t kCarriedNoteBytes = 512;

/// The path_id of our own payment paths, sealed with SecretUse::PaymentContext: which offer is paid, under which terms.
struct PaymentContext {
  enum class Kind : std::uint8_t { StaticInvoice = 1, Invoice = 2 };
  Kind kind = Kind::Invoice;
  OfferId offer_id;
  UnixTime expiry;                       // of the invoice
  Msat amount;                           // Invoice: the amount that it asks for; StaticInvoice: 0
  std::array<std::uint8_t, 16> nonce{};  // Invoice: its preimage is invoice_preimage(secret, nonce)
  // Invoice: from the payer's request. The payment of a static invoice contains the request itself.
  std::optional<std::uint64_t> quantity;
  std::string payer_note;  // UTF-8; seal cuts it between two characters, at kCarriedNoteBytes
};
[[nodiscard]] Bytes seal(const Signer& signer, const PaymentContext& payment);
[[nodiscard]] std::optional<PaymentContext> open_payment_context(const Signer& signer, ByteView path_id);
/// The preimage of an ordinary invoice of ours, which therefore need not be stored before it is paid.
[[nodiscard]] Preimage invoice_preimage(const Signer& signer, const std::array<std::uint8_t, 16>& nonce);

/// Seal and open the path_id of a message path of ours.
[[nodiscard]] Bytes seal(const Signer& signer, PathPurpose purpose, ByteView data);
[[nodiscard]] std::optional<Bytes> open(const Signer& signer, PathPurpose purpose, ByteView path_id);

}  // namespace doze
