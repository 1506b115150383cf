// Everything between the pure floors and the drivers: inputs go in, actions come out.
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
using RequestId = std::uint64_t;     // chosen by the driver, which finds the caller of a reply by it

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
/// Output of this connection waits in our memory because the peer does not read it, or no longer waits.
struct OutputWaits {
  ConnectionId connection = 0;
  bool waits = false;
};
/// A transaction in a block that touches what a room watches: see Watched.
struct BlockTransaction {
  std::uint32_t position = 0;  // in its block; 0: the coinbase
  Txid txid;
  bitcoin::Transaction transaction;
};
/// The tip is this block. `transactions`, in the order of the block: those that touch what is watched, and those that
/// spend an output of one of them. Every room gets all of them, also those that touch what another room watches.
struct BlockConnected {
  BlockHeight height;
  BlockHash hash;
  std::vector<BlockTransaction> transactions;
};
/// Further transactions of the last connected block, which touch what its steps began to watch. A transaction comes
/// again if it pays a script that is watched only since then. This input follows these steps directly, and is committed
/// with them in one batch.
struct BlockHasMore {
  BlockHeight height;
  std::vector<BlockTransaction> transactions;
};
struct BlockDisconnected {
  BlockHeight height;  // of the block that left the chain; the tip is now one lower
  BlockHash hash;
};
struct ChainStatus {
  bool connected = false;
  bool synced = false;  // the driver has reported every block up to the backend's tip
  std::string detail;
  /// The backend answers, but this node does not follow it, and why: "pruned", "behind", "replaced", "other_chain".
  /// doc/OPERATING.md names the way out of each. Empty: no trouble.
  std::string trouble;
};
/// Blocks within which a transaction should confirm. Up to kCautiousTarget blocks the backend estimates with a margin
/// ("conservative"), above without one.
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
  FeeratePerKw usual;  // for a transaction without a deadline, within an hour: kUsualFeeTarget, without a margin
  std::array<FeeratePerKw, kFeeTargets.size()> by_target;  // in the order of kFeeTargets
  FeeratePerKw minimum;   // the lowest that the backend's mempool accepts; 0: not known. No other one is lower
  bool is_guess = false;  // the backend has no data for at least one, which is the configured feerate instead

  /// For a confirmation within `blocks`: that of the largest target up to `blocks`, or of the smallest target.
  [[nodiscard]] FeeratePerKw within(std::uint32_t blocks) const {
    std::size_t at = 0;
    while (at + 1 < kFeeTargets.size() && kFeeTargets[at + 1] <= blocks) ++at;
    return by_target[at];
  }
  friend bool operator==(const FeeEstimate&, const FeeEstimate&) = default;
};
/// Answer to LookUpOutput: the output if it exists and is unspent. nullopt: it is not, or there was no answer.
struct OutputLookedUp {
  ShortChannelId scid;
  std::optional<bitcoin::TxOut> output;
  bool unanswered = false;  // there was no answer
};
/// The result of a broadcast. The numbers may be in records. A refusal is the backend's opinion at this time: only
/// blocks show that a transaction will never confirm.
enum class BroadcastOutcome : std::uint8_t {
  Accepted = 0,          // it is in the mempool, since now or before
  AlreadyInChain = 1,    // a block has it
  MissingInputs = 2,     // an input is unknown, or a block spent it: a conflict confirmed, or the parent is missing
  FeeTooLow = 3,         // below the minimum of relays or of the mempool
  ReplacementLow = 4,    // it conflicts with the mempool and pays too little to replace what is there
  CannotReplace = 5,     // it conflicts with the mempool, and no fee helps: too many would be replaced, or similar
  NotFinal = 6,          // its locktime is not reached
  NotFinalRelative = 7,  // a relative locktime (BIP 68) is not over, or its parent is unconfirmed
  ChainTooLong = 8,      // too many unconfirmed ancestors or descendants
  FeeTooHigh = 9,        // above what the backend's operator allows
  Policy = 10,           // valid, but the backend does not relay its kind: dust, size, version, ...
  PackageShape = 11,     // of parents and a child: the backend takes no package of this form
  Invalid = 12,          // no block can contain it: our mistake
  OtherRefusal = 13,     // a text that we do not know
  Unanswered = 14,       // neither accepted nor refused; the driver sends it again
  MaybeOut = 15,         // the same, but the backend had it: other nodes may have it as well
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
  std::string reason;  // the backend's text; empty for a success
};
/// An output of a transaction that is in the backend's mempool and in no block. Its sender may still replace it, and
/// the mempool may drop it. So it is shown to people, and decides nothing about money.
struct MempoolPayment {
  Outpoint outpoint;
  Bytes script_pubkey;
  Sat amount;
  friend bool operator==(const MempoolPayment&, const MempoolPayment&) = default;
};
/// Answer to WatchMempool, at each change: all payments that are there now, not only new ones. After a ChainStatus that
/// is not connected, none comes until the mempool was read again.
struct MempoolSeen {
  std::vector<MempoolPayment> payments;  // if there are too many, the largest
  bool complete = false;                 // the whole mempool was looked at, and nothing was left out
  friend bool operator==(const MempoolSeen&, const MempoolSeen&) = default;
};
/// Answer to ReadRows and ReadRange: the rows that exist when they are read, in the requested order. Exactly one answer
/// per question, in the order of the questions, unless the process ends before.
struct RowsRead {
  std::uint64_t tag = 0;
  std::vector<Row> rows;
};
struct DeadlineReached {};  // the time that Node::deadline() returned is reached
struct CommandReceived {
  RequestId request = 0;
  command::Command command;
};
/// The caller of this request has disconnected: forget the request.
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
/// Kind of peer and message, by which the driver decides what to do with a connection whose peer does not read.
enum class WriteKind : std::uint8_t {
  ToStranger,     // counts among the output of all strangers together
  ToChannelPeer,  // to a peer with a channel, or to a client: counts for this connection only
  /// A message of a channel. BOLT 2 makes us send it again after each reconnection, so a large amount of these never
  /// closes a connection.
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
/// Close the connection after everything written before was sent.
struct Hangup {
  ConnectionId connection = 0;
};
struct Broadcast {
  bitcoin::Transaction transaction;
};
struct LookUpOutput {
  ShortChannelId scid;
};
/// Report payments to these scripts in the mempool, during `for_ms`: each reading costs the backend some work. Replaces
/// the previous WatchMempool.
struct WatchMempool {
  std::vector<Bytes> scripts;
  std::uint64_t for_ms = 0;
};
/// Reads rows that a room keeps on disk only. They are read after the batch of the asking step is committed, so the
/// answer contains what that step wrote. The room knows the size of its rows and asks for a bounded number of bytes,
/// and for kMaxRowsPerRead rows at most.
struct ReadRows {
  Table table = Table::Meta;
  std::vector<Bytes> keys;
  std::uint64_t tag = 0;  // the asking machine's own: see tags.h
};

/// The same for rows with keys from `from` on and below `to`, in the order of their keys: the first `most` of them;
/// with `newest` the last `most`, in reverse order. kMaxRowsPerRead at most.
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
  TimedOut = 10,  // no answer in time; the command may still take effect
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
/// An event of the closed list, with the fields that its row names. The machine that emits it escapes texts from
/// others.
struct Notify {
  Severity severity = Severity::Info;
  Event event;
  Fields facts;
};
/// For tests and the simulator: the fields that differ from the event's row. Empty: none.
[[nodiscard]] std::string mistakes_in(const Notify& notify);
struct StopNode {
  std::string reason;
};
using Action = std::variant<WriteBytes, Dial, Hangup, Broadcast, LookUpOutput, WatchMempool, ReadRows, ReadRange, Reply,
                            Notify, StopNode>;

// ---- what rooms watch on the chain ----
/// Watches for transactions that make or spend this output. A driver without blocks finds them by the script.
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
/// The watching room. What several rooms watch is watched until the last of them stops.
enum class WatchOwner : std::uint8_t { Channel, Wallet, Gossip };
/// From now on these are watched as well, also in the block under way (BlockHasMore). A restart forgets everything: at
/// Started each room names all that it watches, from its rows. Outputs and scripts may be named again; a funding is
/// watched as often as it is named.
struct Watch {
  WatchOwner owner = WatchOwner::Channel;
  Watched what;
};
struct Unwatch {
  WatchOwner owner = WatchOwner::Channel;
  Watched what;
};
using WatchChange = std::variant<Watch, Unwatch>;

/// No action in `after` runs before `durable` is committed. If the commit fails, the node stops, because memory is
/// ahead of the disk. `watch` takes effect at once, before the next input: it sends nothing, and a block must not be
/// committed before all of it was looked at. See driver_order.h.
struct Outbox {
  Batch durable;
  std::vector<WatchChange> watch;
  std::vector<Action> after;
};

}  // namespace doze
