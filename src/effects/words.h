// The messages between machines ("words"). A machine's step returns Effects; node/ routes each word to the machine that
// its comment names, within the same step and the same durable batch. So a word is handled exactly once, even across
// crashes. Words never leave the process.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/variant.h"
#include "commitment/commitments.h"
#include "effects/io.h"
#include "offers/offer.h"
#include "onion/failures.h"
#include "onion/htlc_onion.h"
#include "onion/message_contents.h"
#include "wire/blinded_path.h"
#include "wire/messages.h"

namespace doze {

// ======== peer ========
/// To peer: send a message to a connected peer. Dropped if the peer is not connected; the sender repeats it at
/// PeerReady if it still matters.
struct SendMessage {
  NodeId node_id;
  wire::Message message;
};
/// To peer: send a ping. PongReceived{token} follows when the peer has handled everything sent before it.
struct PingPeer {
  NodeId node_id;
  std::uint64_t token = 0;  // the asking machine's own, made with make_tag (tags.h)
};
/// To peer: close the connection, after what was sent before.
struct DropPeer {
  NodeId node_id;
  std::string reason;
};
/// To peer: connect to these addresses or to the known ones, if not connected. `keep`: reconnect automatically from now
/// on.
struct WantPeer {
  NodeId node_id;
  std::vector<wire::NetworkAddress> addresses;  // empty: from memory, then from the graph
  bool keep = false;
};
/// From peer, to channel, gossip, onion_message, invoicing, forwarding: init was exchanged.
struct PeerReady {
  NodeId node_id;
};
struct PeerGone {
  NodeId node_id;
};
/// From peer, to onion_message: dialling for a WantPeer failed at all addresses, or no address is known.
struct PeerUnreachable {
  NodeId node_id;
  std::string reason;
};
/// From peer, routed by the message's type (hearers.h): one decoded message. Never Init, Ping or Pong, which peer
/// handles.
struct MessageReceived {
  NodeId node_id;
  wire::Message message;
};
/// From peer, to the owner of the token (tags.h): onion_message or payment.
struct PongReceived {
  NodeId node_id;
  std::uint64_t token = 0;
};

// ======== channel ========
/// Who offered an HTLC. The channel stores it and returns it with the HTLC's outcome.
struct LocalOrigin {
  PaymentId payment_id;
  std::uint32_t part = 0;  // of the payment: each part has one HTLC at a time
  friend auto operator<=>(const LocalOrigin&, const LocalOrigin&) = default;
};
struct ForwardOrigin {
  ChannelId channel_id;  // incoming
  std::uint64_t htlc_id = 0;
  friend auto operator<=>(const ForwardOrigin&, const ForwardOrigin&) = default;
};
using HtlcOrigin = std::variant<LocalOrigin, ForwardOrigin>;

/// To channel: offer an HTLC. HtlcAdded or HtlcRefused follows in the same step. A channel signs at the end of the
/// step, so several HTLCs share one commitment_signed.
struct AddHtlc {
  ChannelId channel_id;
  HtlcOrigin origin;
  Msat amount;
  PaymentHash payment_hash;
  CltvExpiry cltv_expiry;
  Bytes onion_routing_packet;  // 1,366 bytes
  std::optional<PublicKey> path_key;
  std::optional<Profile> hold;  // ask the peer to hold, in this form
};
/// To channel: settle a received, irrevocably committed HTLC. For each HTLC, one of this and the next two is emitted,
/// once.
struct FulfillHtlc {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  Preimage preimage;
};
struct FailHtlc {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  Bytes reason;  // encrypted failure onion
};
struct FailMalformedHtlc {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  Hash32 sha256_of_onion;
  std::uint16_t failure_code = 0;
};
/// From channel, to forwarding or payment, by origin: update_add_htlc leaves with this step, with this id.
struct HtlcAdded {
  HtlcOrigin origin;
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
};
using commitment::AddRefusal;
struct HtlcRefused {
  HtlcOrigin origin;
  ChannelId channel_id;
  AddRefusal reason;  // InsufficientFunds even after HtlcAdded: the connection broke before it was signed
};
/// From channel, to payment, for its own HTLCs: the offered HTLC is in both commitments, and our revoke_and_ack for
/// ours leaves with this step. A held HTLC can now be announced.
struct OfferedHtlcCommitted {
  HtlcOrigin origin;
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
};
/// From channel, to payment: release paths for an HTLC that we offered with the hold flag. Emitted again for each
/// revoke_and_ack that carries them, and never for HTLCs without the flag.
struct ReleasePathsReceived {
  HtlcOrigin origin;
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  std::vector<wire::BlindedPath> paths;
};
/// From channel, to forwarding: a received HTLC is irrevocably committed on both sides. Exactly once per HTLC, except
/// that payment emits it again for an HTLC for us that waited for our chain.
struct HtlcReceived {
  ChannelId channel_id;
  NodeId peer;
  wire::UpdateAddHtlc htlc;
  /// The HTLC has no output of its own, and the channel has too many of this kind: fail it, never reveal its preimage.
  /// BOLT 2, "Bounding exposure to trimmed in-flight HTLCs".
  bool too_much_dust = false;
  /// The HTLC asks to be held, and our revoke_and_ack had no release path for it: nothing could ever release it.
  bool no_release_path = false;
  /// The peer added the HTLC after our shutdown had left: do not forward it. BOLT 2, "Closing Initiation".
  bool after_shutdown = false;
};
/// From forwarding, to payment: a received HTLC that ends at this node, with its onion read.
struct HtlcArrived {
  HtlcReceived received;
  std::variant<onion::PeeledFinal, onion::PeeledPlain> onion;
};
/// From channel, to forwarding or payment, by origin: the preimage of an offered HTLC arrived, with update_fulfill_htlc
/// or in a block. Exactly once.
struct HtlcFulfilled {
  HtlcOrigin origin;
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  Preimage preimage;
};
struct MalformedReason {
  Hash32 sha256_of_onion;
  std::uint16_t failure_code = 0;
};
/// The channel closed on chain, and the HTLC came back to us there or was trimmed from the commitment.
struct OnChainReason {};
using FailReason = std::variant<Bytes, MalformedReason, OnChainReason>;
/// From channel, to forwarding or payment, by origin: an offered HTLC is irrevocably removed without settlement.
/// Exactly once.
struct HtlcFailed {
  HtlcOrigin origin;
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  FailReason reason;
};
/// From channel, to forwarding and payment: a received HTLC is irrevocably gone. The peer has revoked the last of its
/// commitments that contained it, and our revocation of ours leaves with this step; or its outcome on chain is certain.
/// Exactly once per HTLC.
struct ReceivedHtlcGone {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  bool fulfilled = false;  // true: its amount is ours for good. false: the peer has it back
};
/// From channel, to forwarding, payment, invoicing, onion_message and gossip: the channel is ready or reestablished,
/// and HTLCs can be added.
struct ChannelUsable {
  ChannelId channel_id;
  NodeId peer;
};
struct ChannelUnusable {
  ChannelId channel_id;
  NodeId peer;
};
/// From channel, to gossip: send our channel_update for this channel (at channel_ready, and when the policy changes).
struct ChannelNeedsUpdate {
  ChannelId channel_id;
};
/// From channel, to gossip: both sides have sent announcement_signatures.
struct ChannelAnnounced {
  ChannelId channel_id;
  wire::ChannelAnnouncement announcement;
};
/// From channel, to every machine and the log.
struct ChannelClosed {
  ChannelId channel_id;
  NodeId peer;
  std::string how;
};
/// From wallet, to channel: a command that the wallet has coins for.
struct OpenChannelNow {
  RequestId request = 0;
  command::OpenChannel command;
};

// ======== wallet ========
/// From channel, to wallet: build and sign a transaction with this output. FundingPrepared or FundingFailed follows in
/// the same step.
struct PrepareFunding {
  ChannelId temporary_channel_id;
  Bytes script_pubkey;
  Sat amount;
  FeeratePerKw feerate;
};
struct FundingPrepared {
  ChannelId temporary_channel_id;
  bitcoin::Transaction transaction;  // signed; not broadcast: the channel does that after funding_signed
  std::uint32_t output_index = 0;
};
struct FundingFailed {
  ChannelId temporary_channel_id;
  CommandError error;
};
/// To wallet: confirmed coins for a claim on chain that cannot pay its own fee, worth `amount` and what a second and
/// further input costs. Said again it adds what is missing: what was reserved for this claim stays. CoinsReserved
/// follows in the same step.
struct ReserveCoins {
  ChannelId channel_id;
  Outpoint claim;  // the output that is claimed: whose coins they are
  Sat amount;
  FeeratePerKw feerate;
};
struct ReservedCoin {
  Outpoint outpoint;
  bitcoin::TxOut output;
  bool change = false;  // its key: Signer::wallet_key
  std::uint32_t index = 0;
};
/// All coins of this claim: fewer than it needs if there are no more.
struct CoinsReserved {
  ChannelId channel_id;
  Outpoint claim;
  std::vector<ReservedCoin> coins;
};
/// To wallet: the claim is over. Its coins that no block spends are free again.
struct ReleaseCoins {
  Outpoint claim;
};
/// To wallet: the transaction will never be broadcast; its coins are free again.
struct ReleaseFunding {
  Txid txid;
};
/// From wallet, to channel: this funding transaction can never confirm. Either bitcoind, with the chain synced, refused
/// it and never accepted it before, so nobody else has it; or another transaction with its coins is deep in the chain.
/// The channel may give it up with ReleaseFunding.
struct FundingRefused {
  Txid txid;
  std::string reason;  // escaped
};
// ======== onion_message ========
/// A path that somebody gave us, or a node.
using MessageDestination = std::variant<wire::BlindedPath, NodeId>;
/// To onion_message: send these contents. The sending machine builds the reply path, if it wants one.
struct SendOnionMessage {
  MessageDestination destination;
  onion::MessageContents contents;
  std::optional<wire::BlindedPath> reply_path;
  /// For announcements. The message is relayed if possible, and also given to the introduction node itself, because
  /// only that node's own pong confirms it. A client dials that node if the settings allow it, and for no other
  /// message: a dial tells a stranger the client's node id and address. Without `direct` the route is a connected peer,
  /// a path over the graph, or our LSP; a server may dial. ADR 21.
  bool direct = false;
  /// Not zero: OnionMessageOutcome with this tag follows.
  std::uint64_t tag = 0;
  /// How often the same message was sent before. If there are several routes, attempts take turns.
  std::uint32_t attempt = 0;
};
enum class OnionMessageFate : std::uint8_t {
  Confirmed,     // the introduction node answered a ping sent after the message, and is known to keep what it takes
  Relayed,       // sent to a relay only, or to a node whose pong proves nothing
  Undeliverable  // there is no route
};
/// From onion_message, to the owner of the tag (tags.h): payment or invoicing.
struct OnionMessageOutcome {
  std::uint64_t tag = 0;
  OnionMessageFate fate;
};
/// From onion_message, routed by contents (hearers.h): a message for us. `path_id` is the decrypted path_id of our
/// blinded path, nullopt if the message did not come over one. The receiving machine opens it as a context of its own.
struct OnionMessageReceived {
  NodeId from;  // the peer that sent it to us
  std::optional<Bytes> path_id;
  std::optional<wire::BlindedPath> reply_path;
  onion::MessageContents contents;
};
/// From onion_message, to gossip: mail follows; first send this client the gossip about the nodes that it may answer
/// to.
struct SendOurGossip {
  NodeId node_id;
};
/// From onion_message, to forwarding: mail was delivered to this client. HTLCs for it will follow; meanwhile it may
/// disconnect and come back.
struct ClientAwake {
  NodeId node_id;
};

// ======== invoicing ========
struct PayerRequest {
  PaymentId payment_id;
  offers::Offer offer;
  Msat amount;
  std::optional<std::uint64_t> quantity;
  std::optional<std::string> payer_note;
};
/// From payment, to invoicing: get an invoice for this payment. InvoiceObtained, StaticInvoiceObtained or InvoiceFailed
/// follows once, in this step or a later one.
struct RequestInvoice {
  PayerRequest request;
};
/// From payment, to invoicing: the user cancelled the payment.
struct CancelInvoiceRequest {
  PaymentId payment_id;
};
struct InvoiceObtained {
  PaymentId payment_id;
  Bytes invoice;  // checked by invoicing against the request
  Bytes invoice_request;
};
struct StaticInvoiceObtained {
  PaymentId payment_id;
  Bytes static_invoice;   // checked by invoicing with every rule of check_static_invoice
  Bytes invoice_request;  // the one to repeat in the payment onion
};
struct InvoiceFailed {
  PaymentId payment_id;
  CommandError error;
};
/// From payment, to invoicing: this offer was paid.
struct OfferPaid {
  OfferId offer_id;
  Msat amount;
};

// ======== everything ========
struct Effect
    : std::variant<
          // durable and outward
          Put, Erase, WriteBytes, Dial, Hangup, Broadcast, LookUpOutput, WatchMempool, ReadRows, ReadRange, Reply,
          Notify, StopNode, Watch, Unwatch,
          // peer
          SendMessage, PingPeer, DropPeer, WantPeer, PeerReady, PeerGone, PeerUnreachable, MessageReceived,
          PongReceived,
          // channel
          AddHtlc, FulfillHtlc, FailHtlc, FailMalformedHtlc, HtlcAdded, HtlcRefused, OfferedHtlcCommitted,
          ReleasePathsReceived, HtlcReceived, HtlcArrived, HtlcFulfilled, HtlcFailed, ReceivedHtlcGone, ChannelUsable,
          ChannelUnusable, ChannelNeedsUpdate, ChannelAnnounced, ChannelClosed, OpenChannelNow, ReserveCoins,
          CoinsReserved, ReleaseCoins,
          // wallet
          PrepareFunding, FundingPrepared, FundingFailed, ReleaseFunding, FundingRefused,
          // onion_message
          SendOnionMessage, OnionMessageOutcome, OnionMessageReceived, SendOurGossip, ClientAwake,
          // invoicing
          RequestInvoice, CancelInvoiceRequest, InvoiceObtained, StaticInvoiceObtained, InvoiceFailed, OfferPaid> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Effect)
};
using Effects = std::vector<Effect>;

/// What a machine's step returns.
template <class State>
struct Transition {
  State next;
  Effects effects;
};

}  // namespace doze
