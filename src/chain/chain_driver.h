// Follows the block chain of a bitcoind, broadcasts, looks outputs up. Its own thread, which delivers every event.
//
// The hash chain decides: the driver remembers the blocks that it has given to the owner, and each new one must stand
// on the last. Whatever happens in between (restart of either side, reorganisation while asleep),
// the owner sees disconnected blocks newest first down to the common ancestor, then connected ones, none missing, none
// twice. A backend that is not what it was (Trouble) is said, and not followed: blocks are taken back only for a chain
// with more work, and no more than kMaxReorgDepth unless the operator names that chain. Polling finds new blocks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bitcoin/transaction.h"
#include "chain/bitcoind_client.h"
#include "effects/block_scan.h"

namespace doze::chain {

/// Blocks remembered for finding a common ancestor: two difficulty periods, no reorganisation is deeper.
inline constexpr std::size_t kMaxRemembered = 4'032;
/// Blocks that are taken back without asking the operator. Two hours of blocks: public networks had reorganisations of
/// two or three, and a channel is open after minimum_depth of them. A deeper one is an attack, or a bitcoind that was
/// alone on a fork of its own.
inline constexpr std::size_t kMaxReorgDepth = 12;
inline constexpr std::uint32_t kReconnectMinMs = 250;
inline constexpr std::uint32_t kReconnectMaxMs = 10'000;
/// Fee estimates move slowly; asked at each new tip, but not more often than this.
inline constexpr std::uint32_t kFeeIntervalMs = 30'000;
/// Below this no transaction is relayed: 1 sat/vB is 250 sat/kw, plus what rounding of weights costs.
inline constexpr FeeratePerKw kRelayFloor{253};
/// A transaction that bitcoind did not answer goes behind the others and is sent again so much later, or at once when
/// bitcoind is back. Blocks do not wait for it.
inline constexpr std::uint32_t kBroadcastAgainMs = 10'000;
/// Look-ups that wait for bitcoind: twice the announced channels of mainnet.
inline constexpr std::size_t kMaxLookUps = 100'000;
/// A look-up whose answer is none (a proxy's error page, half a reply) goes behind the others so often. Then its owner
/// is told that there was no answer, which is not the same as no output.
inline constexpr std::uint32_t kLookUpTries = 3;

/// A mempool's list of transactions is read every so often while somebody waits for a payment: it may have 7 MB.
/// mempool.h has the rest.
inline constexpr std::uint32_t kMempoolIntervalMs = 5'000;

struct BlockRef {
  BlockHeight height;
  BlockHash hash;
  friend bool operator==(const BlockRef&, const BlockRef&) = default;
};

struct ChainConfig {
  RpcEndpoint rpc;
  ChainHash chain_hash;  // genesis block that bitcoind must have
  std::uint32_t poll_interval_ms = 1'000;
  std::uint32_t broadcast_again_ms = kBroadcastAgainMs;
  std::uint32_t mempool_interval_ms = kMempoolIntervalMs;
  FeeratePerKw fallback_feerate{2'500};  // where bitcoind has no estimate (regtest, fresh start)
  /// Blocks that the owner has seen, oldest first. Empty: begins with the block at `start`, or with the tip.
  std::vector<BlockRef> known;
  std::optional<BlockHeight> start;
  /// Of a chain that leaves ours deeper than kMaxReorgDepth: the first block that is not in ours, as `detail` names it.
  /// The operator has looked at it and takes it for the true one.
  std::optional<BlockHash> accepted_fork;
};

/// bitcoind answers, but what it says cannot be followed. doc/OPERATING.md names the way out of each.
enum class Trouble : std::uint8_t {
  None,
  Pruned,      // the next block is gone from its disk
  Behind,      // its chain has less work than the one that we have seen: restored, syncing, or on a fork of its own
  Replaced,    // its chain has more work, but leaves ours deeper than kMaxReorgDepth
  OtherChain,  // another genesis block
};
[[nodiscard]] const char* name(Trouble trouble);

struct DriverStatus {
  bool connected = false;
  bool synced = false;              // every block up to bitcoind's tip was delivered, and bitcoind itself is up to date
  std::string detail;               // for people: why not connected, or how far it has come
  Trouble trouble = Trouble::None;  // connected, not synced
  friend bool operator==(const DriverStatus&, const DriverStatus&) = default;
};

/// Called on the driver's thread, one after the other. A callback may block: the driver waits, so a slow owner is never
/// flooded with blocks. A callback must not destroy the driver. Empty functions are skipped.
struct ChainEvents {
  std::function<void(FoundBlock)> block_connected;
  std::function<void(const BlockDisconnected&)> block_disconnected;
  std::function<void(const DriverStatus&)> status;       // at each change
  std::function<void(const FeeEstimate&)> fee_estimate;  // at each change
  /// Unanswered and MaybeOut: it is sent again; said once, and once more when the backend may have taken it.
  std::function<void(const BroadcastResult&)> broadcast;
  /// nullopt: it is not there, or, if `unanswered`, what came was no answer, several times.
  std::function<void(ShortChannelId, const std::optional<bitcoin::TxOut>&, bool unanswered)> output_looked_up;
  std::function<void(const MempoolSeen&)> mempool_seen;
};

class ChainDriver {
 public:
  /// Starts the thread at once.
  ChainDriver(ChainConfig config, ChainEvents events);
  /// Stops and joins; a call under way is interrupted. What was not broadcast yet is not.
  ~ChainDriver();
  ChainDriver(const ChainDriver&) = delete;
  ChainDriver& operator=(const ChainDriver&) = delete;

  // From any thread; answered by the event of the same name. While bitcoind is away the request waits. A transaction
  // that waits already is not taken twice.
  void broadcast(bitcoin::Transaction transaction);
  /// The output at a short_channel_id, if it is unspent in the chain. False, and no event, if kMaxLookUps wait already.
  [[nodiscard]] bool look_up(ShortChannelId scid);
  /// Watches the mempool for payments to these scripts for this time, instead of the earlier ones; each change causes
  /// one event with all of them.
  void watch_mempool(std::vector<Bytes> scripts, std::uint64_t for_ms);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace doze::chain
