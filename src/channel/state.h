// The room's own state: one value per channel, openings under way, the counter of key indexes.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "channel/channels.h"
#include "channel/limits.h"
#include "commitment/commitments.h"
#include "commitment/exposure.h"
#include "effects/hearers.h"
#include "effects/questions.h"
#include "onchain/close.h"

namespace doze::channel {

using commitment::ChannelPublicKeys;
using commitment::CommitmentFormat;
using commitment::Commitments;
using commitment::Spec;
using commitment::Terms;
using commitment::Updates;
using commitment::Violation;

/// An HTLC that we offered, until it is irrevocably removed.
struct Offered {
  HtlcOrigin origin;
  std::optional<Profile> hold;
  bool fulfilled = false;  // HtlcFulfilled was emitted
};

/// A held HTLC with release paths in our last revoke_and_ack, which may have to be sent again.
struct HeldInRevoke {
  std::uint64_t id = 0;
  Profile profile = Profile::Ldk;
};

/// An output of the commitment that closed the channel, with our balance or an HTLC that we offered, that an older
/// version left unspent.
struct Unclaimed {
  std::uint32_t output = 0;
  Sat amount;
};
/// Unclaimed::output in a commitment that we do not know.
inline constexpr std::uint32_t kUnknownOutput = 0xffff'ffff;

/// An openchannel with an idempotency_key, so that a repeated one opens no second channel.
struct Asked {
  Hash32 key, request;  // hashes
  friend bool operator==(const Asked&, const Asked&) = default;
};

/// The message that a channel waits for.
enum class Answer : std::uint8_t { Nothing, Reestablish, Revocation, ClosingSigned };
struct Waiting {
  Answer answer = Answer::Nothing;
  std::uint64_t number = 0;  // of the commitment: each one has its own wait
  MonoTime since;
};

/// A commitment that is to be published, but only after the peer's channel_reestablish or kSpeakFirstMs.
struct HeldBack {
  std::string why;
  bool asked = false;  // the operator or the peer wants it. False: a deadline passed, which is then checked again
};

// ---- the state of a channel ----

/// Until both sides have sent channel_ready.
struct AwaitingReady {};
struct Normal {};
/// shutdown was sent or received. No HTLC is added any more, and the others come to their end.
struct ShuttingDown {};
/// closing_signed, after both sides have sent shutdown and all HTLCs have ended. The next connection begins again with
/// ShuttingDown. BOLT 2, "Legacy Closing Negotiation".
struct Negotiating {
  std::optional<Sat> ours, theirs;  // the last fees
  std::optional<wire::FeeRange> our_range;
  std::size_t rounds = 0;  // our offers
  std::string stuck;       // not empty: both sides accept no common fee; why, for people
};
/// Our commitment is published; or it is known to be revoked, and the peer must publish its own.
struct Unilateral {};
/// A commitment is in a block, or was before a reorganisation: see `close`.
struct OnChain {};
/// Nothing of ours is left in it, or its funding output will never be there.
struct Closed {};

using State = std::variant<AwaitingReady, Normal, ShuttingDown, Negotiating, Unilateral, OnChain, Closed>;
/// Updates and what commits them.
template <class M>
concept RoundMessage =
    OneOf<M, wire::UpdateAddHtlc, wire::UpdateFulfillHtlc, wire::UpdateFailHtlc, wire::UpdateFailMalformedHtlc,
          wire::UpdateFee, wire::CommitmentSigned, wire::RevokeAndAck>;
/// A state as its number on disk, which is also what others see of it.
[[nodiscard]] ChannelPhase phase_of(const State& state);
[[nodiscard]] State state_of(ChannelPhase phase);

// ---- the connection of a channel; not durable ----

struct Offline {};
/// Connected, but the peer's channel_reestablish has not arrived.
struct Reestablishing {};
struct Talking {
  MonoTime since;
  std::optional<BlockHeight> height = std::nullopt;  // when it began; nullopt: the chain was not synced
  bool sent_shutdown = false, got_shutdown = false;  // both sides repeat it in each connection
  bool resent_announcement = false;
  std::uint32_t rewrites = 0;           // see kMaxRewrites
  std::uint32_t empty_commitments = 0;  // commitment_signed since the last one with an update, or revoke_and_ack
};
using Session = std::variant<Offline, Reestablishing, Talking>;

struct Channel {
  ChannelId id;
  NodeId peer;
  std::uint64_t key_index = 0;
  bool announce = false;
  bool scid_alias_type = false;
  State state;
  std::uint32_t minimum_depth = 0;             // confirmations before we send channel_ready
  Bytes funding_transaction;                   // if we fund it: to broadcast it again
  BlockHeight created_height, funding_height;  // 0: not confirmed
  std::uint32_t funding_position = 0;
  bool sent_ready = false, got_ready = false;
  std::optional<ShortChannelId> remote_alias;

  Commitments commitments;
  std::vector<HeldInRevoke> last_revoke;
  /// Received HTLCs with a hold flag and without release paths, until HtlcReceived is emitted.
  std::set<std::uint64_t> without_path;
  std::map<std::uint64_t, Offered> offered;

  bool sent_announcement = false;
  std::optional<Signature> remote_node_signature, remote_bitcoin_signature;
  bool announced = false;  // ChannelAnnounced was emitted

  Bytes local_shutdown, remote_shutdown;  // scripts; empty: no shutdown yet
  Bytes closing_transaction;              // a mutual close or our commitment: to broadcast it again
  std::string status;
  std::optional<Txid> closed_by;  // the transaction in a block that spent the funding output
  BlockHeight closed_height;      // 0: none
  std::vector<Unclaimed> unclaimed;
  std::optional<Asked> asked;           // funder, with an idempotency_key
  std::optional<onchain::Close> close;  // OnChain; has rows of its own

  // ---- not durable ----
  Session session;
  /// Since the process began, the peer's channel_reestablish, or the opening itself, has shown that our rows are not
  /// old.
  bool spoken = false;
  std::optional<HeldBack> held_back;
  /// The funding left the chain after channel_ready, and is not yet as deep again as it was then: no HTLC is accepted.
  bool reorganised = false;
  Waiting waiting;
  std::optional<std::uint64_t> first_after_shutdown;  // id of the peer's next HTLC when our shutdown first left
  std::optional<MonoTime> low_since;                  // since when the opener leaves the feerate too low
  bool said_usable = false;                           // ChannelUsable was emitted last
  MonoTime fee_rounds;       // when rounds with nothing but a feerate have their full burst again
  std::uint64_t source = 0;  // wire::network_of the peer that opens; 0: not known
  std::optional<UnixTime> usable_since;
  std::optional<MonoTime> closing_since;  // since when both sides have shut down and not agreed on a fee
  std::vector<RequestId> close_requests;
  std::map<commitment::HtlcId, Hash32> written;  // digests of its HTLCs' rows, as they are on disk
  std::map<Bytes, Hash32> close_written;         // ... and of the rows of `close`, by their keys
  std::vector<Outpoint> watching;                // as the chain driver was told
  std::shared_ptr<commitment::ChannelSigner> signer;

  [[nodiscard]] const commitment::ChannelParams& params() const { return commitments.params; }
  [[nodiscard]] bool funder() const { return params().funder; }
  [[nodiscard]] ShortChannelId scid() const {
    return ShortChannelId::of(funding_height.value(), funding_position,
                              static_cast<std::uint16_t>(params().funding.index));
  }
  template <class S>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<S>(state);
  }
  [[nodiscard]] bool connected() const { return !std::holds_alternative<Offline>(session); }
  /// nullptr: not connected, or before the peer's channel_reestablish.
  [[nodiscard]] Talking* talking() { return std::get_if<Talking>(&session); }
  [[nodiscard]] const Talking* talking() const { return std::get_if<Talking>(&session); }

  [[nodiscard]] bool confirmed() const { return funding_height.value() != 0; }
  /// The peer should fund it, and has not as far as we know. A channel that was open does not count: its funding was
  /// only reorganised.
  [[nodiscard]] bool never_funded() const { return !funder() && !confirmed() && !sent_ready; }
  /// An opening that failed before it cost anybody anything, without money of ours: nothing of it needs to be kept.
  [[nodiscard]] bool void_opening() const {
    return never_funded() && is<Unilateral>() && commitments.local.spec.to_local == Msat(0);
  }
  [[nodiscard]] bool ready() const { return sent_ready && got_ready; }
  [[nodiscard]] bool usable() const { return is<Normal>() && talking() != nullptr && ready() && !reorganised; }
  [[nodiscard]] bool closing() const { return is<ShuttingDown>() || is<Negotiating>(); }
  /// Both sides have signed a closing transaction, which waits for its confirmation.
  [[nodiscard]] bool agreed() const { return closing() && !closing_transaction.empty(); }
  [[nodiscard]] bool alive() const { return !is<Unilateral>() && !is<OnChain>() && !is<Closed>(); }
  /// Nothing of ours is left in it.
  [[nodiscard]] bool over() const { return is<Closed>() && unclaimed.empty(); }  // [B5-fail-01]
};

/// A channel before funding_signed. Nothing of it is durable.
struct Opening {
  ChannelId temporary_channel_id;
  Channel channel;
  RequestId request = 0;            // 0: the peer opens
  std::vector<RequestId> repeated;  // further requests with the same idempotency_key
  Sat amount;
  Msat push;
  FeeratePerKw feerate;          // of the first commitment
  FeeratePerKw funding_feerate;  // if we fund it: of the funding transaction, as the operator wants
  Txid funding_txid;             // if we fund it: after FundingPrepared
  bool accepted = false;         // if we fund it: accept_channel arrived
  bool sent_created = false;
  MonoTime started;
};

/// Peer and temporary_channel_id, because two peers may choose the same id. BOLT 2, "Definition of `channel_id`".
using OpeningKey = std::pair<NodeId, ChannelId>;

/// Openings under way, with their indexes, which put() and take() keep up to date. The indexed members (`started`,
/// `request`, `asked` and the key index) must not change in between.
class Openings {
 public:
  using Map = std::map<OpeningKey, Opening>;
  /// Does nothing if there is one with this key.
  void put(OpeningKey key, Opening opening);
  /// Removes an opening. It must be there.
  Opening take(const OpeningKey& key);
  [[nodiscard]] Opening* find(const OpeningKey& key);
  [[nodiscard]] bool contains(const OpeningKey& key) const { return all_.contains(key); }
  /// An opening of ours, whose temporary id we chose at random.
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
  std::set<std::uint64_t> given_back_;  // key indexes below top_ that no opening has
  std::uint64_t top_ = 0;               // above every index of an opening
};

/// Indexes of channels, so that steps need not walk over all of them. note() keeps them up to date.
class Lookup {
 public:
  /// Takes over a changed channel. nullptr: it was erased. `end`: see patience.
  void note(const ChannelId& id, const Channel* channel, std::optional<MonoTime> end);
  /// The channel that was opened with this idempotency key.
  [[nodiscard]] const ChannelId* asked_with(const Hash32& idempotency_key) const;
  /// Channels that peers opened and have not funded. Closed ones are left out.
  [[nodiscard]] const std::set<ChannelId>& unfunded() const { return unfunded_; }
  /// Channels by the time at which they are force-closed if nothing changes (waits.cc).
  [[nodiscard]] const std::set<std::pair<MonoTime, ChannelId>>& patience() const { return patience_; }
  friend bool operator==(const Lookup&, const Lookup&) = default;

 private:
  struct Marks {
    std::optional<Hash32> key;
    bool unfunded = false;
    std::optional<MonoTime> end;
    friend bool operator==(const Marks&, const Marks&) = default;
  };
  std::map<ChannelId, Marks> marks_;  // each channel's entries in the other members
  std::map<Hash32, ChannelId> by_key_;
  std::set<ChannelId> unfunded_;
  std::set<std::pair<MonoTime, ChannelId>> patience_;
};

/// How many openings a network may begin at this time.
struct OpeningShare {
  double left = kOpeningsBurst;
  MonoTime at;
};

/// A page of a channel's log of HTLCs is asked for.
struct LogAsked {
  ChannelId id;
  bool erase = false;
};

struct Channels::Inside {
  std::map<ChannelId, Channel> channels;
  Lookup lookup;
  Openings openings;
  std::map<std::uint64_t, OpeningShare> opening_shares;  // by wire::network_of
  ChannelViews views;
  std::map<Outpoint, ChannelId> watched;  // what is in `watching` of each channel
  std::uint64_t next_key_index = 0;
  std::optional<FeeratePerKw> feerate;
  std::optional<FeeratePerKw> mempool_minimum;
  onchain::FeeTable fees;
  Questions<LogAsked> questions{TagOwner::Channel};
  std::set<ChannelId> logs_to_erase;
  bool erasing_log = false;
  MonoTime started;
  std::optional<BlockHeight> broadcast_height;     // at which all channels' transactions were last broadcast again
  std::set<ChannelId> dirty;                       // their views are recomputed after this input
  std::set<ChannelId> moved;                       // only proposals changed: balances of their views are recomputed
  std::set<ChannelId> touched;                     // by any input of the step: the only ones that EndOfStep looks at
  std::set<ChannelId> unsaved;                     // their rows are written at EndOfStep, once
  std::set<std::pair<MonoTime, ChannelId>> waits;  // channels that wait for their peer's answer, by the beginning
};

struct Work : WorkOn<Channels::Inside> {};

}  // namespace doze::channel
