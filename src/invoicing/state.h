// The room's own state: our offers, the servers that we joined, the invitations and invoices that we keep for others,
// and the requests under way. Only invoicing/ and its tests include this.
#pragma once

#include <map>
#include <set>

#include "base/prefix_map.h"
#include "effects/pages.h"
#include "invoicing/invoicing.h"
#include "invoicing/limits.h"
#include "offers/offer.h"
#include "offers/static_invoice.h"

namespace doze::invoicing {

using Nonce = std::array<std::uint8_t, 16>;

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

struct Work : WorkOn<Invoicing::Inside> {};

}  // namespace doze::invoicing
