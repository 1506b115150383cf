// Durable records. One input gives one Batch; the store commits it whole before any Action of that input runs.
//
// The first byte of a value is the record's version. The rest is a TLV stream or fixed fields, which the room that owns
// the table writes and reads. A room reads every version that was ever released (vectors/records-v*.json). Each room
// chooses its own keys.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/parse_error.h"

namespace doze {

/// A closed list. The numbers are on disk: never reuse or change one.
enum class Table : std::uint8_t {
  Meta = 1,              // node: format, seed fingerprint, chain tip (hashes of the last blocks)
  Channel = 2,           // channel: one row per channel, and one per HTLC (channel/records.h)
  Coin = 5,              // wallet: one row per coin of ours
  WalletState = 6,       // wallet: next address index, reservations
  GossipNode = 7,        // gossip: raw node_announcement
  GossipChannel = 8,     // gossip: raw channel_announcement, and updates
  PeerPolicy = 9,        // gossip: channel_update of a peer for one of our channels
  PeerAddress = 10,      // peer: where to dial
  Mailbox = 11,          // onion_message: one row per parked message, key client ‖ sequence
  Offer = 12,            // invoicing: our offers, async ones with their slot
  Invitation = 13,       // invoicing: issued by us as server
  Joined = 14,           // invoicing: servers that we joined
  StaticInvoice = 15,    // invoicing: stored for clients, key recipient ‖ slot
  OutgoingPayment = 16,  // payment
  IncomingPayment = 17,  // payment: claimed, or waiting to be judged
  Forward = 18,          // forwarding: forwards and the hold ledger, key channel_id ‖ htlc_id
  ReleaseDue = 19,       // payment: reply paths that still get answers
  InvoiceSent = 20,      // payment: BOLT 11 invoices that we issued, key payment_hash
  EndedForward = 21,     // forwarding: what is over, key list ‖ received_at ‖ channel_id ‖ htlc_id
  EndedPayment = 22,     // payment: what is over, key list ‖ time ‖ payment_id, or channel_id ‖ htlc_id
  PaymentIndex = 23,     // payment: where an ended payment stands, by its id, its payment_hash, its idempotency key
  Count = 24,            // how many rows a list of ended ones has, key table ‖ list
  PaidInvoice = 25,      // payment: invoices of BOLT 12 that are paid and have not expired, key payment_hash
  Close = 26,            // channel: what a block has of a channel that closes on chain, and one row per output
  HtlcLog = 27,          // channel: HTLCs that a commitment of the peer's ever had, key channel_id ‖ direction ‖ id
};

struct Put {
  Table table;
  Bytes key;
  Bytes value;
};
struct Erase {
  Table table;
  Bytes key;
};
using Record = std::variant<Put, Erase>;
using Batch = std::vector<Record>;

struct Row {
  Table table;
  Bytes key;
  Bytes value;
};

/// A row that cannot be read. The node names it and does not start.
struct LoadError {
  Table table;
  Bytes key;
  ParseError error;
};

}  // namespace doze
