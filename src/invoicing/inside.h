// The room's own state: our offers, the servers that we joined, the invitations and invoices that we keep for others,
// and the requests under way. Only invoicing/*.cc include this.
#pragma once

#include <map>
#include <set>

#include "base/prefix_map.h"
#include "effects/hearers.h"
#include "effects/limits.h"
#include "effects/pages.h"
#include "effects/tags.h"
#include "invoicing/invoicing.h"
#include "offers/invitation.h"
#include "offers/offer.h"
#include "offers/static_invoice.h"
#include "paths/own_paths.h"

namespace doze::invoicing {

using Nonce = std::array<std::uint8_t, 16>;

// ---- limits ----
/// Bytes of request that fit into a payment onion besides two ordinary hops, the blinded tail and the preimage.
inline constexpr std::size_t kMaxAsyncRequestBytes = 800;
inline constexpr std::size_t kMaxAsyncDescriptionBytes = 200;
/// Offers are kept in memory and shown in one table.
inline constexpr std::size_t kMaxOffers = 10'000;
/// One per recipient; also kept in memory and shown in one table.
inline constexpr std::size_t kMaxInvitations = 100'000;
/// Bytes of static invoices that we serve, all in memory: room for 100,000 recipients with five of the usual invoices.
/// Recipients choose the size of theirs, and how many of kSlotsPerRecipient they use.
inline constexpr std::size_t kMaxServedBytes = std::size_t{1} << 30;
/// The same request is forwarded to the recipient at most as often as payers repeat theirs: its path may lead to
/// another server, whose path leads back.
inline constexpr std::uint64_t kPassOnAgainMs = 2'500;
/// Bytes of answers to strangers' requests. Above 1,300 bytes an answer fills an onion message of 32 KiB, and the
/// stranger chooses where its path begins: one such answer at once, then twice the size of its requests, which payers
/// repeat every 3 s. The other two numbers are for all strangers together.
inline constexpr std::uint64_t kSmallAnswerBytes = 1'366, kLargeAnswerBytes = 32'834;
inline constexpr std::uint64_t kStrangersFirstAnswerBytes = kLargeAnswerBytes, kAnswerBytesPerRequestByte = 2;
inline constexpr std::uint64_t kAnswersBurstBytes = 2'097'152, kAnswersBytesPerS = 262'144;
/// Bytes that fit into a small onion message besides the layers of the reply path.
inline constexpr std::size_t kSmallAnswerContents = 1'024;
/// A payer gives up without an invoice after this time; meanwhile it repeats its request.
inline constexpr std::uint64_t kInvoiceWaitMs = 60'000;
inline constexpr std::uint64_t kInvoiceRepeatMs = 3'000;
/// How long createoffer --async waits for the server's acknowledgement; it repeats its message meanwhile.
inline constexpr std::uint64_t kServeWaitMs = 60'000;
inline constexpr std::uint64_t kServeRepeatMs = 3'000, kServeRepeatMaxMs = 300'000;
/// Minimum remaining life of a server's paths for an offer: a shorter one would expire before it is handed out.
inline constexpr std::uint64_t kLeastOfferLifeS = 600;
/// A withdrawn offer's slot holds an unpayable invoice that expires soon; then the slot accepts another offer. Not at
/// once, because the server's clock may be ahead, and it does not accept an expired invoice.
inline constexpr std::uint32_t kWithdrawnLifeS = 3'600;
/// How long asyncjoin, asyncleave and disableoffer wait for the server's answer; a later answer still counts.
inline constexpr std::uint64_t kServerWordMs = 10'000;
/// A static invoice is renewed when this part of its life has passed.
inline constexpr std::uint32_t kRenewAfterPart = 8;
/// How often, while online, we check whether an invoice is due for renewal or names channels that no longer exist. Also
/// the least time between two invoices made for changed channels, which may open and close often.
inline constexpr std::uint64_t kServedCheckMs = 600'000;
/// After a channel opens or closes we check again once the others have had time to do the same.
inline constexpr std::uint64_t kChannelsSettleMs = 30'000;
/// The contents of an invoice are checked as soon as a channel is usable, and again when the peers have had time to
/// send their channel_updates: an app may be awake for only some seconds.
inline constexpr std::uint64_t kUpdatesSettleMs = 2'000;

/// A channel that a static invoice names, with the policy in it.
struct NamedChannel {
  ChannelId channel_id;
  Hash32 policy;  // policy_digest
};

/// One of our offers.
struct OwnOffer {
  offers::Offer offer;
  Nonce nonce{};  // determines the issuer key and is part of the paths' context
  bool async = false;
  bool disabled = false;
  UnixTime created_at;
  std::uint64_t payments = 0;
  Msat received;
  // async:
  Profile profile = Profile::Ldk;
  NodeId server;
  std::uint16_t slot = 0;
  std::optional<wire::BlindedPath> serve_path;  // for serve_static_invoice
  UnixTime invoice_created_at;                  // of the newest invoice that we sent
  UnixTime acknowledged;                        // created_at of the newest one that the server has; 0: none yet
  Hash32 channels;                              // digest of our channels in it: channels_digest; zero: unknown
  UnixTime channels_since;                      // created_at of the first invoice with it
  std::vector<NamedChannel> named;              // by the newest invoice; empty in rows of 4887d87: unknown
  UnixTime withdrawal;                          // disabled: created_at of the newest unpayable invoice
  UnixTime withdrawn;                           // the server has it; 0: not yet
  // Not durable:
  std::optional<MonoTime> next_serve;
  std::optional<MonoTime> next_check;
  std::optional<MonoTime> changed_at;  // when the last invoice was made for changed channels
  MonoTime settled_at;                 // until then other channels may come back
  bool outdated = false;               // an invoice for changed channels is not made yet
  std::uint64_t serve_wait_ms = kServeRepeatMs;
};

/// A server that serves our static invoices.
struct Joined {
  NodeId server;
  std::vector<wire::NetworkAddress> addresses;
  std::vector<wire::BlindedPath> paths;
  Profile profile = Profile::Ldk;
  Bytes token;
  UnixTime joined_at;
  bool left = false;  // asyncleave: it stays until its offers are withdrawn
};

/// A running asyncjoin: the server is asked for paths only to learn whether it accepts the invitation.
struct JoinRequest {
  RequestId request = 0;
  NodeId server;
  Nonce nonce{};
  MonoTime give_up, next_try;
  std::optional<Joined> before;  // what we had of this server
};

/// disableoffer or asyncleave, until the server has withdrawn these offers.
struct WithdrawRequest {
  RequestId request = 0;
  std::set<OfferId> offers;
  std::optional<NodeId> left;  // asyncleave
  MonoTime give_up;
};

/// One of our invitations, for one recipient.
struct Invited {
  Nonce id{};
  std::string label;
  Profile profile = Profile::Ldk;
  UnixTime created_at;
  std::optional<UnixTime> expires_at;
  bool revoked = false;
  std::optional<NodeId> recipient;  // the node that used it first
};

struct SlotKey {
  Nonce invitation{};
  std::uint16_t slot = 0;
  friend auto operator<=>(const SlotKey&, const SlotKey&) = default;
};
/// We make invitations at random: no other node chooses their first bytes.
struct InvitationPrefix {
  std::uint64_t operator()(const Nonce& id) const { return FirstBytes()(id); }
  std::uint64_t operator()(const SlotKey& key) const { return FirstBytes()(key.invitation); }
};
template <class Key, class T>
using InvitationTable = PrefixMap<Key, T, InvitationPrefix>;

/// A static invoice that we serve: checked once, on arrival, and kept as the bytes to hand out. There may be a million.
struct Served {
  Served(const offers::StaticInvoice& invoice, wire::BlindedPath path, UnixTime received);
  Bytes invoice;
  OfferId offer_id;
  bool withdrawn = false;  // unpayable: offers::is_withdrawn
  Profile profile;
  PublicKey node_id;
  UnixTime created_at, expires_at;
  wire::BlindedPath forward_path;  // to the recipient, for invoice_requests while it is online
  UnixTime received_at;
  // Not durable:
  std::uint64_t requests = 0;  // how often it was asked for
  Hash32 passed_on;            // the last request that went to the recipient, and when
  MonoTime passed_on_at;
  [[nodiscard]] bool expired(UnixTime now) const { return now > expires_at; }
  [[nodiscard]] std::size_t bytes() const;
};

/// A running createoffer --async: it asks for paths, then waits for the acknowledgement.
struct SlotRequest {
  RequestId request = 0;
  command::CreateOffer command;
  Profile profile = Profile::Ldk;
  NodeId server;
  std::uint16_t slot = 0;
  Nonce nonce{};
  MonoTime give_up, next_try;
  std::optional<OfferId> offer;  // made, stored, not yet acknowledged
};

/// A payer's pending request.
struct Asking {
  PayerRequest wanted;
  Bytes invoice_request;
  MonoTime give_up, next_try;
  std::size_t attempts = 0;
  std::string trouble;  // why the last try failed
};

/// Budgets for answers to strangers.
struct AnswerBudget {
  std::map<NodeId, std::uint64_t> left;  // of each that is connected and has asked
  MonoTime full_at;                      // of all together: the whole burst again from then on
};

struct Invoicing::Inside {
  std::map<OfferId, OwnOffer> own;
  std::map<OfferId, OfferView> views;
  std::map<NodeId, Joined> joined;
  InvitationTable<Nonce, Invited> invitations;
  std::set<NodeId> clients;
  InvitationTable<SlotKey, Served> served;
  std::size_t served_bytes = 0;
  /// For lists, by the time when each was made: own.created_at, invitations.created_at, served.received_at.
  ByTime<OfferId> own_by_time, async_by_time;
  ByTime<Nonce> invitations_by_time;
  ByTime<SlotKey> served_by_time;
  std::vector<SlotRequest> slot_requests;
  std::vector<JoinRequest> join_requests;
  std::vector<WithdrawRequest> withdraw_requests;
  std::map<PaymentId, Asking> asking;
  std::map<std::uint64_t, PaymentId> tags;
  std::uint64_t next_tag = 1;
  AnswerBudget answers;
};

/// Offers and invitations stay for ever; a slot has one invoice, the newest.
OwnOffer& add(Invoicing::Inside& state, OwnOffer own);
void add(Invoicing::Inside& state, Invited invitation);
void put(Invoicing::Inside& state, const SlotKey& key, Served served);
/// Does nothing if there is none.
void erase(Invoicing::Inside& state, const SlotKey& key);

struct Work {
  Invoicing::Inside& state;
  const Context& context;
  Effects& out;
  void say(Effect effect) { out.push_back(std::move(effect)); }
  void notify(Severity severity, Event event, Fields facts) { say(Notify{severity, event, std::move(facts)}); }
  void refuse(RequestId request, CommandErrorCode code, std::string message) {
    say(Reply{request, CommandError{code, std::move(message), {}}});
  }
};

// answers.cc
/// Whether a request that arrived from `from` may be answered now with this many bytes; if so, books them. Always true
/// for peers with a channel or an invitation of ours; a refused node repeats its request.
[[nodiscard]] bool may_answer(Work& work, const NodeId& from, std::size_t request_bytes, std::size_t answer_bytes);
void forget_answers(Work& work, const NodeId& peer);

// records.cc
[[nodiscard]] Put record(const OwnOffer& offer);
[[nodiscard]] Put record(const Joined& joined);
[[nodiscard]] Put record(const Invited& invitation);
[[nodiscard]] Put record(const SlotKey& key, const Served& served);
[[nodiscard]] Bytes key_of(const SlotKey& key);
[[nodiscard]] Result<OwnOffer, ParseError> read_own_offer(ByteView value);
[[nodiscard]] Result<Joined, ParseError> read_joined(ByteView value);
[[nodiscard]] Result<Invited, ParseError> read_invited(ByteView value);
[[nodiscard]] Result<std::pair<SlotKey, Served>, ParseError> read_served(ByteView key, ByteView value);
void refresh_views(Invoicing::Inside& state);

// issuer.cc: ordinary offers, and what all offers of ours share
[[nodiscard]] PrivateKey issuer_key(const Signer& signer, const Nonce& nonce);
void create_offer(Work& work, RequestId request, const command::CreateOffer& command);
void disable_offer(Work& work, RequestId request, const OfferId& id);
/// `forwarded`: our server has answered it with a static invoice already, so there is an invoice or no answer at all.
void answer_request(Work& work, const OnionMessageReceived& word, const onion::InvoiceRequest& message,
                    ByteView context, bool forwarded);
[[nodiscard]] offers::OfferTerms terms_of(const Context& context, const command::CreateOffer& command);

// recipient.cc: joining a server, slots, serving static invoices
void join(Work& work, RequestId request, const command::AsyncJoin& command);
void leave(Work& work, RequestId request, const command::AsyncLeave& command);
/// A server refuses to give paths, and says why.
void on_paths_refused(Work& work, ByteView context, const std::string& why);
/// Its static invoice must not be paid any more: the server is told as soon as it can be.
void withdraw(Work& work, OwnOffer& own);
/// Whether the server may still send payers to this disabled offer.
[[nodiscard]] bool wants_withdrawal(const OwnOffer& own, const Context& context);
void create_async_offer(Work& work, RequestId request, const command::CreateOffer& command);
void on_offer_paths(Work& work, const OnionMessageReceived& word, const onion::OfferPaths& message, ByteView context);
void on_persisted(Work& work, ByteView context);
void recipient_started(Work& work);
void recipient_on_peer(Work& work, const NodeId& peer);
void recipient_on_usable(Work& work);
/// A channel is not usable any more.
void recipient_on_unusable(Work& work);
void recipient_deadlines(Work& work);

// server.cc
void invite(Work& work, RequestId request, const command::AsyncInvite& command);
void revoke(Work& work, RequestId request, const command::RevokeInvitation& command);
void on_offer_paths_request(Work& work, const OnionMessageReceived& word, const onion::OfferPathsRequest& message,
                            ByteView context);
void on_serve_static_invoice(Work& work, const OnionMessageReceived& word, const onion::ServeStaticInvoice& message,
                             ByteView context);
void serve_request(Work& work, const OnionMessageReceived& word, const onion::InvoiceRequest& message,
                   ByteView context);

// payer.cc
void on(Work& work, const RequestInvoice& word);
void on(Work& work, const CancelInvoiceRequest& word);
void on(Work& work, const OnionMessageOutcome& word);
void on_answer(Work& work, const OnionMessageReceived& word, ByteView context);
void payer_deadlines(Work& work, bool connection_changed);

// describe.cc
[[nodiscard]] Value describe(const OwnOffer& offer, const Context& context);
void list_offers(Work& work, RequestId request, const command::Page& page);
void list_invitations(Work& work, RequestId request, const command::Page& page);
void list_served(Work& work, RequestId request, const command::Page& page);

}  // namespace doze::invoicing
