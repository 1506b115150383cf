// What users ask for: a closed list of typed commands. The API parses into these; wallets that embed the node make
// them.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/ids.h"
#include "base/units.h"
#include "base/variant.h"
#include "wire/address.h"
#include "wire/numbers.h"

namespace doze::command {

/// A page as small as a screen or two, and a reply of a few megabytes at most however long the list is.
inline constexpr std::uint32_t kDefaultPageRows = 100, kMaxPageRows = 1'000;
/// One page of a list, newest rows first. Its reply has `next_before` if older rows follow.
struct Page {
  std::uint32_t limit = kDefaultPageRows;  // 1 to kMaxPageRows
  std::optional<std::string> before;       // `next_before` of the page before; nullopt: the newest rows
};

/// The longest key that a caller may choose: room for a UUID, a hash in hex or an order's number.
inline constexpr std::size_t kIdempotencyKeyBytes = 64;

/// The longest label of an invitation: a name, not a text. It is in each list.
inline constexpr std::size_t kLabelBytes = 256;

struct GetInfo {};
struct NewAddress {};
struct ListFunds {};
/// With an idempotency_key a repeated command with the same key is answered as the first was, and spends nothing.
struct SendToAddress {
  std::string address;
  std::optional<Sat> amount;  // nullopt: everything
  std::optional<FeeratePerKw> feerate;
  std::string idempotency_key;  // empty: none
};
struct Connect {
  NodeId node_id;
  std::optional<wire::NetworkAddress> address;  // nullopt: from the graph or from memory
};
struct Disconnect {
  NodeId node_id;
};
struct ListPeers {};
struct OpenChannel {
  NodeId node_id;
  Sat amount;
  Msat push;
  std::optional<bool> announce;  // nullopt: servers announce to servers, clients never
  std::optional<FeeratePerKw> feerate;
  std::string idempotency_key;  // empty: none; see SendToAddress
};
struct ListChannels {
  bool closed = false;  // also those that are over: nothing of ours is left in them
};
struct CloseChannel {
  ChannelId channel_id;
  bool force = false;
  std::optional<std::string> address;
  /// force alone is refused with the sums and the delay; with this it is done.
  bool accept_cost = false;
};
struct CreateOffer {
  bool async = false;
  std::optional<Msat> amount;
  std::string description;
  std::optional<std::string> issuer;
  std::optional<std::uint64_t> expiry_s;  // from now
  std::optional<std::uint64_t> quantity_max;
  std::optional<Profile> profile;  // async: profile of its static invoice
};
struct ListOffers {
  Page page;
};
struct DisableOffer {
  OfferId offer_id;
};
/// An invoice of BOLT 11.
struct CreateInvoice {
  std::optional<Msat> amount;  // nullopt: the payer decides
  std::string description;
  std::optional<Hash32> description_hash;  // instead of a description
  std::optional<std::uint64_t> expiry_s;   // from now
};
struct ListInvoices {
  Page page;
};
struct Pay {
  std::string offer;  // lno1…, or an invoice of BOLT 11
  std::optional<Msat> amount;
  std::optional<Msat> max_fee;
  std::optional<std::uint64_t> quantity;
  std::optional<std::string> payer_note;
  std::optional<bool> hold;  // nullopt: clients hold, servers do not
  /// The caller's name for this payment, kIdempotencyKeyBytes at most; empty: none. A repeated command with the same
  /// key, offer and amount is answered with the first one's payment and spends nothing, also after a restart; with
  /// another offer or amount it is refused.
  std::string idempotency_key;
};
struct CancelPayment {
  PaymentId payment_id;
};
struct ListPayments {
  Page page;
};
/// A payment of ours by its payment_id, or one that we received by its payment_hash.
struct GetPayment {
  PaymentId payment_id;
};
/// Replies when the payment is `notified` or terminal (wait_for_settled: terminal only), or at once with an error. For
/// a payment_hash of an invoice of BOLT 11 of ours, or of a payment on its way to us: when it is `claiming` or
/// terminal.
struct WaitPayment {
  PaymentId payment_id;
  bool wait_for_settled = true;
};
struct ListForwards {
  Page page;
};
struct AsyncInvite {
  std::string label;
  bool raw = false;  // LDK's raw form (hex) instead of a link
  std::optional<Profile> profile;
  std::optional<std::uint64_t> expiry_s;
};
struct ListInvitations {
  Page page;
};
struct RevokeInvitation {
  std::string id;  // hex, as listinvitations shows it
};
struct AsyncJoin {
  std::string link;  // lnai… or raw hex
};
/// Ends what asyncjoin began: the server's offers of ours are disabled and withdrawn there, also later if it is offline
/// now.
struct AsyncLeave {
  NodeId server;
};
struct ListStaticInvoices {
  Page page;
};
struct ListHolds {
  Page page;
};
struct FailHold {
  ChannelId channel_id;
  std::uint64_t htlc_id = 0;
};
struct ListMailboxes {
  Page page;
};
struct Stop {};

struct Command : std::variant<GetInfo, NewAddress, ListFunds, SendToAddress, Connect, Disconnect, ListPeers,
                              OpenChannel, ListChannels, CloseChannel, CreateOffer, ListOffers, DisableOffer,
                              CreateInvoice, ListInvoices, Pay, CancelPayment, ListPayments, GetPayment, WaitPayment,
                              ListForwards, AsyncInvite, ListInvitations, RevokeInvitation, AsyncJoin, AsyncLeave,
                              ListStaticInvoices, ListHolds, FailHold, ListMailboxes, Stop> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Command)
};

}  // namespace doze::command
