// Payments that we make: one row each, from the offer to the outcome. Announcing a hold is in announce.h.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/on_disk.h"
#include "effects/context.h"
#include "effects/htlc_key.h"
#include "effects/words.h"

namespace doze::payment {

enum class OutgoingState : std::uint8_t {
  Fetching = 0,   // asking for an invoice
  Sending = 1,    // an HTLC for an ordinary invoice is on its way
  Held = 2,       // our peer holds the HTLC (or is about to); the recipient's mailbox may not know yet
  Notified = 3,   // the mailbox node itself confirmed the announcement
  Releasing = 4,  // no hold: the recipient answered, the HTLC is on its way
  Settled = 5,
  Failed = 6,
  Expired = 7,
};
[[nodiscard]] const char* name(OutgoingState state);
[[nodiscard]] inline bool is_terminal(OutgoingState state) {
  return state >= OutgoingState::Settled;
}

/// What is needed to read a failure that comes back: BOLT 4, "Returning Errors".
struct SentOnion {
  PrivateKey session_key;
  std::vector<PublicKey> hops;        // node ids, blinded ones included
  std::vector<ShortChannelId> scids;  // channel behind each hop; zero inside a blinded path
};

struct Outgoing {
  PaymentId id;
  OutgoingState state = OutgoingState::Fetching;
  std::string offer;  // as given
  Msat amount, max_fee;
  std::optional<std::uint64_t> quantity;
  std::string payer_note;
  bool wants_hold = false;  // let our peer hold, if one can
  bool must_hold = false;   // the user insisted
  UnixTime created_at, ended_at;

  bool is_static = false;  // paid a static invoice: no proof of payment
  bool is_bolt11 = false;  // `offer` is the text of an invoice of BOLT 11
  bool held = false;       // the HTLC carried the hold flag
  Bytes invoice, invoice_request;
  std::optional<Preimage> preimage;  // static: chosen by us; ordinary: learnt at settlement
  std::optional<PaymentHash> payment_hash;
  std::optional<HtlcKey> htlc;  // where it was offered
  Msat sent;                    // with fees
  std::optional<SentOnion> onion;
  CltvExpiry final_expiry;       // E: what the recipient's HTLC must still allow
  BlockHeight release_deadline;  // announcing stops here
  BlockHeight fail_back;         // our peer fails a hold back here
  CltvExpiry htlc_expiry;        // of our own HTLC
  std::vector<wire::BlindedPath> release_paths;
  bool committed = false;       // our revoke_and_ack for it has been made
  std::uint32_t attempts = 0;   // HTLCs sent so far
  std::string failure;          // one line, when failed or expired
  std::string last_failure;     // what a hop said of the last HTLC that came back: another try may follow
  std::string idempotency_key;  // the caller's; empty: none
  Hash32 command_digest;        // of the pay command with that key
  CommandErrorCode failure_code = CommandErrorCode::PaymentFailed;

  // Not durable: recomputed at Started.
  std::size_t announce_round = 0;
  std::optional<MonoTime> next_announce;
  MonoTime told_at;                                                        // the last announcement
  std::optional<std::uint64_t> ping;                                       // to its holder, under way
  std::map<std::uint64_t, std::optional<OnionMessageFate>> announcements;  // of this round, by tag
  std::set<ShortChannelId> excluded_scids;
  std::map<ShortChannelId, wire::ChannelUpdate> told_updates;  // by hops that failed: for this payment alone
  std::set<ChannelId> excluded_channels;
  bool holder_confirmed = false;  // our peer has our revoke_and_ack: it ponged after it
  bool told_at_risk = false;      // pay is answered although nobody confirmed: nothing more may come
  bool counted = false;           // it is over, and its list has counted it
  bool offering = false;          // AddHtlc was said and not answered yet: it may stand behind other words

  /// Everything is there to send its HTLC but the height.
  [[nodiscard]] bool awaits_chain() const {
    return !htlc && !offering && (state == OutgoingState::Sending || state == OutgoingState::Releasing);
  }
  /// A hold that waits for a channel whose peer holds, or for its next commitment round.
  [[nodiscard]] bool awaits_holder() const { return is_static && held && !htlc && !offering && !is_terminal(state); }
};

struct Work;
/// What is known of it, in memory and in the store, is looked at first.
void pay(Work& work, RequestId request, const command::Pay& command);
struct PayAsked;
/// by_key if it has an idempotency key, by_hash if it is for an invoice of BOLT 11.
void pay_answered(Work& work, const PayAsked& asked, const std::vector<std::vector<Row>>& rows);
void start_payment(Work& work, RequestId request, const command::Pay& command);
[[nodiscard]] Msat default_max_fee(const Config& config, Msat amount);
void cancel_payment(Work& work, RequestId request, const PaymentId& id);
void hear(Work& work, const InvoiceObtained& word);
struct SameHash;
/// `others`: payments in the store with the invoice's payment_hash.
void invoice_answered(Work& work, const InvoiceObtained& word, const std::vector<SameHash>& others);
void hear(Work& work, const StaticInvoiceObtained& word);
void hear(Work& work, const InvoiceFailed& word);
void send_htlc(Work& work, Outgoing& payment);
/// Asked for an invoice, or waiting for a holder or our chain, for longer than that takes, and no HTLC has left: ended.
[[nodiscard]] bool end_interrupted(Work& work, Outgoing& payment);
/// Held payments that wait for their channel, or for its next round: one is usable now.
void hold_on_usable(Work& work, std::size_t most);
/// The same, as time goes by: true while (or because) it waits for its channel.
[[nodiscard]] bool waits_for_holder(Work& work, Outgoing& payment);
/// An HTLC that waits for our chain: a payer that has just woken knows yesterday's height. True while (or because) it
/// waits; it leaves when the chain is read.
[[nodiscard]] bool waits_for_chain(Work& work, Outgoing& payment);
/// The chain is read to its end: what waited for it is sent.
void send_on_synced(Work& work);
/// Pays without a hold: the recipient is told, the HTLC leaves when it answers.
void stay_online(Work& work, Outgoing& payment);
void outgoing_added(Work& work, const PaymentId& id, const HtlcAdded& word);
/// nullptr: there is none, or it is over (in the store).
[[nodiscard]] Outgoing* find(Work& work, const PaymentId& id);
/// Payments of ours with this hash, those in the store apart.
[[nodiscard]] std::vector<PaymentId> paid_with(Work& work, const PaymentHash& hash);
void outgoing_refused(Work& work, const PaymentId& id, const HtlcRefused& word);
void outgoing_fulfilled(Work& work, const PaymentId& id, const HtlcFulfilled& word);
void outgoing_failed(Work& work, const PaymentId& id, const HtlcFailed& word);
void end_payment(Work& work, Outgoing& payment, OutgoingState state, CommandErrorCode code, std::string failure);
/// What `pay` is answered with.
[[nodiscard]] std::variant<Value, CommandError> outcome_of(const Outgoing& payment, const Context& context);
void answer_waiters(Work& work, Outgoing& payment);

}  // namespace doze::payment

namespace doze {
DOZE_ON_DISK(payment::OutgoingState, Fetching, Expired)
}  // namespace doze
