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

// ---- what state a channel is in ----

/// Until both sides have sent channel_ready.
struct AwaitingReady {};
struct Normal {};
/// shutdown was sent or received: no HTLC is added any more, and those that are there end.
struct ShuttingDown {};
/// closing_signed, in one connection, after both have sent shutdown and everything has ended. BOLT 2, "Legacy Closing
/// Negotiation". The next connection begins with ShuttingDown.
struct Negotiating {
  std::optional<Sat> ours, theirs;  // the last fees
  std::optional<wire::FeeRange> our_range;
  std::size_t rounds = 0;  // offers of ours
  std::string stuck;       // no fee that both accept: why, for people. The connection stays
};
/// Our commitment is published; or ours is known to be revoked, and the peer must publish its own.
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
/// The number of a state on disk, and what others see of it.
[[nodiscard]] ChannelPhase phase_of(const State& state);
[[nodiscard]] State state_of(ChannelPhase phase);

// ---- its connection; not durable ----

struct Offline {};
/// Connected, and the peer's channel_reestablish has not come.
struct Reestablishing {};
struct Talking {
  MonoTime since;
  std::optional<BlockHeight> height = std::nullopt;  // when it began, with the chain synced
  bool sent_shutdown = false, got_shutdown = false;  // both sides say it again in the next one
  bool resent_announcement = false;
  std::uint32_t rewrites = 0;           // see kMaxRewrites
  std::uint32_t empty_commitments = 0;  // since the last one with an update, or revoke_and_ack
};
using Session = std::variant<Offline, Reestablishing, Talking>;

struct Channel {
  ChannelId id;
  NodeId peer;
  std::uint64_t key_index = 0;
  bool announce = false;
  bool scid_alias_type = false;
  State state;
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
  std::optional<Asked> asked;           // funder, with an idempotency_key
  std::optional<onchain::Close> close;  // OnChain; has rows of its own

  // ---- not durable ----
  Session session;
  /// The peer's channel_reestablish, or the opening itself, showed since the process began that our row is not an old
  /// copy.
  bool spoken = false;
  std::optional<HeldBack> held_back;
  /// The funding left the chain after channel_ready, and is not as deep again as channel_ready asks: no HTLC is taken.
  bool reorganised = false;
  Waiting waiting;
  std::optional<MonoTime> low_since;  // the opener leaves the feerate too low
  bool said_usable = false;
  MonoTime fee_rounds;       // until then those that came take up kFeeRoundsBurst
  std::uint64_t source = 0;  // wire::network_of the peer that opens; 0: not known (any more)
  std::optional<UnixTime> usable_since;
  std::optional<MonoTime> closing_since;  // both have shut down and are connected, but have not agreed
  std::vector<RequestId> close_requests;
  std::map<commitment::HtlcId, Hash32> written;  // digests of its HTLCs' rows, as they are on disk
  std::map<Bytes, Hash32> close_written;         // ... and of the rows of `close`, by their keys
  std::vector<Outpoint> watching;                // as the chain driver was told, sorted
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
  /// nullptr: offline, or before channel_reestablish.
  [[nodiscard]] Talking* talking() { return std::get_if<Talking>(&session); }
  [[nodiscard]] const Talking* talking() const { return std::get_if<Talking>(&session); }

  [[nodiscard]] bool confirmed() const { return funding_height.value() != 0; }
  /// As far as we know, and it is the peer's to do. One that was open is only being reorganised.
  [[nodiscard]] bool never_funded() const { return !funder() && !confirmed() && !sent_ready; }
  /// It can go without a trace: it failed before it cost anybody anything, and we have nothing in it.
  [[nodiscard]] bool void_opening() const {
    return never_funded() && is<Unilateral>() && commitments.local.spec.to_local == Msat(0);
  }
  [[nodiscard]] bool ready() const { return sent_ready && got_ready; }
  [[nodiscard]] bool usable() const { return is<Normal>() && talking() != nullptr && ready() && !reorganised; }
  [[nodiscard]] bool closing() const { return is<ShuttingDown>() || is<Negotiating>(); }
  /// Both signed a closing transaction, which waits for its confirmation.
  [[nodiscard]] bool agreed() const { return closing() && !closing_transaction.empty(); }
  [[nodiscard]] bool alive() const { return !is<Unilateral>() && !is<OnChain>() && !is<Closed>(); }
  /// Nothing of ours is left in it.
  [[nodiscard]] bool over() const { return is<Closed>() && unclaimed.empty(); }  // [B5-fail-01]
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
  std::optional<BlockHeight> broadcast_height;  // where transactions of all channels were last sent again
  std::set<ChannelId> dirty;                    // their views are recomputed when this input has been heard
  std::set<ChannelId> moved;                    // only what is proposed changed: balances of their views
  std::set<ChannelId> touched;                  // by any input of the step: EndOfStep looks at no other
  std::set<ChannelId> unsaved;                  // their rows are written at EndOfStep, once, however often they changed
  std::set<std::pair<MonoTime, ChannelId>> waits;  // since when each waits for its peer's answer
};

struct Work : WorkOn<Channels::Inside> {};

}  // namespace doze::channel
