// The room's own state: one value a channel, openings under way, the counter of key indexes. Only channel/*.cc include
// it.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "channel/channels.h"
#include "commitment/commitments.h"
#include "commitment/exposure.h"
#include "commitment/limits.h"
#include "effects/hearers.h"
#include "effects/limits.h"

namespace doze::channel {

using commitment::ChannelPublicKeys;
using commitment::CommitmentFormat;
using commitment::Commitments;
using commitment::kMaxCommitmentNumber;
using commitment::kMaxReason;
using commitment::Spec;
using commitment::Terms;
using commitment::Updates;
using commitment::Violation;

// ---- limits ----
inline constexpr Sat kMinCapacity{20'000};      // below, reserve and fees leave nothing to pay with
inline constexpr Sat kMaxCapacity{16'777'215};  // option_support_large_channel is not offered yet [B2-open-03]
inline constexpr Sat kOurDustLimit{354};        // the largest of BOLT 3 for segwit outputs
inline constexpr Sat kMinDustLimit{354}, kMaxDustLimit{660};
inline constexpr std::uint16_t kMaxAcceptedHtlcs = 483;  // BOLT 2: the transactions stay within standard weight
inline constexpr std::uint16_t kMaxToSelfDelay = 2016;
inline constexpr Msat kMinInFlight{1'000'000};  // a peer that takes less at a time is of no use
inline constexpr std::uint32_t kMaxMinimumDepth = 144;
inline constexpr std::size_t kMaxOpeningPerPeer = 4;  // openings cost memory and keys before any money is at stake
/// Of strangers together, dead ones too until they are forgotten: beyond, the oldest from where most of them come goes.
/// Who opened it loses the fee of its commitment at most, and a funding that confirms in time is safe. A peer with a
/// funded channel counts alone, and is refused beyond.
inline constexpr std::size_t kMaxUnfundedInbound = 50;
/// open_channel of strangers from one network (PeerView::address): so many at once, and then one in so many ms. Each
/// that goes on to funding_created costs a write to disk.
inline constexpr double kOpeningsBurst = 20;
inline constexpr std::uint64_t kOpeningEveryMs = 3'000;
/// Networks whose openings are counted. Beyond, the one that used least of its share is forgotten.
inline constexpr std::size_t kMaxOpeningSources = 1'024;
/// What a peer may say anew in a connection and we write down: aliases, announcement_signatures.
inline constexpr std::uint32_t kMaxRewrites = 8;
/// commitment_signed without an update, or with nothing but a feerate, since the peer last revoked: older peers send
/// one now and then. Each writes the whole row.
inline constexpr std::uint32_t kMaxEmptyCommitments = 16;
/// Rounds that bring nothing but a feerate, of one channel: so many at once, and then one in so many ms. Feerates move
/// with blocks, and each round writes the whole row, HTLCs included, for 140 bytes of the opener's.
inline constexpr std::uint64_t kFeeRoundsBurst = 60, kFeeRoundEveryMs = 10'000;
inline constexpr std::uint32_t kForgetUnfundedBlocks = 2016;  // BOLT 2: the accepter forgets by then [B2-ready-07]
inline constexpr std::uint32_t kAnnounceDepth = 6;            // BOLT 7
inline constexpr std::uint32_t kRebroadcastBlocks = 6;  // an hour: mempools drop and refuse, and nobody tells us later
inline constexpr std::uint64_t kAnswerWaitMs = 60'000;  // a peer that is well answers in seconds
inline constexpr std::uint64_t kOpeningWaitMs =
    600'000;                                           // people may have to say yes; our coins are reserved meanwhile
inline constexpr std::size_t kMaxClosedShown = 1'000;  // closed channels that listchannels still shows
/// Each has a wallet key, kChannelScriptIndexBase above it, and those are numbered below 2^31. BIP 32.
inline constexpr std::uint64_t kMaxKeyIndexes = 0x8000'0000 - kChannelScriptIndexBase;

/// An old copy of the rows must not publish a commitment that was revoked since: the peer would take everything. The
/// peer's channel_reestablish tells; without it we wait so long after our start. 18 blocks of the 72 that lie between
/// an HTLC and the one before it.
inline constexpr std::uint64_t kSpeakFirstMs = 10'800'000;

/// Both have shut down and are connected, and there is no closing transaction: our commitment is published after a
/// week. Estimates move within days, and each connection begins anew. BOLT 2: "after a reasonable amount of time".
inline constexpr std::uint64_t kClosingPatienceMs = 604'800'000;  // [B2-clos-09]
/// Of fee_satoshis in one connection, without fee_range: halving the distance ends sooner.
inline constexpr std::size_t kMaxClosingRounds = 32;

/// An opener that leaves the feerate where no mempool takes the commitment is waited for so long: LND looks hourly.
inline constexpr std::uint64_t kLowFeerateMs = 21'600'000;
/// ... with anchors: the opener raises the fee by its anchor, and some never ask for more than 10 sat/vB here.
inline constexpr std::uint64_t kLowFeerateAnchorsMs = 1'209'600'000;
/// ... and so long at least after it came back: it had no chance before.
inline constexpr std::uint64_t kLowFeerateChanceMs = 600'000;

/// An HTLC that we offered, until it is irrevocably removed.
struct Offered {
  HtlcOrigin origin;
  std::optional<Profile> hold;
  bool fulfilled = false;  // HtlcFulfilled was said
};

/// A held HTLC whose release paths our last revoke_and_ack carried: it is retransmitted the same.
struct HeldInRevoke {
  std::uint64_t id = 0;
  Profile profile = Profile::Ldk;
};

/// An output of the commitment that closed the channel: our balance, or an HTLC that we offered. This version cannot
/// spend it.
struct Unclaimed {
  std::uint32_t output = 0;
  Sat amount;
};
/// Of an Unclaimed in a commitment that we do not know.
inline constexpr std::uint32_t kUnknownOutput = 0xffff'ffff;

/// The operator's openchannel, so that a repeated one with the same key opens no second channel.
struct Asked {
  Hash32 key, request;  // hashes
  friend bool operator==(const Asked&, const Asked&) = default;
};

/// What only the peer can send next.
enum class Answer : std::uint8_t { Nothing, Reestablish, Revocation, ClosingSigned };
struct Waiting {
  Answer answer = Answer::Nothing;
  std::uint64_t number = 0;  // of the commitment: another one is another wait
  MonoTime since;
};

/// A commitment that is to be published, but not before the peer has spoken or kSpeakFirstMs is over.
struct HeldBack {
  std::string why;
  bool asked = false;  // by the operator or the peer: published when the peer has spoken. A deadline is looked at again
};

/// closing_signed, in one connection. BOLT 2, "Legacy Closing Negotiation".
struct Negotiation {
  std::optional<Sat> ours, theirs;  // the last fees
  std::optional<wire::FeeRange> our_range;
  std::size_t rounds = 0;  // offers of ours
  std::string stuck;       // no fee that both accept: why, for people. The connection stays
};

struct Channel {
  ChannelId id;
  NodeId peer;
  std::uint64_t key_index = 0;
  bool announce = false;
  bool scid_alias_type = false;
  ChannelPhase phase = ChannelPhase::Opening;
  std::uint32_t minimum_depth = 0;             // before we send channel_ready
  Bytes funding_transaction;                   // funder: for broadcasting again
  BlockHeight created_height, funding_height;  // 0: not confirmed
  std::uint32_t funding_position = 0;
  bool sent_ready = false, got_ready = false;
  std::optional<ShortChannelId> remote_alias;

  Commitments commitments;
  std::vector<HeldInRevoke> last_revoke;
  /// Received ones with a hold flag and without release paths, until they are handed over.
  std::set<std::uint64_t> without_path;
  std::map<std::uint64_t, Offered> offered;

  bool sent_announcement = false;
  std::optional<Signature> remote_node_signature, remote_bitcoin_signature;
  bool announced = false;  // ChannelAnnounced was said

  Bytes local_shutdown, remote_shutdown;  // scripts; empty: no shutdown yet
  Bytes closing_transaction;              // mutual or our commitment: for broadcasting again
  std::string status;
  std::optional<Txid> closed_by;  // the transaction in a block that spent the funding output
  BlockHeight closed_height;      // 0: none
  std::vector<Unclaimed> unclaimed;
  std::optional<Asked> asked;  // funder, with an idempotency_key

  // ---- not durable ----
  bool connected = false, reestablished = false;
  /// The peer's channel_reestablish, or the opening itself, showed since the process began that our row is not an old
  /// copy.
  bool spoken = false;
  std::optional<HeldBack> held_back;
  /// The funding left the chain after channel_ready, and is not as deep again as channel_ready asks: no HTLC is taken.
  bool reorganised = false;
  std::optional<BlockHeight> reestablished_at;       // in this connection, with the chain synced
  bool sent_shutdown = false, got_shutdown = false;  // in this connection: both sides say it again in the next
  Waiting waiting;
  std::optional<MonoTime> low_since, talks_since;  // the feerate; the connection after channel_reestablish
  bool said_usable = false;
  bool resent_announcement = false;
  std::uint32_t rewrites = 0;           // in this connection: see kMaxRewrites
  std::uint32_t empty_commitments = 0;  // since the last one with an update, or revoke_and_ack
  MonoTime fee_rounds;                  // until then those that came take up kFeeRoundsBurst
  std::uint64_t source = 0;             // wire::network_of the peer that opens; 0: not known (any more)
  std::optional<UnixTime> usable_since;
  std::optional<Negotiation> negotiation;  // since our first closing_signed or the peer's, in this connection
  std::optional<MonoTime> closing_since;   // both have shut down and are connected, but have not agreed
  std::vector<RequestId> close_requests;
  std::shared_ptr<commitment::ChannelSigner> signer;

  [[nodiscard]] const commitment::ChannelParams& params() const { return commitments.params; }
  [[nodiscard]] bool funder() const { return params().funder; }
  [[nodiscard]] ShortChannelId scid() const {
    return ShortChannelId::of(funding_height.value(), funding_position,
                              static_cast<std::uint16_t>(params().funding.index));
  }
  [[nodiscard]] bool confirmed() const { return funding_height.value() != 0; }
  /// As far as we know, and it is the peer's to do. One that was open is only being reorganised.
  [[nodiscard]] bool never_funded() const { return !funder() && !confirmed() && !sent_ready; }
  /// It can go without a trace: it failed before it cost anybody anything, and we have nothing in it.
  [[nodiscard]] bool void_opening() const {
    return never_funded() && !alive() && phase != ChannelPhase::Closed && commitments.local.spec.to_local == Msat(0);
  }
  [[nodiscard]] bool ready() const { return sent_ready && got_ready; }
  [[nodiscard]] bool usable() const {
    return phase == ChannelPhase::Normal && connected && reestablished && ready() && !reorganised &&
           local_shutdown.empty() && remote_shutdown.empty();
  }
  /// Both signed a closing transaction, which waits for its confirmation.
  [[nodiscard]] bool agreed() const { return phase == ChannelPhase::Closing && !closing_transaction.empty(); }
  [[nodiscard]] bool alive() const { return phase != ChannelPhase::ForceClosing && phase != ChannelPhase::Closed; }
  /// Nothing of ours is left in it.
  [[nodiscard]] bool over() const { return phase == ChannelPhase::Closed && unclaimed.empty(); }  // [B5-fail-01]
};

/// Before funding_signed: nothing durable yet.
struct Opening {
  ChannelId temporary_channel_id;
  Channel channel;
  RequestId request = 0;            // 0: the peer opens
  std::vector<RequestId> repeated;  // further requests with the same idempotency_key
  Sat amount;
  Msat push;
  FeeratePerKw feerate;          // of the first commitment
  FeeratePerKw funding_feerate;  // funder: of the funding transaction, as the operator asked
  Txid funding_txid;             // funder, after FundingPrepared
  bool accepted = false;         // funder: accept_channel came
  bool sent_created = false;
  MonoTime started;
};

/// Peer and temporary_channel_id: peers choose the same ids. BOLT 2, "Definition of `channel_id`".
using OpeningKey = std::pair<NodeId, ChannelId>;

/// Openings under way, with what steps look for in them: whoever puts or takes one changes all of it. It goes by
/// `started`, `request`, `asked` and the key index, which stay as they were put.
class Openings {
 public:
  using Map = std::map<OpeningKey, Opening>;
  /// Nothing happens if there is one with this key.
  void put(OpeningKey key, Opening opening);
  /// It must be there.
  Opening take(const OpeningKey& key);
  [[nodiscard]] Opening* find(const OpeningKey& key);
  [[nodiscard]] bool contains(const OpeningKey& key) const { return all_.contains(key); }
  /// Ours, whose temporary id is from our own chance.
  [[nodiscard]] std::optional<OpeningKey> find_own(const ChannelId& temporary_channel_id) const;
  [[nodiscard]] Opening* asked_with(const Hash32& idempotency_key);
  [[nodiscard]] std::vector<OpeningKey> with(const NodeId& peer) const;
  /// The oldest one; nullopt: there is none.
  [[nodiscard]] std::optional<std::pair<MonoTime, OpeningKey>> oldest() const;
  /// The lowest key index from `from` on that no opening has.
  [[nodiscard]] std::uint64_t free_index(std::uint64_t from);
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] const Map& all() const { return all_; }

 private:
  Map all_;
  std::set<std::pair<MonoTime, OpeningKey>> by_start_;
  std::map<ChannelId, OpeningKey> own_;
  std::map<Hash32, OpeningKey> by_key_;
  std::set<std::uint64_t> given_back_;  // indexes below top_ that nobody has any more
  std::uint64_t top_ = 0;               // above every index of an opening
};

/// What steps look up instead of walking over all channels. It follows the channels and nothing else (note).
class Lookup {
 public:
  /// The channel as it is now; nullptr: it is gone. `end`: of its patience.
  void note(const ChannelId& id, const Channel* channel, std::optional<MonoTime> end);
  /// The channel that was opened with this idempotency key.
  [[nodiscard]] const ChannelId* asked_with(const Hash32& idempotency_key) const;
  /// Those that others opened and have not funded, not closed.
  [[nodiscard]] const std::set<ChannelId>& unfunded() const { return unfunded_; }
  /// By the end of a wait of days: see patience.
  [[nodiscard]] const std::set<std::pair<MonoTime, ChannelId>>& patience() const { return patience_; }
  friend bool operator==(const Lookup&, const Lookup&) = default;

 private:
  struct Marks {
    std::optional<Hash32> key;
    bool unfunded = false;
    std::optional<MonoTime> end;
    friend bool operator==(const Marks&, const Marks&) = default;
  };
  std::map<ChannelId, Marks> marks_;  // what stands in the others
  std::map<Hash32, ChannelId> by_key_;
  std::set<ChannelId> unfunded_;
  std::set<std::pair<MonoTime, ChannelId>> patience_;
};

/// How many openings a network may begin now.
struct OpeningShare {
  double left = kOpeningsBurst;
  MonoTime at;
};

struct Channels::Inside {
  std::map<ChannelId, Channel> channels;
  Lookup lookup;
  Openings openings;
  std::map<std::uint64_t, OpeningShare> opening_shares;  // by wire::network_of
  ChannelViews views;
  std::uint64_t next_key_index = 0;
  std::optional<FeeratePerKw> feerate;
  std::optional<FeeratePerKw> mempool_minimum;
  MonoTime started;
  std::optional<BlockHeight> broadcast_height;  // where transactions of all channels were last sent again
  std::set<ChannelId> dirty;                    // their views are recomputed when this input has been heard
  std::set<ChannelId> moved;                    // only what is proposed changed: balances of their views
  std::set<ChannelId> touched;                  // by any input of the step: EndOfStep looks at no other
  std::set<ChannelId> unsaved;                  // their rows are written at EndOfStep, once, however often they changed
  std::set<std::pair<MonoTime, ChannelId>> waits;  // since when each waits for its peer's answer
};

struct Work {
  Channels::Inside& state;
  const Context& context;
  Effects& out;
  void say(Effect effect) { out.push_back(std::move(effect)); }
  void send(const NodeId& peer, wire::Message message) { say(SendMessage{peer, std::move(message)}); }
  void notify(Severity severity, Event event, Fields facts) { say(Notify{severity, event, std::move(facts)}); }
};

// records.cc
[[nodiscard]] Put record(const Channel& channel);
[[nodiscard]] Put key_counter_record(std::uint64_t next);
/// Without its signer, and without what the peer did not sign.
[[nodiscard]] Result<Channel, ParseError> read_channel(ByteView value);
[[nodiscard]] bool is_key_counter(ByteView key);
[[nodiscard]] Result<std::uint64_t, ParseError> read_key_counter(ByteView value);
/// The channel changed: its row is written at the end of the step, its view recomputed.
void save(Work& work, Channel& channel);
void write_rows(Work& work);

// describe.cc
[[nodiscard]] ChannelView view_of(const Channel& channel, const Signer& signer);
/// What an update that is only proposed changes in the view: balances. Its HTLC, if it adds one, is there already.
void update_balances(ChannelView& view, const Channel& channel);
[[nodiscard]] ShortChannelId local_alias(const Signer& signer, const ChannelId& id);

// opening.cc
void open(Work& work, const OpenChannelNow& word);
void on(Work& work, const NodeId& peer, const wire::OpenChannel& message);
void on(Work& work, const NodeId& peer, const wire::AcceptChannel& message);
void on(Work& work, const FundingPrepared& word);
void on(Work& work, const FundingFailed& word);
void on(Work& work, const NodeId& peer, const wire::FundingCreated& message);
void on(Work& work, const NodeId& peer, const wire::FundingSigned& message);
void on(Work& work, Channel& channel, const wire::ChannelReady& message);
void on(Work& work, Channel& channel, const wire::AnnouncementSignatures& message);
/// The key by value: callers name the one inside the entry that this erases.
void fail_opening(Work& work, OpeningKey key, const std::string& why, bool tell_peer);
/// Says that no channel of the sender's has this id. BOLT 1: an `error` about no channel would be about all of them.
void refuse_unknown(Work& work, const NodeId& peer, const ChannelId& id);
/// The backend takes the funding under no circumstances that we know of: its coins are free, the channel is over.
void on(Work& work, const FundingRefused& word);
/// A funding that left the chain may be deep again.
void note_depth(Work& work, Channel& channel);
/// The same when the process begins: rows do not say it.
void note_depth_at_start(Work& work, Channel& channel);
/// channel_ready and announcement_signatures that are due.
void send_ready(Work& work, Channel& channel);
void announce(Work& work, Channel& channel);

// normal.cc
/// The feerate that we would choose now.
[[nodiscard]] FeeratePerKw feerate_now(const Work& work);
void add_htlc(Work& work, const AddHtlc& word);
void remove_htlc(Work& work, const ChannelId& id, commitment::Update update);
void on(Work& work, Channel& channel, const wire::UpdateAddHtlc& message);
void on(Work& work, Channel& channel, const wire::UpdateFulfillHtlc& message);
void on(Work& work, Channel& channel, const wire::UpdateFailHtlc& message);
void on(Work& work, Channel& channel, const wire::UpdateFailMalformedHtlc& message);
void on(Work& work, Channel& channel, const wire::UpdateFee& message);
void on(Work& work, Channel& channel, const wire::CommitmentSigned& message);
void on(Work& work, Channel& channel, const wire::RevokeAndAck& message);
void propose_fee(Work& work, Channel& channel);
void sign_if_due(Work& work, Channel& channel);
[[nodiscard]] wire::CommitmentSigned commitment_signed(const ChannelId& id, commitment::SignedCommitment made);
[[nodiscard]] wire::RevokeAndAck revoke_and_ack(const Context& context, const Channel& channel);
void say_if_usable(Work& work, Channel& channel);

// reestablish.cc
void reconnect(Work& work, Channel& channel);
void disconnect(Work& work, Channel& channel);
void on(Work& work, Channel& channel, const wire::ChannelReestablish& message);

// closing.cc
void close(Work& work, const CloseChannelNow& word);
void on(Work& work, Channel& channel, const wire::Shutdown& message);
/// shutdown, if it is wanted and may leave now.
void shutdown_if_due(Work& work, Channel& channel);
/// In this connection, and nothing is left but to agree on the transaction.
[[nodiscard]] bool both_shut_down(const Channel& channel);
/// Those who asked for the end learn the transaction.
void answer_close(Work& work, Channel& channel, const Txid& txid, const char* how);
/// Publishes our commitment, as soon as it may; the closing transaction, if both signed one.
void force_close(Work& work, Channel& channel, const std::string& why);
/// Our commitment, whatever was agreed, and whether or not the peer has spoken.
void publish_commitment(Work& work, Channel& channel, const std::string& why);
/// Over: nothing of it is of interest to the protocol any more. Requests that wait for the end are answered.
void end(Work& work, Channel& channel, std::string how);
/// A broken rule: error to the peer, and force_close. Neither before our commitment may be published.
void break_channel(Work& work, Channel& channel, const std::string& why);
void on_block(Work& work, const BlockConnected& in);
void on_block_gone(Work& work, const BlockDisconnected& in);
/// The channel is over and its row can go: the peer never funded it.
void forget_unfunded(Work& work, const ChannelId& id, const char* how);
void rebroadcast(Work& work, Channel& channel);

// heights.cc
/// The chain is read to its end: what waited for that happens now, and what the height decides is decided.
void on_synced(Work& work);

// negotiating.cc
void on(Work& work, Channel& channel, const wire::ClosingSigned& message);
/// The opener's first closing_signed, when nothing else is left.
void continue_closing(Work& work, Channel& channel);

// unclaimed.cc
/// What our commitment as it is would leave in outputs that this version cannot spend.
[[nodiscard]] std::vector<Unclaimed> unclaimed_of_ours(const Channel& channel);
/// The same of a transaction in a block that spent the funding output.
[[nodiscard]] std::vector<Unclaimed> unclaimed_in(const Channel& channel, const bitcoin::Transaction& spend);
[[nodiscard]] Sat sum(const std::vector<Unclaimed>& outputs);
/// Channels of before rows had closed_by: what their status says is worked out from what the row has.
void complete_old_row(Channel& channel);
/// What closing by force would cost, for who has not said yes to it.
[[nodiscard]] CommandError cost_of_force(const Channel& channel);

// waits.cc
/// At the end of a step: what the channel waits for now, and since when.
void note_waiting(Work& work, Channel& channel);
/// Peers that did not answer lose their connection, openings that stand still fail.
void end_waits(Work& work);
[[nodiscard]] std::optional<MonoTime> next_wait(const Channels::Inside& state);
/// `lookup` follows what a step did with this channel.
void note_lookup(Channels::Inside& state, const ChannelId& id);
void note_lookup(const Channels::Inside& state, const ChannelId& id, Lookup& lookup);
/// The rows are no old copy, as far as the peer or the time says: our commitment may be published.
[[nodiscard]] bool may_publish(const Work& work, const Channel& channel);
/// Our commitment is published later, and the operator told: see HeldBack.
void hold_back(Work& work, Channel& channel, HeldBack wish);

}  // namespace doze::channel
