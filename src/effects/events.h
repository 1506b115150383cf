// The closed list of events: what a node tells people and programs without being asked. Log lines and the OpenAPI
// document (`components/schemas/Event…`) are made from it, and doc/EVENTS.md shows it. An event that is not in the list
// does not compile; tests fail when an event carries other fields than its row names.
//
// Numbers and names are never given to something else. A row that is not used any more stays, as a gap in the numbers.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace doze {

enum class EventFieldKind : std::uint8_t { Text, Number, Flag };
struct EventField {
  std::string_view name;
  EventFieldKind kind = EventFieldKind::Text;
  std::string_view meaning;
};
/// Every field that an event may have. A name means the same in all of them.
inline constexpr EventField kEventFields[] = {
    {"address", EventFieldKind::Text, "host and port of the other side of a connection"},
    {"amount_msat", EventFieldKind::Number, "amount of the payment or HTLC, in millisatoshi"},
    {"amount_sat", EventFieldKind::Number, "amount of the output, in satoshi"},
    {"awaited", EventFieldKind::Text, "the message that the peer owes us"},
    {"at_risk_sat", EventFieldKind::Number,
     "HTLCs and penalties of the channel that are ours if our claims are first, in satoshi"},
    {"awake_by_height", EventFieldKind::Number,
     "block height by which this node must be awake, or the payer can take the payment back on chain"},
    {"capacity_sat", EventFieldKind::Number, "amount of the funding output, in satoshi"},
    {"channel_id", EventFieldKind::Text, "64 hex digits"},
    {"claimed_sat", EventFieldKind::Number, "what of the channel our transactions took on chain, in satoshi"},
    {"client", EventFieldKind::Text, "node id of a client of this server"},
    {"commits", EventFieldKind::Number, "transactions that the database has written since the start"},
    {"connected", EventFieldKind::Flag, "whether bitcoind answers"},
    {"created_at", EventFieldKind::Number, "time in seconds since 1970"},
    {"deadline_height", EventFieldKind::Number, "block height by which the claim should be in a block"},
    {"detail", EventFieldKind::Text, "more about it, for people"},
    {"direction", EventFieldKind::Text, "incoming or outgoing; of a peer's message: received or sent"},
    {"error", EventFieldKind::Text, "what the peer wrote, escaped"},
    {"fail_back_height", EventFieldKind::Number, "block height at which a hold that nobody released is failed"},
    {"fee_sat", EventFieldKind::Number, "fee of the transaction, in satoshi"},
    {"from", EventFieldKind::Text, "node id of the peer that sent it"},
    {"has_channel", EventFieldKind::Flag, "whether the peer has a funded channel with us"},
    {"height", EventFieldKind::Number, "block height"},
    {"how", EventFieldKind::Text, "how the channel ended, for people"},
    {"htlc_id", EventFieldKind::Number, "number of the HTLC in its channel"},
    {"inbound", EventFieldKind::Flag, "whether the peer dialled us"},
    {"invitation", EventFieldKind::Text, "the invitation of the client, in hex"},
    {"key", EventFieldKind::Text, "key of the row in the database, in hex"},
    {"kind", EventFieldKind::Text, "what the output is: to_us, to_us_delayed, htlc_offered, htlc_received, a penalty"},
    {"lines", EventFieldKind::Number, "how many lines were left out"},
    {"listen", EventFieldKind::Number, "TCP port for peers"},
    {"lost_sat", EventFieldKind::Number, "what of the channel was ours and others took on chain, in satoshi"},
    {"message", EventFieldKind::Text, "the whole message, in hex"},
    {"messages", EventFieldKind::Number, "how many messages"},
    {"next", EventFieldKind::Text, "node id that the message should have gone to"},
    {"node_id", EventFieldKind::Text, "66 hex digits"},
    {"number", EventFieldKind::Number, "number of the commitment transaction"},
    {"of", EventFieldKind::Text, "the peer, the kind of event, or \"strangers\""},
    {"offer_id", EventFieldKind::Text, "64 hex digits"},
    {"outpoint", EventFieldKind::Text, "transaction id and index of an output"},
    {"output", EventFieldKind::Number, "index of the output in its transaction"},
    {"payer_note", EventFieldKind::Text, "what the payer wrote, escaped"},
    {"payment_hash", EventFieldKind::Text, "64 hex digits"},
    {"payment_id", EventFieldKind::Text, "64 hex digits: our own name of an outgoing payment"},
    {"peer", EventFieldKind::Text, "node id of the peer"},
    {"pending_close_sat", EventFieldKind::Number, "our balance on its way from the channel to the wallet, in satoshi"},
    {"published_in_s", EventFieldKind::Number, "seconds until our commitment transaction is published at the latest"},
    {"quantity", EventFieldKind::Number, "how many items the payer buys"},
    {"reason", EventFieldKind::Text, "why, for people"},
    {"refused", EventFieldKind::Number, "how many release paths were refused"},
    {"rpc", EventFieldKind::Number, "TCP port of the API"},
    {"rpc_host", EventFieldKind::Text, "address that the API listens on"},
    {"safe_to_sleep", EventFieldKind::Flag, "whether this node may be switched off now without risk for the payment"},
    {"server", EventFieldKind::Text, "node id of the static invoice server"},
    {"signal", EventFieldKind::Text, "name of the signal"},
    {"slot", EventFieldKind::Number, "number of the static invoice among those of its client"},
    {"state", EventFieldKind::Text, "state of the payment, as in getpayment"},
    {"synced", EventFieldKind::Flag, "whether all blocks of bitcoind have been read"},
    {"table", EventFieldKind::Number, "number of the table in the database"},
    {"trouble", EventFieldKind::Text, "what is wrong with bitcoind's chain: see OPERATING"},
    {"txid", EventFieldKind::Text, "64 hex digits, in the order that block explorers show"},
    {"unclaimed_sat", EventFieldKind::Number,
     "what of the channel cannot be claimed on chain, because an older version kept too little of it, in satoshi"},
    {"version", EventFieldKind::Text, "version of Doze"},
    {"warning", EventFieldKind::Text, "what the peer wrote, escaped"},
    {"why", EventFieldKind::Text, "why, for people"},
};

struct EventRow {
  std::uint16_t number = 0;
  std::string_view name;
  std::string_view level;   // of its log line: debug, info, warning or error
  std::string_view fields;  // names of kEventFields, one space between; "?" behind those that may be missing
  std::string_view meaning;
};
inline constexpr EventRow kEvents[] = {
    // ---- connections ----
    {1, "peer_connected", "info", "node_id address inbound has_channel", "a peer is connected and has sent its init"},
    {2, "peer_disconnected", "info", "node_id reason", "the connection to a peer ended"},
    {3, "connection_failed", "debug", "address reason", "a connection ended before the peer's init"},
    {4, "dial_failed", "debug", "node_id reason", "a peer could not be reached; the node tries again"},
    {5, "peer_message", "debug", "node_id direction message", "a message, while messages are recorded into a file"},
    {6, "peer_error", "warning", "peer channel_id error", "a peer sent an error about a channel of ours"},
    {7, "peer_warning", "warning", "peer warning", "a peer sent a warning"},
    {8, "peer_broke_a_rule", "warning", "channel_id peer reason",
     "a peer broke a rule of the protocol: we hung up, the channel stays"},
    {9, "peer_does_not_answer", "warning", "channel_id peer awaited", "a peer owes an answer: we hung up"},
    // ---- channels ----
    {19, "channel_resolved", "info, or warning with lost_sat above zero", "channel_id claimed_sat lost_sat",
     "everything of a channel that closed on chain is spent, 100 blocks deep"},
    {20, "channel_opening", "info", "channel_id peer capacity_sat",
     "both sides signed; the funding transaction comes next"},
    {21, "channel_opening_failed", "warning", "peer reason", "an opening ended without a channel; no coins are spent"},
    {22, "channel_refused", "info", "peer reason", "we refused a peer's open_channel"},
    {23, "channel_open", "info", "channel_id peer capacity_sat", "both sides sent channel_ready"},
    {24, "funding_reorganised", "warning", "channel_id height",
     "the funding transaction left the chain: the channel takes no HTLCs until it is deep again"},
    {25, "funding_confirmed_again", "info", "channel_id height", "the funding transaction is deep in the chain again"},
    {26, "closing_fee_not_agreed", "warning", "channel_id peer reason",
     "both sides want to close, and name different fees"},
    {27, "channel_close_held_back", "error", "channel_id peer reason published_in_s",
     "our commitment transaction waits until the peer has spoken: this database may be an old copy"},
    {28, "channel_force_closed", "error", "channel_id reason pending_close_sat",
     "our commitment transaction is published"},
    {29, "channel_closed", "info, or error with unclaimed_sat", "channel_id peer how unclaimed_sat?",
     "a transaction in a block spends the funding output"},
    {30, "channel_output_spent", "warning", "channel_id amount_sat unclaimed_sat",
     "an output of a closed channel that we did not claim is spent"},
    {31, "revoked_commitment", "error", "channel_id txid number",
     "the peer published a commitment that it had revoked"},
    {32, "channel_data_lost", "error", "channel_id", "the peer proved that our database is an old copy"},
    {33, "channel_on_chain", "warning, or error if the peer cheats or this node has lost data",
     "channel_id peer how txid height pending_close_sat at_risk_sat", "a block has a commitment transaction"},
    {34, "claim_broadcast", "info", "channel_id outpoint kind amount_sat txid fee_sat deadline_height?",
     "a transaction that claims an output of a channel is published"},
    {35, "claim_replaced", "info", "channel_id outpoint kind amount_sat txid fee_sat deadline_height?",
     "the same with a higher fee"},
    {36, "claim_confirmed", "info", "channel_id outpoint kind amount_sat txid height",
     "a block has a transaction of ours that spends an output of a channel"},
    {37, "claim_spent_by_others", "info", "channel_id outpoint kind amount_sat txid height",
     "a block has a transaction of somebody else's that spends an output of a channel"},
    {38, "claim_blocked", "debug, or warning without enough coins", "channel_id outpoint kind amount_sat reason",
     "an output cannot be claimed now; the node tries again at each block"},
    {39, "preimage_from_chain", "info", "channel_id txid",
     "a transaction in a block has the preimage of an HTLC of ours"},
    // ---- payments ----
    {40, "payment_received", "info",
     "direction state amount_msat payment_hash offer_id? quantity? payer_note? safe_to_sleep awake_by_height?",
     "we have given the preimage: not received for good before payment_settled"},
    {41, "payment_settled", "info",
     "direction amount_msat payment_hash? payment_id? state? offer_id? quantity? payer_note? safe_to_sleep? "
     "awake_by_height?",
     "a payment is received for good, or an outgoing one has its preimage"},
    {42, "payment_failed", "info",
     "payment_id direction amount_msat payment_hash? offer_id? quantity? payer_note? reason?",
     "an outgoing payment failed; nothing was spent"},
    {43, "payment_expired", "info",
     "payment_id direction amount_msat payment_hash? offer_id? quantity? payer_note? reason?",
     "nobody released an outgoing payment in time; nothing was spent"},
    {44, "payment_notified", "info", "payment_id amount_msat",
     "the recipient's server has the announcement of a held payment"},
    {45, "payment_releasing", "info", "payment_id", "the recipient is awake: the payment leaves without a hold"},
    {46, "payment_refused", "info", "amount_msat payment_hash reason", "an HTLC for us was failed"},
    {47, "payment_waits_for_chain", "info", "amount_msat payment_hash",
     "an HTLC for us waits until all blocks are read"},
    {48, "payment_lost_with_its_channel", "warning", "amount_msat channel_id",
     "an HTLC for us waited, and its channel closed on chain before"},
    {49, "payment_lost", "error",
     "direction state amount_msat payment_hash offer_id? quantity? payer_note? safe_to_sleep awake_by_height?",
     "the preimage was given, and the channel closed on chain before the HTLC was settled"},
    {50, "unexpected_settlement", "error", "payment_id? channel_id htlc_id",
     "a preimage came for an HTLC that had ended"},
    {51, "release_path_refused", "warning", "payment_id refused reason",
     "our peer named release paths that cannot be used"},
    {52, "held_htlc_available", "info", "from", "a payment for us is held: we answer with release_held_htlc"},
    {53, "held_htlc_available_refused", "debug", "from reason", "an announcement of a held payment was not taken"},
    // ---- forwards and holds ----
    {70, "htlc_held", "info", "channel_id htlc_id amount_msat fail_back_height",
     "we hold an HTLC for a recipient that sleeps"},
    {71, "hold_released", "info", "channel_id htlc_id amount_msat", "the recipient released a held HTLC"},
    {72, "hold_settled", "info", "channel_id htlc_id amount_msat", "a held HTLC is paid, and its fee earned"},
    {73, "hold_failed", "info", "channel_id htlc_id amount_msat reason", "a held HTLC was failed back"},
    {74, "forward_settled", "info", "channel_id htlc_id amount_msat", "a forwarded HTLC is paid, and its fee earned"},
    {75, "forward_failed", "info", "channel_id htlc_id amount_msat reason", "a forwarded HTLC was failed back"},
    {76, "forward_not_collected", "error", "channel_id htlc_id amount_msat reason",
     "an HTLC was paid to the next node, and its incoming channel is closed"},
    {77, "htlc_refused", "info", "channel_id htlc_id reason", "an HTLC could not be forwarded or read"},
    // ---- offers and static invoices ----
    {90, "invoice_refused", "warning", "payment_id reason", "the answer to our invoice_request cannot be paid"},
    {91, "static_invoice_not_made", "error", "reason", "a static invoice of ours could not be made"},
    {92, "static_invoice_persisted", "info", "offer_id created_at", "our server hands out a new static invoice for us"},
    {93, "offer_withdrawn", "info", "offer_id server", "the server hands out an invoice that nobody can pay instead"},
    {94, "server_left", "info", "server", "we left a static invoice server"},
    {95, "offer_paths_refused", "warning", "invitation from reason", "a request for offer paths was refused"},
    {96, "static_invoice_refused", "warning", "invitation slot reason", "a client's static invoice was refused"},
    {97, "static_invoice_stored", "info", "invitation slot", "a client's static invoice is stored"},
    {98, "request_not_answered", "debug", "from reason", "an invoice_request was dropped to keep a limit"},
    // ---- onion messages and mail ----
    {110, "onion_message_not_taken", "debug", "from reason", "an onion message was dropped to keep a limit"},
    {111, "onion_message_refused", "debug", "from reason", "an onion message cannot be read"},
    {112, "onion_message_dropped", "debug", "from next", "an onion message was for a node that is not connected"},
    {113, "mail_parked", "info", "client messages", "a message waits for a client that sleeps"},
    {114, "mail_refused", "debug", "client from reason", "a message for a client that sleeps was not kept"},
    {115, "mail_delivered", "info", "client messages", "messages that waited were handed to their client"},
    {116, "mail_unreadable", "error", "client key", "a stored message cannot be read"},
    // ---- wallet and chain ----
    {130, "coin_received", "info", "txid output amount_sat", "an output for our wallet is in a block"},
    {131, "transaction_refused", "warning", "txid reason", "bitcoind refuses a transaction of our wallet"},
    {132, "transaction_dropped", "warning", "txid",
     "a transaction of our wallet can never confirm: its coins are free"},
    {133, "broadcast_refused", "debug", "txid reason", "bitcoind refuses a transaction of a channel"},
    {134, "broadcast_unanswered", "warning", "txid reason", "bitcoind gave no answer to a transaction"},
    {135, "chain", "debug, info, or warning without connection", "connected synced detail?",
     "bitcoind is connected, or not; its blocks are read, or not"},
    {136, "chain_trouble", "error", "connected synced trouble detail?",
     "bitcoind's chain cannot be followed: see OPERATING"},
    // ---- gossip ----
    {150, "gossip_ignored", "warning", "from",
     "a peer sent many announcements that are not true: it is not listened to"},
    {151, "channel_announcement_invalid", "warning", "channel_id",
     "our channel cannot be announced: a signature is wrong"},
    // ---- the daemon ----
    {170, "started", "info", "version node_id listen rpc", "the daemon runs"},
    {171, "stopping", "info", "why", "the daemon was asked to stop"},
    {172, "stopped", "info", "commits", "the daemon has stopped"},
    {173, "rpc_is_exposed", "warning", "rpc_host detail", "the API listens on a public address without TLS"},
    {174, "signal_ignored", "info", "signal detail?", "a signal came that does nothing"},
    {175, "disk_failed", "error", "detail", "the database cannot be written or read: the daemon stops"},
    {176, "recording_failed", "error", "detail", "messages cannot be recorded"},
    {177, "log_lines_left_out", "warning", "of lines", "lines were left out before this one, to keep a limit"},
    {178, "row_unreadable", "error", "table key", "a row of the database cannot be read, and is left out of an answer"},
};

/// Calls `visit(name, optional)` for each field of an event.
template <class Visit>
constexpr void each_field(std::string_view fields, Visit visit) {
  while (!fields.empty()) {
    auto end = fields.find(' ');
    auto name = fields.substr(0, end);
    bool optional = name.ends_with('?');
    if (optional) name.remove_suffix(1);
    visit(name, optional);
    fields = end == std::string_view::npos ? std::string_view() : fields.substr(end + 1);
  }
}
/// Places in the two tables; their size if there is no such name. Names are compared as copies: with sanitizers g++ 12
/// takes no address of an element for a constant.
[[nodiscard]] constexpr std::size_t event_field_at(std::string_view name) {
  std::size_t at = 0;
  for (auto field : kEventFields) {
    if (field.name == name) return at;
    ++at;
  }
  return at;
}
[[nodiscard]] constexpr std::size_t event_at(std::string_view name) {
  std::size_t at = 0;
  for (auto row : kEvents) {
    if (row.name == name) return at;
    ++at;
  }
  return at;
}

/// Numbers rise, names differ, every field of every event is described, and every described field is in some event.
consteval bool events_are_in_order() {
  std::uint16_t last = 0;
  std::array<bool, std::size(kEventFields)> used{};
  std::size_t at = 0;
  for (auto row : kEvents) {
    if (row.number <= last || row.name.empty() || row.level.empty() || row.meaning.empty()) return false;
    last = row.number;
    if (event_at(row.name) != at++) return false;
    bool known = true;
    each_field(row.fields, [&](std::string_view name, bool) {
      auto field = event_field_at(name);
      known = known && field < used.size();
      if (known) used[field] = true;
    });
    if (!known) return false;
  }
  for (bool one : used)
    if (!one) return false;
  return true;
}
static_assert(events_are_in_order());

/// Not defined: a call of it, while compiling, is the error message.
void this_event_is_not_in_kEvents();

/// The name of an event of the list; another one does not compile.
class Event {
 public:
  /// By way of a literal where an event is due: "payment_settled".
  consteval Event(const char* name) : at_(event_at(name)) {
    if (at_ == std::size(kEvents)) this_event_is_not_in_kEvents();
  }
  [[nodiscard]] constexpr const EventRow& row() const { return kEvents[at_]; }
  [[nodiscard]] constexpr std::string_view name() const { return row().name; }
  friend constexpr bool operator==(const Event&, const Event&) = default;

 private:
  std::size_t at_;
};

}  // namespace doze
