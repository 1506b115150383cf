// What crosses the border between the pure floors and the drivers: inputs in, actions out.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>

#include "base/on_disk.h"
#include "base/variant.h"
#include "bitcoin/transaction.h"
#include "effects/commands.h"
#include "effects/events.h"
#include "effects/records.h"
#include "effects/value.h"
#include "wire/address.h"

namespace doze {

using ConnectionId = std::uint64_t;  // chosen by the driver, never used twice in a process
using RequestId = std::uint64_t;     // chosen by the driver: which reply belongs to which request

// ---- inputs ----
struct Started {};  // first input after load: every machine recomputes what it still needs
struct PeerConnected {
  ConnectionId connection = 0;
  std::optional<NodeId> dialled;  // we dialled this node; nullopt: inbound
  std::string address;
};
struct DialFailed {
  NodeId node_id;
  std::string reason;
};
struct BytesReceived {
  ConnectionId connection = 0;
  Bytes bytes;
};
struct PeerDisconnected {
  ConnectionId connection = 0;
};
/// What was written to this connection waits in our memory because the peer does not read it; or waits no longer.
struct OutputWaits {
  ConnectionId connection = 0;
  bool waits = false;
};
/// A transaction of a block that touches what a room watches: see Watched.
struct BlockTransaction {
  std::uint32_t position = 0;  // in its block; 0: the coinbase
  Txid txid;
  bitcoin::Transaction transaction;
};
/// The tip is this block. `transactions`: those that touch what is watched, and those that spend an output of one of
/// them, in the order of the block. Others may be among them: what touches one room's is heard by all.
struct BlockConnected {
  BlockHeight height;
  BlockHash hash;
  std::vector<BlockTransaction> transactions;
};
/// Further transactions of the block that was connected last: they touch what its steps began to watch. One that was
/// heard of already comes again if it pays a script that is watched only since. It comes right behind these steps, and
/// is committed with them in one batch.
struct BlockHasMore {
  BlockHeight height;
  std::vector<BlockTransaction> transactions;
};
struct BlockDisconnected {
  BlockHeight height;  // the block that went; the tip is now one lower
  BlockHash hash;
};
struct ChainStatus {
  bool connected = false;
  bool synced = false;  // the driver has given every block up to the backend's tip
  std::string detail;
  /// The backend answers, but this node does not follow it, and why: "pruned", "behind", "replaced", "other_chain".
  /// doc/OPERATING.md names the way out of each. Empty: no trouble.
  std::string trouble;
};
/// Blocks within which a transaction shall confirm. The backend estimates with a margin ("conservative") up to
/// kCautiousTarget blocks, and without one above.
inline constexpr std::array<std::uint32_t, 5> kFeeTargets{2, 6, 12, 36, 144};
inline constexpr std::uint32_t kCautiousTarget = 12;
inline constexpr std::uint32_t kUsualFeeTarget = 6;
struct FeeEstimate {
  FeeEstimate() = default;
  /// The same for everything.
  explicit FeeEstimate(FeeratePerKw feerate, FeeratePerKw mempool_minimum = {})
      : usual(feerate), minimum(mempool_minimum) {
    by_target.fill(feerate);
  }
  FeeratePerKw usual;  // what has no deadline and should confirm within an hour: kUsualFeeTarget, without a margin
  /// In the order of kFeeTargets; nullopt: the backend has no data. `usual` is the configured feerate then.
  std::array<std::optional<FeeratePerKw>, kFeeTargets.size()> by_target;
  FeeratePerKw minimum;      // below this the backend's mempool takes nothing; 0: not known. No other one is below
  FeeratePerKw incremental;  // what a replacement must add for its own size; 0: not known
  friend bool operator==(const FeeEstimate&, const FeeEstimate&) = default;
};
/// Answer to LookUpOutput: the output if it exists unspent, nullopt if it does not or there was no answer.
struct OutputLookedUp {
  ShortChannelId scid;
  std::optional<bitcoin::TxOut> output;
  bool unanswered = false;  // nothing is known of it
};
/// What became of a broadcast. The numbers may be in records. A refusal is the backend's opinion of now: only blocks
/// say that a transaction will never confirm.
enum class BroadcastOutcome : std::uint8_t {
  Accepted = 0,          // it is in the mempool, since now or before
  AlreadyInChain = 1,    // a block has it
  MissingInputs = 2,     // an input is unknown, or a block spent it: a conflict confirmed, or the parent is missing
  FeeTooLow = 3,         // below what relays or the mempool ask
  ReplacementLow = 4,    // it conflicts with the mempool and pays too little to replace what is there
  CannotReplace = 5,     // it conflicts with the mempool, and no fee helps: too many would fall out, or the like
  NotFinal = 6,          // its locktime is not reached
  NotFinalRelative = 7,  // a relative locktime (BIP 68) is not over, or its parent is unconfirmed
  ChainTooLong = 8,      // too many unconfirmed ancestors or descendants
  FeeTooHigh = 9,        // above what the backend's operator allows
  Policy = 10,           // valid, but the backend does not relay its kind: dust, size, version, ...
  PackageShape = 11,     // of parents and a child: the backend takes no package of this form
  Invalid = 12,          // no block can contain it: our mistake
  OtherRefusal = 13,     // a text that we do not know
  Unanswered = 14,       // neither accepted nor refused; the driver sends it again
  MaybeOut = 15,         // the same, but the backend had it: other nodes may have it, too
};
DOZE_ON_DISK(BroadcastOutcome, Accepted, MaybeOut)
[[nodiscard]] const char* name(BroadcastOutcome outcome);
[[nodiscard]] constexpr bool is_success(BroadcastOutcome outcome) {
  return outcome == BroadcastOutcome::Accepted || outcome == BroadcastOutcome::AlreadyInChain;
}
[[nodiscard]] constexpr bool is_unanswered(BroadcastOutcome outcome) {
  return outcome == BroadcastOutcome::Unanswered || outcome == BroadcastOutcome::MaybeOut;
}
struct BroadcastResult {
  Txid txid;
  BroadcastOutcome outcome = BroadcastOutcome::Unanswered;
  std::string reason;  // of what is no success: the backend's text
};
/// An output of a transaction that is in the backend's mempool and in no block. Whoever made it may still replace it,
/// and the mempool may drop it: people may see it, and nothing about money is decided by it.
struct MempoolPayment {
  Outpoint outpoint;
  Bytes script_pubkey;
  Sat amount;
  friend bool operator==(const MempoolPayment&, const MempoolPayment&) = default;
};
/// Answer to WatchMempool, at each change: all that is there now, not what is new. Nothing after a ChainStatus that
/// says "not connected" until the mempool was read again.
struct MempoolSeen {
  std::vector<MempoolPayment> payments;  // the largest ones, where there are too many
  bool complete = false;                 // everything in the mempool was looked at, and nothing was left out
  friend bool operator==(const MempoolSeen&, const MempoolSeen&) = default;
};
/// Answer to ReadRows and ReadRange: the rows that are there, in the order that was asked for. One that was erased
/// meanwhile is not among them. Exactly one for each question, in the order of the questions, unless the process ends
/// before.
struct RowsRead {
  std::uint64_t tag = 0;
  std::vector<Row> rows;
};
struct DeadlineReached {};  // the time that Node::deadline() named has come
struct CommandReceived {
  RequestId request = 0;
  command::Command command;
};
/// The client that waited for this request has gone: forget it.
struct RequestGone {
  RequestId request = 0;
};
struct Input : std::variant<Started, PeerConnected, DialFailed, BytesReceived, PeerDisconnected, OutputWaits,
                            BlockConnected, BlockHasMore, BlockDisconnected, ChainStatus, FeeEstimate, OutputLookedUp,
                            BroadcastResult, MempoolSeen, RowsRead, DeadlineReached, CommandReceived, RequestGone> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

// ---- actions: run after the batch of the same step is durable, in order ----
/// To whom, and what: the driver decides by it what becomes of a connection whose peer does not read.
enum class WriteKind : std::uint8_t {
  ToStranger,     // counts among the output of all strangers together
  ToChannelPeer,  // to a peer with a channel, or to a client: counts for this connection only
  /// To a peer with a channel, and of the channel: BOLT 2 makes us send it again after each reconnection, so a
  /// connection is never closed because this is much.
  ChannelMessage,
};
struct WriteBytes {
  ConnectionId connection = 0;
  Bytes bytes;
  WriteKind kind = WriteKind::ToStranger;
};
struct Dial {
  NodeId node_id;
  std::vector<wire::NetworkAddress> addresses;
};
/// Close after what was written has been flushed.
struct Hangup {
  ConnectionId connection = 0;
};
struct Broadcast {
  bitcoin::Transaction transaction;
};
struct LookUpOutput {
  ShortChannelId scid;
};
/// Show payments to these scripts that are in the mempool, for so long: reading it costs the backend something. Takes
/// the place of the one before.
struct WatchMempool {
  std::vector<Bytes> scripts;
  std::uint64_t for_ms = 0;
};
/// What a room keeps on disk only. Read after the batch of the step that asks is committed: what that step wrote is
/// seen. The room knows what its rows weigh and asks for a bounded number of bytes, kMaxRowsPerRead rows at most.
struct ReadRows {
  Table table = Table::Meta;
  std::vector<Bytes> keys;
  std::uint64_t tag = 0;  // who asks and for what: see tags.h
};

/// The same for the rows of a table whose keys are not below `from` and are below `to`, in the order of their keys:
/// the first `most` of them, or (`newest`) the last ones, the last one first. kMaxRowsPerRead at most.
struct ReadRange {
  Table table = Table::Meta;
  Bytes from, to;
  bool newest = false;
  std::uint32_t most = 0;
  std::uint64_t tag = 0;
};

enum class CommandErrorCode : std::uint8_t {
  BadRequest = 0,  // a parameter is wrong
  NotFound = 1,
  NotReady = 2,  // something must happen first; the message says what
  Refused = 3,   // not possible in this state; the message says why
  NoRoute = 4,
  InsufficientFunds = 5,
  PaymentFailed = 6,
  Expired = 7,
  Limit = 8,  // a named limit was reached
  Internal = 9,
  TimedOut = 10,  // an answer did not come in time; what was asked for may still happen
};
DOZE_ON_DISK(CommandErrorCode, BadRequest, TimedOut)
[[nodiscard]] const char* name(CommandErrorCode code);
struct CommandError {
  CommandErrorCode code = CommandErrorCode::Internal;
  std::string message;  // one line: what is wrong and what to do
  Fields numbers;       // the facts, for programs
};
struct Reply {
  RequestId request = 0;
  std::variant<Value, CommandError> result;
};

enum class Severity : std::uint8_t { Debug, Info, Warning, Error };
/// Something worth a log line: an event of the closed list, and the fields that its row names. Foreign text in it is
/// escaped by the maker.
struct Notify {
  Severity severity = Severity::Info;
  Event event;
  Fields facts;
};
/// Which fields differ from the event's row, for tests and the simulator; empty: none.
[[nodiscard]] std::string mistakes_in(const Notify& notify);
struct StopNode {
  std::string reason;
};
using Action = std::variant<WriteBytes, Dial, Hangup, Broadcast, LookUpOutput, WatchMempool, ReadRows, ReadRange, Reply,
                            Notify, StopNode>;

// ---- what rooms watch on the chain ----
/// The transactions that make it and that spend it. A driver that has no blocks finds them by the script.
struct WatchedOutput {
  Outpoint outpoint;
  Bytes script_pubkey;
  friend bool operator==(const WatchedOutput&, const WatchedOutput&) = default;
};
struct Watched {
  std::vector<WatchedOutput> outputs;
  std::vector<Bytes> scripts;  // every transaction that pays one of these
  /// SHA-256 of funding scripts (BOLT 3, kFundingScriptBytes), where the outpoint is not known: every transaction that
  /// spends an output with one of these.
  std::vector<Hash32> fundings;
  [[nodiscard]] bool empty() const { return outputs.empty() && scripts.empty() && fundings.empty(); }
};
/// OP_2, two keys of 33 bytes, OP_2, OP_CHECKMULTISIG. BOLT 3, "Funding Transaction Output".
inline constexpr std::size_t kFundingScriptBytes = 71;
/// Who watches. What several rooms watch is watched until none of them does.
enum class WatchOwner : std::uint8_t { Channel, Wallet, Gossip };
/// From now on the owner hears of these as well, the block under way included (BlockHasMore). Nothing is remembered
/// over a restart: at Started each room names all that it watches, from its rows. What is watched already may be named
/// again; a funding is watched as often as it is named.
struct Watch {
  WatchOwner owner = WatchOwner::Channel;
  Watched what;
};
struct Unwatch {
  WatchOwner owner = WatchOwner::Channel;
  Watched what;
};
using WatchChange = std::variant<Watch, Unwatch>;

/// Nothing in `after` runs before `durable` is committed. If the commit fails the node stops: memory is ahead of the
/// truth. `watch` counts at once and before the next input, for it sends nothing, and a block must not be committed
/// before all of it was looked at: see driver_order.h.
struct Outbox {
  Batch durable;
  std::vector<WatchChange> watch;
  std::vector<Action> after;
};

}  // namespace doze
