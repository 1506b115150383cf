// What crosses the border between the pure floors and the drivers: inputs in, actions out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/on_disk.h"
#include "base/variant.h"
#include "bitcoin/block.h"
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
struct BlockConnected {
  BlockHeight height;
  BlockHash hash;
  std::shared_ptr<const bitcoin::Block> block;
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
struct FeeEstimate {
  FeeratePerKw feerate;  // for a confirmation soon
  FeeratePerKw minimum;  // below this the backend's mempool takes nothing; 0: not known
};
/// Answer to LookUpOutput: the output if it exists unspent, nullopt if it does not or there was no answer.
struct OutputLookedUp {
  ShortChannelId scid;
  std::optional<bitcoin::TxOut> output;
  bool unanswered = false;  // nothing is known of it
};
struct BroadcastResult {
  Txid txid;
  bool accepted = false;  // or known already
  std::string reason;
  bool unanswered = false;  // neither accepted nor refused; the driver sends it again
  bool may_be_out = false;  // unanswered, but the backend had it: other nodes may have it, too
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
                            BlockConnected, BlockDisconnected, ChainStatus, FeeEstimate, OutputLookedUp,
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

/// Nothing in `after` runs before `durable` is committed. If the commit fails the node stops: memory is ahead of the
/// truth.
struct Outbox {
  Batch durable;
  std::vector<Action> after;
};

}  // namespace doze
