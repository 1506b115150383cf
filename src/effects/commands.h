// What users ask for: a closed list of typed commands. The API makes them from JSON, and programs that embed the node
// make them directly.
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

/// By default a page fills a screen or two. The largest reply is a few megabytes, however long the list is.
inline constexpr std::uint32_t kDefaultPageRows = 100, kMaxPageRows = 1'000;
/// One page of a list, newest rows first. Its reply has `next_before` if older rows follow.
struct Page {
  std::uint32_t limit = kDefaultPageRows;  // 1 to kMaxPageRows
  std::optional<std::string> before;       // `next_before` of the previous page; nullopt: the newest rows
};

/// The longest key that a caller may choose: room for a UUID, a hash in hex or an order's number.
inline constexpr std::size_t kIdempotencyKeyBytes = 64;

/// The longest label of an invitation: a name, not a text. It is in each list.
inline constexpr std::size_t kLabelBytes = 256;

struct GetInfo {};
struct NewAddress {};
struct ListFunds {};
/// With an idempotency_key: a repeated command with the same key gets the answer of the first one, and spends nothing.
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
  bool closed = false;  // also closed channels without money of ours
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
  std::optional<Profile> profile;  // of the static invoice of an async offer
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
/// Names a payment that we made by its payment_id, and one that we received by its payment_hash.
struct GetPayment {
  PaymentId payment_id;
};
/// Replies when the payment is `notified` or has ended (wait_for_settled: only when it has ended), or at once with an
/// error. For the payment_hash of a BOLT 11 invoice of ours, or of a payment that we receive: when the payment is
/// `claiming` or has ended.
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
/// Ends what asyncjoin began: our offers at this server are disabled and withdrawn, later if the server is offline now.
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
