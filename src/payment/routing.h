// HTLCs of ours: their routes and onions, and what a failure that comes back says.
#pragma once

#include "graph/pathfind.h"
#include "onion/failures.h"
#include "onion/sphinx.h"
#include "payment/outgoing.h"

namespace doze::payment {

// ---- failures on the way back ----
struct DecodedFailure {
  std::optional<std::size_t> hop;  // index into SentOnion::hops
  std::uint16_t code = 0;
  std::string text;
  Bytes data;
};
/// The channel_update that some failures carry, of whatever channel. BOLT 4, "Failure Messages". nullopt: none, or it
/// does not parse. The hop that failed has authenticated it with the failure; nobody else has.
[[nodiscard]] std::optional<wire::ChannelUpdate> update_in(const DecodedFailure& failure);
[[nodiscard]] DecodedFailure decode_failure(const SentOnion& onion, ByteView reason);
/// What came back instead of a preimage.
[[nodiscard]] DecodedFailure failure_of(const SentOnion& onion, const FailReason& reason);

// ---- ours ----
struct RouteError {
  CommandErrorCode code;
  std::string why;
};
/// An HTLC ready to be offered.
struct Prepared {
  ChannelId channel_id;
  Msat amount;
  CltvExpiry cltv_expiry;  // of our own HTLC
  CltvExpiry next_expiry;  // of our peer's outgoing one: its fail-back height follows from it
  Bytes packet;
  SentOnion onion;
  std::optional<Profile> link;        // hold: the form of the flag
  std::optional<PublicKey> path_key;  // goes into update_add_htlc: the blinded path starts at ourselves
};
/// What routes of all kinds of invoices start from; the destination is the caller's. `hold`: as for prepare.
[[nodiscard]] graph::RouteRequest route_request(const Context& context, const Outgoing& payment,
                                                CltvExpiry final_expiry, bool hold);
[[nodiscard]] RouteError route_error(const graph::RouteFailure& failure);
/// Ordinary payloads of all hops but the last; scids of all hops go into `sent`.
[[nodiscard]] std::vector<onion::Hop> ordinary_hops(const graph::Route& route, SentOnion& sent);
/// The packet over these hops, `sent.hops` and the session key.
[[nodiscard]] Result<Bytes, RouteError> build_packet(const Context& context, const Outgoing& payment,
                                                     const std::vector<onion::Hop>& hops, SentOnion& sent);
/// Room that the tail leaves for ordinary payloads, in hops, the one that starts the tail included; 0: the tail itself
/// does not fit.
[[nodiscard]] std::size_t room_for_hops(std::size_t tail_bytes);
/// prepare for an invoice of BOLT 11: over the graph and the invoice's route hints.
[[nodiscard]] Result<Prepared, RouteError> prepare_bolt11(const Context& context, const Outgoing& payment,
                                                          CltvExpiry final_expiry);
/// A route to one of the invoice's payment paths, with the payload that its kind needs. `final_expiry` is E of
/// outgoing_cltv_value at the recipient. `hold`: only over channels whose peer holds.
[[nodiscard]] Result<Prepared, RouteError> prepare(const Context& context, const Outgoing& payment,
                                                   CltvExpiry final_expiry, bool hold);

}  // namespace doze::payment
