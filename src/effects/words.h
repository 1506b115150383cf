// The words that machines say to each other through the corridor. A machine's step returns Effects; node/ routes each
// to the one machine that its section names, within the same step and the same durable batch, so that a word is heard
// exactly once even across crashes. Nothing here leaves the process.
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
/// To peer: send a message to a connected peer; dropped if it is not connected (whoever needs it repeats at PeerReady).
struct SendMessage {
  NodeId node_id;
  wire::Message message;
};
/// To peer: send a ping; PongReceived{token} comes when the peer has handled everything sent before it.
struct PingPeer {
  NodeId node_id;
  std::uint64_t token = 0;  // who asks and for what: see PongReceived
};
/// To peer: drop the connection (after what was sent before it).
struct DropPeer {
  NodeId node_id;
  std::string reason;
};
/// To peer: connect, if not connected, to these addresses or the known ones. `keep`: reconnect automatically from now
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
/// From peer, to whoever asked with WantPeer: all addresses failed, or none is known.
struct PeerUnreachable {
  NodeId node_id;
  std::string reason;
};
/// From peer: one decoded message (never Init, Ping, Pong: those end in peer). Routed by its type.
struct MessageReceived {
  NodeId node_id;
  wire::Message message;
};
/// From peer, to onion_message or payment (by the token's owner: see tags.h).
struct PongReceived {
  NodeId node_id;
  std::uint64_t token = 0;
};

// ======== channel ========
/// Who offered an HTLC, remembered by the channel and given back with its outcome.
struct LocalOrigin {
  PaymentId payment_id;
  friend auto operator<=>(const LocalOrigin&, const LocalOrigin&) = default;
};
struct ForwardOrigin {
  ChannelId channel_id;  // incoming
  std::uint64_t htlc_id = 0;
  friend auto operator<=>(const ForwardOrigin&, const ForwardOrigin&) = default;
};
using HtlcOrigin = std::variant<LocalOrigin, ForwardOrigin>;

/// To channel: offer an HTLC. HtlcAdded or HtlcRefused follows in the same step. The corridor tells dirty channels to
/// sign at the end of the step, so several adds share one commitment_signed.
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
/// To channel: settle a received, irrevocably committed HTLC. Each is said exactly once for an HTLC.
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
/// From channel, to forwarding or payment, by origin: the HTLC is in the peer's next commitment update queue under this
/// id (durable with this step).
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
/// From channel, to payment if it is ours: the offered HTLC is in both commitments and our revoke_and_ack for the one
/// that contains it has been made (it leaves with this step): the moment to announce a held HTLC.
struct OfferedHtlcCommitted {
  HtlcOrigin origin;
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
};
/// From channel, to payment: release paths for an HTLC of ours that we offered with the hold flag. Comes again with
/// each revoke_and_ack that carries them. Records for HTLCs without our hold flag are not reported.
struct ReleasePathsReceived {
  HtlcOrigin origin;
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  std::vector<wire::BlindedPath> paths;
};
/// From channel, to forwarding: a received HTLC is irrevocably committed on both sides. Exactly once an HTLC. Payment
/// says it again of one for us that waited for our chain.
struct HtlcReceived {
  ChannelId channel_id;
  NodeId peer;
  wire::UpdateAddHtlc htlc;
  /// It has no output of its own and the channel has too much of this kind: to be failed, its preimage not revealed.
  /// BOLT 2, "Bounding exposure to trimmed in-flight HTLCs".
  bool too_much_dust = false;
  /// It asks to be held, and our revoke_and_ack had no release path for it: nothing could ever release it.
  bool no_release_path = false;
};
/// From forwarding, to payment: a received HTLC that ends at this node, with its onion read.
struct HtlcArrived {
  HtlcReceived received;
  std::variant<onion::PeeledFinal, onion::PeeledPlain> onion;
};
/// From channel, to forwarding or payment, by origin: the peer settled an offered HTLC (said when update_fulfill_htlc
/// arrives). Exactly once.
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
/// The channel closed on chain, or the HTLC was trimmed from a confirmed commitment: claiming on chain comes later.
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
/// From channel, to payment: a received HTLC is irrevocably removed from both commitments: the peer has revoked the
/// last of its commitments that contained it, and our revocation of our own leaves with this step. Exactly once per
/// HTLC; not said if the channel closes on chain before.
struct ReceivedHtlcGone {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
  bool fulfilled = false;  // its amount is ours for good; false: it went back
};
/// From channel, to forwarding, payment, invoicing, onion_message, gossip: re-established (or just ready): HTLCs can be
/// added.
struct ChannelUsable {
  ChannelId channel_id;
  NodeId peer;
};
struct ChannelUnusable {
  ChannelId channel_id;
  NodeId peer;
};
/// From channel, to gossip: send our channel_update for it (at channel_ready, and when the policy changes).
struct ChannelNeedsUpdate {
  ChannelId channel_id;
};
/// From channel, to gossip: both announcement_signatures are there.
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
/// To channel (from the API by way of the wallet, which has looked for the coins). Key indexes are the channel room's:
/// a durable counter from 0 up, used for inbound openings, too, taken at funding_created (ChannelView::key_index).
struct OpenChannelNow {
  RequestId request = 0;
  command::OpenChannel command;
};

// ======== wallet ========
/// To wallet: build and sign a transaction with this output. FundingPrepared or FundingFailed follows in the same step.
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
/// From wallet, to channel: the backend refused a funding that it never accepted before, with the chain synced, so that
/// nobody else has it; or another transaction with its coins is deep in the chain. It never confirms: what waits for it
/// may give it up with ReleaseFunding.
struct FundingRefused {
  Txid txid;
  std::string reason;  // escaped
};
// ======== onion_message ========
/// Where to: a path somebody gave us, or a node.
using MessageDestination = std::variant<wire::BlindedPath, NodeId>;
/// To onion_message: send contents. The reply path, if any, is inside and was built by the sender.
struct SendOnionMessage {
  MessageDestination destination;
  onion::MessageContents contents;
  std::optional<wire::BlindedPath> reply_path;
  /// An announcement: it is relayed where it can be, and handed to the introduction node itself, too, for only that
  /// node's own pong confirms it. A client dials it if the settings say so, and for nothing else: it would tell a
  /// stranger who and where it is. Without this: connected peer, path over the graph, our LSP, and a server dials.
  bool direct = false;
  /// Non-zero: report OnionMessageOutcome with it.
  std::uint64_t tag = 0;
  /// How often the same was said before: where there are several ways they take turns.
  std::uint32_t attempt = 0;
};
enum class OnionMessageFate : std::uint8_t {
  Confirmed,     // the introduction node itself answered a ping sent after the message, and keeps what it takes
  Relayed,       // given to a relay only, or to a node whose pong proves nothing
  Undeliverable  // nobody to give it to
};
/// From onion_message, to payment and invoicing (by tag's owner: see tags.h).
struct OnionMessageOutcome {
  std::uint64_t tag = 0;
  OnionMessageFate fate;
};
/// From onion_message, to payment (72), payment and forwarding (74) or invoicing (everything else): a message for us.
/// `path_id` is the plain path_id of our blinded path (nullopt: it came without one); the receiver opens it as a
/// context of its own.
struct OnionMessageReceived {
  NodeId from;  // the peer that handed it over
  std::optional<Bytes> path_id;
  std::optional<wire::BlindedPath> reply_path;
  onion::MessageContents contents;
};
/// From onion_message, to gossip: before the mail, tell this client what we know of the nodes it may have to answer.
struct SendOurGossip {
  NodeId node_id;
};
/// From onion_message, to forwarding: mail was delivered to this client: HTLCs will come for it, and it may go away and
/// come back meanwhile.
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
/// To invoicing: get an invoice for this payment. InvoiceObtained, StaticInvoiceObtained or InvoiceFailed follows,
/// once.
struct RequestInvoice {
  PayerRequest request;
};
/// To invoicing: the user cancelled.
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
  Bytes static_invoice;   // checked by invoicing: every rule of check_static_invoice
  Bytes invoice_request;  // the one to repeat in the payment onion
};
struct InvoiceFailed {
  PaymentId payment_id;
  CommandError error;
};
/// From payment, to invoicing: an HTLC set paid this offer (a used slot gets refreshed).
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

/// What a machine's step gives back.
template <class State>
struct Transition {
  State next;
  Effects effects;
};

}  // namespace doze
