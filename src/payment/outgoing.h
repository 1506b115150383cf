// Payments that we make: one row each, from the offer to the outcome. What a payment does is its state, each with its
// own data and its own timer; each HTLC that it offered is one of its attempts. A source file per group of states:
// fetching, awaiting, sending, holding, online, over.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "effects/context.h"
#include "effects/hearers.h"
#include "effects/htlc_key.h"
#include "effects/words.h"

namespace doze::payment {

// ---- attempts ----

/// What is needed to read a failure that comes back: BOLT 4, "Returning Errors".
struct SentOnion {
  PrivateKey session_key;
  std::vector<PublicKey> hops;        // node ids, blinded ones included
  std::vector<ShortChannelId> scids;  // channel behind each hop; zero inside a blinded path
};

/// AddHtlc was said and not answered yet: it may stand behind other words.
struct Offering {
  SentOnion onion;
};
struct Offered {
  HtlcKey htlc;
  SentOnion onion;
};
/// Its HTLC came back, or our channel did not take it.
struct Returned {
  std::optional<HtlcKey> htlc;  // nullopt: nothing was signed; or an older program did not note it
  std::string failure;          // one line
};
/// Its preimage came.
struct Claimed {
  HtlcKey htlc;
};

/// What a hold ends by.
struct HoldTerms {
  BlockHeight release_deadline;  // announcing stops here
  BlockHeight fail_back;         // our peer fails it back here
};

/// An HTLC of a payment. The onion goes when it is over: its failure says what it was good for.
struct Attempt {
  std::uint32_t part = 0;         // LocalOrigin::part
  Msat sent;                      // with fees
  CltvExpiry final_expiry;        // E: what the recipient's HTLC must still allow
  CltvExpiry htlc_expiry;         // of our own HTLC
  std::optional<HoldTerms> hold;  // it carries the hold flag
  std::variant<Offering, Offered, Returned, Claimed> state;
};

// ---- what a payment does ----

/// It asks for an invoice. The invoicing room gives up in time.
struct Fetching {};
/// Everything is there to send its HTLC but the height: our chain is behind.
struct AwaitingChain {
  std::optional<MonoTime> due;  // looks again; not durable
};
/// A hold that waits for a channel whose peer holds, or for its next commitment round.
struct AwaitingHolder {
  std::optional<MonoTime> due;  // looks again; not durable
};
/// An HTLC that nobody holds is on its way, or about to be.
struct Sending {};
/// An HTLC with the hold flag is on its way, or about to be; our revoke_and_ack for it has not been made.
struct Committing {
  std::vector<wire::BlindedPath> release_paths;
};
/// held_htlc_available, again and again. Not durable.
struct Announcing {
  std::optional<MonoTime> due;  // the next one
  std::size_t round = 0;
  MonoTime told_at;                                                     // the last one
  std::map<std::uint64_t, std::optional<OnionMessageFate>> of_round{};  // messages of this round, by tag
};
/// Our revoke_and_ack has been made: what our peer holds, and how the recipient learns of it.
struct Hold {
  std::vector<wire::BlindedPath> release_paths;
  // Not durable
  bool confirmed = false;             // our peer has our revoke_and_ack: it ponged after it
  std::optional<std::uint64_t> ping;  // to our peer, under way
  Announcing announcing;
};
/// The recipient's mailbox may not know yet.
struct Held {
  Hold hold;
};
/// The mailbox node itself confirmed the announcement.
struct Notified {
  Hold hold;
};
/// Without a hold, before an HTLC: the recipient is told, the HTLC leaves when it answers.
struct Online {
  Announcing announcing;
};
/// The same, when the mailbox node has confirmed it.
struct NotifiedOnline {
  Announcing announcing;
};
struct Settled {
  UnixTime ended_at;
};
struct Unpaid {
  UnixTime ended_at;
  std::string failure;  // one line
  CommandErrorCode code = CommandErrorCode::PaymentFailed;
};
struct Failed {
  Unpaid why;
};
struct Expired {
  Unpaid why;
};

using State = std::variant<Fetching, AwaitingChain, AwaitingHolder, Sending, Committing, Held, Notified, Online,
                           NotifiedOnline, Settled, Failed, Expired>;

/// No HTLC has left: it can be cancelled.
template <class S>
concept Unsent = OneOf<S, Fetching, AwaitingChain, AwaitingHolder, Online, NotifiedOnline>;
template <class S>
concept Holding = OneOf<S, Held, Notified>;
template <class S>
concept OnlineState = OneOf<S, Online, NotifiedOnline>;
template <class S>
concept WithHtlc = OneOf<S, Sending, Committing, Held, Notified>;
template <class S>
concept Over = OneOf<S, Settled, Failed, Expired>;

// ---- what it hears ----

struct SameHash;
/// The store was asked for other payments with the invoice's payment_hash.
struct InvoiceChecked {
  const InvoiceObtained& word;
  const std::vector<SameHash>& others;
};
/// The time of its state has come.
struct TimeCame {};
/// The chain is read to its end.
struct ChainRead {};
/// Channels or their peers changed, or a commitment round is over.
struct HoldersChanged {
  bool now = false;    // one can hold
  bool later = false;  // one that is away may hold later
};
struct Cancelled {
  RequestId request = 0;
};

template <class W>
concept InvoiceWord = OneOf<W, InvoiceObtained, InvoiceChecked, StaticInvoiceObtained, InvoiceFailed>;
template <class W>
concept HtlcWord = OneOf<W, HtlcAdded, HtlcRefused, HtlcFailed>;
/// About an HTLC that our peer holds.
template <class W>
concept HoldWord = OneOf<W, OfferedHtlcCommitted, ReleasePathsReceived, PongReceived, ChannelUsable>;
/// What becomes of announcements.
template <class W>
concept AnswerWord = OneOf<W, OnionMessageOutcome, onion::ReleaseHeldHtlc>;
/// What one that waits hears.
template <class W>
concept WaitWord = OneOf<W, ChainRead, HoldersChanged>;

struct Outgoing {
  PaymentId id;
  State state;
  std::string offer;  // as given
  Msat amount, max_fee;
  std::optional<std::uint64_t> quantity;
  std::string payer_note;
  bool wants_hold = false;  // let our peer hold, if one can
  bool must_hold = false;   // the user insisted
  UnixTime created_at;

  bool is_static = false;  // paid a static invoice: no proof of payment
  bool is_bolt11 = false;  // `offer` is the text of an invoice of BOLT 11
  Bytes invoice, invoice_request;
  std::optional<Preimage> preimage;  // static: chosen by us; ordinary: learnt at settlement
  std::optional<PaymentHash> payment_hash;
  std::vector<Attempt> attempts;  // the oldest first; of each part one at most is under way
  std::string idempotency_key;    // the caller's; empty: none
  Hash32 command_digest;          // of the pay command with that key

  // Not durable.
  std::set<ShortChannelId> excluded_scids;
  std::map<ShortChannelId, wire::ChannelUpdate> told_updates;  // by hops that failed: for this payment alone
  std::set<ChannelId> excluded_channels;
  bool told_at_risk = false;  // pay is answered although nobody confirmed: nothing more may come
  bool counted = false;       // it is over, and its list has counted it

  template <class S>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<S>(state);
  }
  [[nodiscard]] bool settled() const { return is<Settled>(); }
  [[nodiscard]] bool over() const { return settled() || unpaid() != nullptr; }
  /// nullptr: it is not over, or settled.
  [[nodiscard]] const Unpaid* unpaid() const;
  [[nodiscard]] UnixTime ended_at() const;  // 0: it is not over
  /// It waits until its HTLC can leave.
  [[nodiscard]] bool awaits() const { return is<AwaitingChain>() || is<AwaitingHolder>(); }
  /// nullptr: our peer does not hold it, or our revoke_and_ack has not been made.
  [[nodiscard]] const Hold* hold() const;
  [[nodiscard]] Hold* hold();
  /// nullptr: there is nothing to announce.
  [[nodiscard]] Announcing* announcing();
  /// When its state wants to be looked at.
  [[nodiscard]] std::optional<MonoTime> due() const;
  /// Of one that is over: "".
  [[nodiscard]] std::string failure() const { return unpaid() == nullptr ? "" : unpaid()->failure; }
};
/// The state as users see it.
[[nodiscard]] const char* name(const Outgoing& payment);

/// The attempt of this part that is under way. nullptr: none.
[[nodiscard]] Attempt* live_attempt(Outgoing& payment, std::uint32_t part);
/// The attempt whose HTLC is in a channel. nullptr: none, or it is not known yet which HTLC it is.
[[nodiscard]] Attempt* offered_attempt(Outgoing& payment, const HtlcKey& htlc);
/// The last attempt, if its HTLC is in a channel, or was claimed there. nullptr: it is neither.
[[nodiscard]] const Attempt* sent_attempt(const Outgoing& payment);
/// The HTLC that is in a channel.
[[nodiscard]] std::optional<HtlcKey> htlc_of(const Outgoing& payment);
/// nullptr: none of its HTLCs is held.
[[nodiscard]] const HoldTerms* hold_terms(const Outgoing& payment);
/// What a hop said of the last HTLC that came back; if none came back, why our channel refused the first one. Empty:
/// nothing has failed.
[[nodiscard]] std::string last_failure(const Outgoing& payment);

/// What a word about an HTLC of ours is about.
[[nodiscard]] inline std::uint32_t part_of(const HtlcOrigin& origin) {
  const auto* local = std::get_if<LocalOrigin>(&origin);
  return local == nullptr ? 0 : local->part;
}
template <class Word>
[[nodiscard]] HtlcKey htlc_key_of(const Word& word) {
  return {word.channel_id, word.htlc_id};
}

struct Work;
/// What is known of it, in memory and in the store, is looked at first.
void pay(Work& work, RequestId request, const command::Pay& command);
struct PayAsked;
/// by_key if it has an idempotency key, by_hash if it is for an invoice of BOLT 11.
void pay_answered(Work& work, const PayAsked& asked, const std::vector<std::vector<Row>>& rows);
void start_payment(Work& work, RequestId request, const command::Pay& command);
[[nodiscard]] Msat default_max_fee(const Config& config, Msat amount);
/// nullptr: there is none, or it is over (in the store).
[[nodiscard]] Outgoing* find(Work& work, const PaymentId& id);
/// Payments of ours with this hash, those in the store apart.
[[nodiscard]] std::vector<PaymentId> paid_with(Work& work, const PaymentHash& hash);
/// It is over: Settled, Failed or Expired. What it was doing ends with it.
void end_payment(Work& work, Outgoing& payment, State end);
void fail_payment(Work& work, Outgoing& payment, CommandErrorCode code, std::string failure);
/// What `pay` is answered with.
[[nodiscard]] std::variant<Value, CommandError> outcome_of(const Outgoing& payment, const Context& context);
void answer_waiters(Work& work, Outgoing& payment);

// ---- cancelpayment ----

void cancel_unsent(Work& work, Outgoing& payment, RequestId request);
void refuse_to_cancel_sent(Work& work, Outgoing& payment, RequestId request);
template <Unsent S>
void on(Work& work, Outgoing& payment, S& /*state*/, const Cancelled& word) {
  cancel_unsent(work, payment, word.request);
}
template <WithHtlc S>
void on(Work& work, Outgoing& payment, S& /*state*/, const Cancelled& word) {
  refuse_to_cancel_sent(work, payment, word.request);
}

}  // namespace doze::payment
