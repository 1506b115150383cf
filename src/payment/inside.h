// The payment room's own state: three collections and their schedules. Only payment/*.cc include this.
#pragma once

#include <map>
#include <set>

#include "effects/hearers.h"
#include "effects/limits.h"
#include "effects/tags.h"
#include "onion/htlc_onion.h"
#include "paths/own_paths.h"
#include "payment/payments.h"
#include "payment/tables.h"

namespace doze::payment {

// ---- outgoing ----

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
  bool offering = false;          // AddHtlc was said and not answered yet: it may stand behind other words

  /// Everything is there to send its HTLC but the height.
  [[nodiscard]] bool awaits_chain() const {
    return !htlc && !offering && (state == OutgoingState::Sending || state == OutgoingState::Releasing);
  }
  /// A hold that waits for a channel whose peer holds, or for its next commitment round.
  [[nodiscard]] bool awaits_holder() const { return is_static && held && !htlc && !offering && !is_terminal(state); }
};

// ---- incoming ----

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

/// An invoice of BOLT 11 that we made. Its preimage is invoice_preimage(nonce).
struct Issued {
  PaymentHash payment_hash;
  std::array<std::uint8_t, 16> nonce{};
  std::string invoice;
  UnixTime expires_at;
  std::optional<UnixTime> paid_at;
  Msat received;
};

/// A reply path that still gets answers.
struct ReleaseDue {
  Bytes reply_path;
  Profile profile = Profile::Ldk;
  std::uint32_t answers = 0;
  std::uint64_t sequence = 0;  // oldest first
  OfferId offer_id;            // zero: the announcement came over a path of 4887d87, which names no offer

  // Not durable.
  std::optional<MonoTime> next;  // the next answer; while one is on its way: when it counts as lost
  std::uint64_t tag = 0;         // of the answer on its way
  std::optional<MonoTime> answered_at;
  std::size_t failures = 0;  // answers in a row that could not be delivered

  [[nodiscard]] bool finished() const { return answers >= 1 + std::size(kReleaseRepeatMs); }
};

// ---- forwards ----

enum class ForwardState : std::uint8_t {
  Early = 0,  // released before it was committed: acts when the HTLC comes
  Held = 1,
  Released = 2,  // waits for its outgoing channel
  Waiting = 3,   // ordinary forward to a client that may be waking
  Forwarded = 4,
  Settled = 5,
  Failed = 6,
};
[[nodiscard]] const char* name(ForwardState state);
[[nodiscard]] inline bool is_terminal(ForwardState state) {
  return state >= ForwardState::Settled;
}

struct Forward {
  HtlcKey incoming;
  ForwardState state = ForwardState::Waiting;
  std::optional<Profile> hold;
  PaymentHash payment_hash;
  Msat amount_in, amount_out;
  CltvExpiry expiry_in, expiry_out;
  BlockHeight fail_back;  // failed back, off-chain, at this height unless forwarded
  ChannelId next_channel;
  Bytes next_onion;  // dropped once terminal
  std::optional<PublicKey> next_path_key;
  onion::BlindedRole role = onion::BlindedRole::None;
  SharedSecret shared_secret;  // of the incoming onion: encrypts a failure
  Hash32 sha256_of_onion;      // of the incoming onion: for update_fail_malformed_htlc
  std::optional<std::uint64_t> outgoing_htlc;
  UnixTime received_at, ended_at;
  std::string failure;  // one line

  // Not durable.
  NodeId peer;                         // it came from; with `incoming` known, this is
  std::optional<MonoTime> wait_until;  // Waiting
  std::uint64_t turn = 0;              // not 0: its place in the queue for room in the next channel
};

/// Rows of the past, for people: 200 to 800 bytes each. A settled forward has paid its fee; failed ones are for
/// nothing, so they push out only each other, and so do payments that are smaller than the smallest coin.
inline constexpr std::size_t kMaxSettledForwards = 1'000'000, kMaxFailedForwards = 100'000;
inline constexpr std::size_t kMaxEndedPayments = 1'000'000, kMaxSmallReceipts = 10'000;
inline constexpr Msat kSmallReceipt{1'000};  // below
/// Invoices of BOLT 11 kept for people; beyond, old ones that can be paid no more are erased.
inline constexpr std::size_t kMaxInvoices = 10'000;
/// Ways that an invoice of BOLT 11 names: more make it long and are hardly tried.
inline constexpr std::size_t kMaxRouteHints = 3;
/// HTLCs that one payment may try, one after the other (never for a hold).
inline constexpr std::uint32_t kMaxAttempts = 10;
/// An invoice comes within a minute or the invoicing room gives up: one that is still awaited after this at a start was
/// interrupted, and its user does not expect it any more.
inline constexpr std::uint64_t kFetchingWaitS = 60;
/// A payment that should be held waits so long for a channel whose peer is away, and looks so often.
inline constexpr std::uint64_t kHolderWaitS = 600, kHolderCheckMs = 10'000;
/// A draft link takes one held HTLC a commitment round: the next payment tries again so often.
inline constexpr std::uint64_t kHoldRoundMs = 1'000;
/// Reply paths that are kept for answers, by number and bytes: a path takes 150 to 300 bytes, those that blow up a
/// message count for more. A wake-up answers all of them, so it may not be more than some seconds of work.
inline constexpr std::size_t kMaxReleasesDue = 2'560, kMaxReleaseBytes = 1'048'576;
/// An onion message takes half a millisecond to build: the others leave in the next steps, the oldest first.
inline constexpr std::size_t kReleasesPerStep = 64;
/// Of one offer: whoever knows it, and nobody else, can announce for it. Three quarters, so that others find room.
inline constexpr std::size_t kMaxReleasesPerOffer = kMaxReleasesDue * 3 / 4;
/// A block is read in a moment, a start takes some seconds: so long new HTLCs for others wait for our chain, later they
/// are refused at once.
inline constexpr std::uint64_t kChainPatienceMs = 60'000;
/// HTLCs for us wait so long: a phone that was off for weeks reads blocks for minutes, and an hour is 6 of the 41
/// blocks that an HTLC must have left.
inline constexpr std::uint64_t kParkedMaxMs = 3'600'000;
/// An answer to an announcement has found its way by then: a connection is awaited for 25 s, a pong for 30.
inline constexpr std::uint64_t kReleaseOutcomeWaitMs = 60'000;
/// A channel that becomes usable hastens the answers that are due, but not those that have just left: channels come
/// back one after the other.
inline constexpr std::uint64_t kReleaseQuietMs = 10'000;
/// Releases wait so long for the other channels when the first one is usable: an HTLC may come over any of them.
/// Channels come back within a second or two of each other, an app may be awake for some seconds only, and an LSP like
/// ours keeps an HTLC for a connected client until its channel is back.
inline constexpr std::uint64_t kAllChannelsWaitMs = 3'000;
/// An ordinary forward with fewer blocks left than this is refused: its next hop would refuse it. Our own time to
/// resolve it on chain is the difference between the two expiries. Payees ask for 9 blocks at least in practice (Core
/// Lightning 26.06 on test networks: 10, of which a payer that is one block behind spends one); LND forwards with 13,
/// LDK with 3, Core Lightning with 1. Whoever pays a payee with 18 from a chain that is two blocks behind was refused
/// by 18.
inline constexpr CltvDelta kMinOutgoingLeft{9};
/// Ordinary HTLCs for others that wait for one channel, or for our chain: more than its slots do not fit when it is
/// back, and would only fail later. And for all channels together: each costs 2 KiB, and what waited for our chain is
/// offered in one step.
inline constexpr std::size_t kMaxWaitingForChannel = 483, kMaxWaitingForwards = 10'000;
/// Of those so many came from one peer, over all of its channels: what two full channels carry. An LSP that releases a
/// thousand holds at once stays below; 11 such peers fill the node, and they have 22 channels open with it.
inline constexpr std::size_t kMaxWaitingOfPeer = 2 * kMaxWaitingForChannel;
/// A phone that changes its network is back by then; whoever was not sent mail is not awaited longer.
inline constexpr std::uint64_t kClientBlinkMs = 5'000;
/// A static invoice may name many nodes for its announcements; LDK sends 10 (lightning 0.2.7, offers/flow.rs:254).
/// After the first rounds fewer each time: some 60 messages in the first six minutes, then 6 per hour.
inline constexpr std::size_t kMaxAnnouncedPaths = 10, kMaxRepeatedPaths = 3;
/// Longer release paths fit into no onion message, or blow it up to 32 KiB. LDK's have about 750 bytes.
inline constexpr std::size_t kMaxReleasePathBytes = 4'096;

/// waitpayment for an invoice of ours: it may live for ages; a caller does not, and asks again.
inline constexpr std::uint64_t kLongestWaitS = 86'400;
/// waitpayment for a payment to us.
struct ReceiptWaiter {
  RequestId request = 0;
  bool wants_settled = true;
  std::optional<MonoTime> until;  // the invoice has expired by then
};
/// All of them, by hash, by request and by time.
class ReceiptWaiters {
 public:
  using Key = std::pair<PaymentHash, RequestId>;
  void add(const PaymentHash& hash, const ReceiptWaiter& waiter);
  /// Nothing happens if it does not wait.
  void erase(RequestId request);
  [[nodiscard]] std::vector<ReceiptWaiter> of(const PaymentHash& hash) const;
  /// By `until`.
  [[nodiscard]] const Due<Key>& due() const { return due_; }
  [[nodiscard]] bool empty() const { return all_.empty(); }

 private:
  std::map<Key, ReceiptWaiter> all_;
  std::map<RequestId, PaymentHash> hashes_;
  Due<Key> due_;
};

/// Announcements that leave in one step: each takes half a millisecond to build, and the others wait for the next.
inline constexpr std::size_t kDuePerStep = 32;
/// Holds that try after a commitment round: a draft link takes one, and the others have their timers.
inline constexpr std::size_t kHoldsPerRound = 4;
/// One more sign that a recipient is awake: of the other holds for the same offer so many, the longest untold first,
/// are announced again a second later, when that one's own release had time to come. Each at most every 20 s. Its
/// mailbox may have had room for a part of them only, and it may be gone before their next turn.
inline constexpr std::size_t kHastenedPerSign = 8;
inline constexpr std::uint64_t kHastenMs = 1'000, kHastenQuietMs = 20'000;
/// Holds of one peer over all of its channels: as many as two full channels of a payer. 21 such peers fill the node.
inline constexpr std::size_t kMaxHeldPerPeer = 2 * kMaxHeldPerChannel;
/// A hold takes an HTLC slot of the peer's channel and 5 KiB here, up to a week, and pays nothing before it is
/// released: below 10 sat it is worth less than that. When half of all places are taken, the rest is for payments that
/// lock up a real amount: filling it takes 5,000 times that.
inline constexpr Msat kMinHeld{10'000}, kMinHeldWhenBusy{1'000'000};
/// A release that came before its HTLC: the HTLC follows within a commitment round or a reconnection. Beyond these
/// limits the recipient's next answer (kReleaseRepeatMs) does the same.
inline constexpr std::uint64_t kEarlyLifeS = 600, kEarlyCheckMs = 60'000;
inline constexpr std::size_t kMaxEarlyPerChannel = 64, kMaxEarly = 1'000;
/// A full channel is looked at so often, and asked when HTLCs have gone; a feerate or a limit may also change, so it is
/// asked without that, too.
inline constexpr std::uint64_t kRoomCheckMs = 100, kRoomAskMs = 30'000;
/// Released ones that do not fit, each time: smaller ones behind may.
inline constexpr std::size_t kMisfitsPerRound = 16;

/// The last refusal of a channel that released ones queue for.
struct Full {
  MonoTime next, ask_at;
  std::size_t most_offered = 0;    // HTLCs in it since
  Msat least = Msat::max_money();  // that could be spent since
  std::size_t misfits = 0;
};

struct Payments::Inside {
  Rows<OutgoingIndex> outgoing;
  Rows<IncomingIndex> incoming;
  std::map<HtlcKey, Parked> parked;
  Due<HtlcKey> parked_due;  // give_up: of those in `parked`, after Started
  Rows<IssuedIndex> invoices;
  ReceiptWaiters receipt_waiters;
  Rows<ReleaseIndex> releases;
  Rows<ForwardIndex> forwards;
  std::map<ChannelId, Full> full;
  std::set<std::pair<MonoTime, ChannelId>> full_due;  // by Full::next
  MonoTime announce_on;                               // announcements beyond kDuePerStep are due then
  std::uint64_t next_turn = 1;
  std::optional<MonoTime> early_check;
  MonoTime awake_checked;
  std::map<PaymentId, std::vector<std::pair<RequestId, bool>>> waiters;  // request, wants terminal
  std::set<RequestId> pay_requests;                                      // of those: answers with the text of `pay`
  std::map<NodeId, MonoTime> awake;                                      // clients that were sent mail lately
  std::map<NodeId, MonoTime> left;                      // clients that disconnected within kClientBlinkMs
  std::optional<MonoTime> started;                      // before it we do not remember who was awake
  std::map<std::uint64_t, PaymentId> tags;              // announcements under way
  std::map<std::uint64_t, PaymentId> pings;             // to holding peers, by token
  std::map<std::uint64_t, std::uint64_t> release_tags;  // answers on their way: ReleaseDue::sequence
  std::optional<MonoTime> behind_since;                 // our chain is not read to its end
  bool any_usable = false;                              // of our channels
  std::optional<MonoTime> all_usable_by;                // releases wait for the other channels until then
  std::uint64_t next_tag = 1;
  std::uint64_t next_release = 1;
};

/// One step under way: the state, what it may know, what it says.
struct Work {
  Payments::Inside& state;
  const Context& context;
  Effects& out;

  void say(Effect effect) { out.push_back(std::move(effect)); }
  void notify(Severity severity, Event event, Fields facts) { say(Notify{severity, event, std::move(facts)}); }
};

// records.cc
[[nodiscard]] Put record(const Outgoing& payment);
[[nodiscard]] Put record(const Incoming& payment);
[[nodiscard]] Put record(const Parked& parked);
[[nodiscard]] Put record(const Issued& invoice);
[[nodiscard]] Put record(const ReleaseDue& release);
[[nodiscard]] Put record(const Forward& forward);
[[nodiscard]] Bytes key_of(const HtlcKey& htlc);
[[nodiscard]] Result<Outgoing, ParseError> read_outgoing(ByteView value);
[[nodiscard]] Result<Incoming, ParseError> read_incoming(ByteView value);
[[nodiscard]] bool is_parked(ByteView value);
[[nodiscard]] Result<Parked, ParseError> read_parked(ByteView value);
[[nodiscard]] Result<Issued, ParseError> read_issued(ByteView value);
[[nodiscard]] Result<ReleaseDue, ParseError> read_release(ByteView value);
[[nodiscard]] Result<Forward, ParseError> read_forward(ByteView value);

// outgoing.cc
void start_payment(Work& work, RequestId request, const command::Pay& command);
[[nodiscard]] Msat default_max_fee(const Config& config, Msat amount);
void cancel_payment(Work& work, RequestId request, const PaymentId& id);
void on(Work& work, const InvoiceObtained& word);
void on(Work& work, const StaticInvoiceObtained& word);
void on(Work& work, const InvoiceFailed& word);
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
/// The command gets an error.
void refuse(Work& work, RequestId request, CommandErrorCode code, std::string message);
/// nullptr: there is none.
[[nodiscard]] Outgoing* find(Work& work, const PaymentId& id);
/// Payments of ours with this hash.
[[nodiscard]] std::vector<PaymentId> paid_with(Work& work, const PaymentHash& hash);
void outgoing_refused(Work& work, const PaymentId& id, const HtlcRefused& word);
void outgoing_fulfilled(Work& work, const PaymentId& id, const HtlcFulfilled& word);
void outgoing_failed(Work& work, const PaymentId& id, const HtlcFailed& word);
void end_payment(Work& work, Outgoing& payment, OutgoingState state, CommandErrorCode code, std::string failure);
void answer_waiters(Work& work, Outgoing& payment);

// bolt11.cc
/// `text` is that of an invoice (offers::bolt11_text).
void start_bolt11(Work& work, RequestId request, const command::Pay& command, const std::string& text);
/// outgoing_cltv_value of the recipient's payload.
[[nodiscard]] CltvExpiry bolt11_final_expiry(const Context& context, const Outgoing& payment);
/// A hop of a way that the invoice names says that its policy is another one: the invoice is older. True: it is tried
/// once more as the hop wants it.
[[nodiscard]] bool learn_update(Outgoing& payment, const wire::ChannelUpdate& update, ShortChannelId failed);

// invoices.cc: invoices of BOLT 11 that we issue, and HTLCs that pay them
void create_invoice(Work& work, RequestId request, const command::CreateInvoice& command);
void receive_plain(Work& work, const HtlcReceived& word, const onion::PeeledPlain& onion);
void refuse_plain(Work& work, const HtlcReceived& word, const onion::PeeledPlain& onion, std::uint16_t code,
                  ByteView data, const std::string& why);
[[nodiscard]] Value describe(const Issued& issued, const Payments::Inside& state, UnixTime now);

// announce.cc
void announce(Work& work, Outgoing& payment);
void announce_on_usable(Work& work, const ChannelUsable& word);
void outgoing_committed(Work& work, const PaymentId& id, const OfferedHtlcCommitted& word);
void on(Work& work, const ReleasePathsReceived& word);
void on(Work& work, const OnionMessageOutcome& word);
void on(Work& work, const PongReceived& word);
/// The recipient of this payment is awake: other holds for it are announced again.
void hasten_announcements(Work& work, const Outgoing& payment);
/// Whether a hold can still end well. False: our peer gave no way to release it that leads anywhere, or it is too late.
[[nodiscard]] bool can_be_released(const Context& context, const Outgoing& payment);
/// Waiters of held payments whose release deadline has come.
void answer_late_waiters(Work& work);
/// A release over our own reply path: the online payer sends now.
void payer_released(Work& work, const PaymentId& id);
void outgoing_deadlines(Work& work);

// answers.cc: what callers ask about payments, and commands that they repeat
/// Fills in a pay command's payment. True: this key has a payment already, and the request is answered by it.
[[nodiscard]] bool answered_by_key(Work& work, RequestId request, const command::Pay& command);
void remember_key(const command::Pay& command, Outgoing& payment);
void get_payment(Work& work, RequestId request, const PaymentId& id);
void wait_payment(Work& work, RequestId request, const PaymentId& id, bool wants_settled);
void answer_receipt_waiters(Work& work, const PaymentHash& hash);
void receipt_deadlines(Work& work);

// incoming.cc and releases.cc
/// Durable, told, and settled with the peer.
void claim(Work& work, Incoming payment, const Preimage& preimage);
void on(Work& work, const ReceivedHtlcGone& word);
/// The channel is closed on chain: what was being claimed from it is lost to this version.
void lose_claims(Work& work, const ChannelId& channel_id);
void receive_final(Work& work, const HtlcReceived& word, const onion::PeeledFinal& onion);
void park(Work& work, const HtlcReceived& word);
/// The chain is read to its end: what waited is judged.
void judge_parked(Work& work);
void parked_deadlines(Work& work);
void on_held_htlc_available(Work& work, const OnionMessageReceived& word, Profile profile);
/// What is due is answered if we can be paid. `all`: also what would be due later, because a channel has just come
/// back.
void send_due_releases(Work& work, bool all);
void release_outcome(Work& work, const OnionMessageOutcome& word);
/// Some channel became usable (`came`), is not any more, or time has passed.
void channels_changed(Work& work, bool came);

// forwards.cc
void on(Work& work, const HtlcReceived& word);
void on_release_held_htlc(Work& work, const OnionMessageReceived& word);
void forward_added(Work& work, const ForwardOrigin& origin, const HtlcAdded& word);
void forward_refused(Work& work, const ForwardOrigin& origin, const HtlcRefused& word);
void forward_fulfilled(Work& work, const ForwardOrigin& origin, const HtlcFulfilled& word);
void forward_failed(Work& work, const ForwardOrigin& origin, const HtlcFailed& word);
/// Fails it upstream, from exactly this state.
void end_failed(Work& work, Forward& forward, ForwardState from, std::string why, std::uint16_t code);
/// Not offered downstream yet.
[[nodiscard]] bool is_parked(const Forward& forward);
/// Offer it downstream if the channel is usable; else wait in the state it is in: Released or Waiting.
void try_forward(Work& work, Forward& forward);
/// HTLCs of this channel can be resolved on chain only, by force or because it is closed.
[[nodiscard]] bool is_on_chain(const Context& context, const ChannelId& id);
/// The channel's funding transaction left the chain: nothing that comes over it is worth anything until it is back.
[[nodiscard]] bool funding_gone(const Context& context, const ChannelId& id);
void fail_hold(Work& work, RequestId request, const command::FailHold& command);

// forward_waits.cc
/// At the start: who is awaited, and in which order.
void forwards_started(Work& work);
/// Held or waiting ones whose deadline has come, or whose own channel is gone.
void end_parked_forwards(Work& work);
/// Of this channel, if it is on chain.
void end_forwards_from(Work& work, const ChannelId& channel);
void forward_deadlines(Work& work);
/// Those from this channel, whose funding is back in the chain.
void retry_forwards_from(Work& work, const ChannelId& channel);
/// What waited for this channel, and for its chain.
void retry_forwards(Work& work, const ChannelId& next_channel);
void retry_all_forwards(Work& work);
/// A release for an HTLC that is not committed yet is remembered.
void release_early(Work& work, const HtlcKey& key);
/// It is offered, or queues for room in its channel.
void forward_released(Work& work, Forward& forward);
/// Whether there may be room later.
[[nodiscard]] bool waits_for_room(AddRefusal refusal);
/// The next channel was full for this one.
void wait_for_room(Work& work, const Forward& forward, AddRefusal refusal);
/// The first released one behind this turn.
void offer_next(Work& work, const ChannelId& channel, std::uint64_t turn);

// history.cc
/// At the end of a step: rows beyond their limits go, the oldest first.
void forget_history(Work& work);

// describe.cc
/// A row of a list leaves out the static invoice: it is long and proves nothing.
enum class InList : std::uint8_t { No, Yes };
[[nodiscard]] Value describe(const Outgoing& payment, const Context& context, InList in_list = InList::No);
[[nodiscard]] Value describe(const Incoming& payment, const Payments::Inside& state, const Context& context);
/// What events say of a payment to us.
[[nodiscard]] Fields facts(const Incoming& payment, const Context& context);
[[nodiscard]] Value describe(const Forward& forward);
[[nodiscard]] Value describe_hold(const Forward& forward, const Context& context);
/// When a height will come, ten minutes a block.
[[nodiscard]] UnixTime time_of_height(const Context& context, BlockHeight height);

// pages.cc
void list_payments(Work& work, RequestId request, const command::Page& page);
void list_forwards(Work& work, RequestId request, const command::Page& page);
void list_holds(Work& work, RequestId request, const command::Page& page);
void list_invoices(Work& work, RequestId request, const command::Page& page);

}  // namespace doze::payment

namespace doze {
DOZE_ON_DISK(payment::OutgoingState, Fetching, Expired)
DOZE_ON_DISK(payment::IncomingState, Claiming, Lost)
DOZE_ON_DISK(payment::ForwardState, Early, Failed)
}  // namespace doze
