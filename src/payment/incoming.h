// HTLCs that end here: judged by what this node knows itself, claimed once.
#pragma once

#include <optional>
#include <string>

#include "base/on_disk.h"
#include "effects/htlc_key.h"
#include "effects/words.h"

namespace doze::payment {

/// Claimed is not yet received: until the HTLC is gone from both commitments the peer can take it back on chain at its
/// expiry, unless this node is awake and claims it there.
enum class IncomingState : std::uint8_t {
  Claiming = 0,
  Settled = 1,
  Lost = 2,  // its channel closed on chain before; claiming there is not built yet
};
[[nodiscard]] const char* name(IncomingState state);

struct Incoming {
  PaymentHash payment_hash;
  HtlcKey htlc;
  Msat amount;
  OfferId offer_id;  // zero: an invoice of BOLT 11
  bool is_static = false;
  std::string payer_note;
  UnixTime received_at;
  IncomingState state = IncomingState::Settled;  // rows of 4887d87 do not say: what they are about is long over
  CltvExpiry cltv_expiry;                        // of the HTLC; 0 in rows of 4887d87
  std::optional<std::uint64_t> quantity;
  UnixTime ended_at;
};

/// An HTLC for us that came while our chain was behind: it is judged when the tip is known. A row of
/// Table::IncomingPayment until then.
struct Parked {
  HtlcReceived word;
  UnixTime since;
  MonoTime give_up;  // not durable
};

struct Work;
/// It is judged, or waits for our chain.
void hear(Work& work, const HtlcArrived& word);
/// Durable, told, and settled with the peer.
void claim(Work& work, Incoming payment, const Preimage& preimage);
void hear(Work& work, const ReceivedHtlcGone& word);
/// Nothing of the channel is left: what was being claimed from it and was not settled is lost.
void lose_claims(Work& work, const ChannelId& channel_id);
/// The chain is read to its end: what waited is judged.
void judge_parked(Work& work);
void parked_deadlines(Work& work);
}  // namespace doze::payment

namespace doze {
DOZE_ON_DISK(payment::IncomingState, Claiming, Lost)
}  // namespace doze
