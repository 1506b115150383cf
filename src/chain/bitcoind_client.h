// bitcoind's JSON-RPC over HTTP, one blocking call at a time. Not thread-safe: it belongs to one thread, which is the
// ChainDriver's; only interrupt() may be called from elsewhere.
//
// Amounts in replies are decimal text and are read digit by digit: no double ever holds one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/units.h"

namespace doze::chain {

/// A block of 4 MB is 8 MB of hex; getblock with verbosity 1 less. Beyond this a reply is refused.
inline constexpr std::size_t kMaxReplyBytes = 64 * 1024 * 1024;
/// A mempool of 300 MB, bitcoind's own limit, had 200,000 transactions at most. 32 bytes each are kept, and reading the
/// list takes 200 for a moment.
inline constexpr std::size_t kMaxMempoolTransactions = 250'000;
/// Transactions per call: the largest that nodes relay has 800 KB of hex, and the reply must not be too large.
inline constexpr std::size_t kMaxTransactionsPerCall = 50;

struct RpcEndpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8332;
  /// Read before each connection attempt, for bitcoind writes a new one at each start. Empty: user and password.
  std::string cookie_file;
  std::string user, password;
  long connect_timeout_ms = 5'000;
  long call_timeout_ms = 10'000;    // a bitcoind that is well answers at once
  long block_timeout_ms = 120'000;  // a block from a slow disk may take long
};

enum class RpcErrorCode : std::uint8_t {
  NoCredentials,  // no cookie file, or one that cannot be read: bitcoind is down, or runs elsewhere or as another user
  Unreachable,    // no connection, or it broke
  TimedOut,
  Unauthorized,  // 401 or 403
  WarmingUp,     // -28: starting, ask again
  Busy,          // 503: the work queue is full, ask again
  BadReply,      // not what the call must give
  Refused,       // bitcoind answered with an error: `rpc_code` and `message` are its own
  Interrupted,
};
[[nodiscard]] const char* name(RpcErrorCode code);

struct RpcError {
  RpcErrorCode code = RpcErrorCode::BadReply;
  int rpc_code = 0;
  std::string message;  // one line; foreign text in it is escaped
  bool unsent = false;  // bitcoind has not got a byte of the request, for sure
};
/// "unreachable: could not connect to 127.0.0.1:18443"
[[nodiscard]] std::string describe(const RpcError& error);

// bitcoind's own error numbers that we react to (its src/rpc/protocol.h).
inline constexpr int kRpcMiscError = -1;            // getblock: the block is pruned, for one
inline constexpr int kRpcInvalidAddressOrKey = -5;  // unknown block or transaction
inline constexpr int kRpcInvalidParameter = -8;     // block height out of range
inline constexpr int kRpcInWarmup = -28;

struct ChainInfo {
  std::string chain;  // "main", "test", "testnet4", "signet", "regtest"
  BlockHeight blocks;
  BlockHeight headers;
  BlockHash best_block;
  bool initial_block_download = false;
  bool pruned = false;
  std::optional<BlockHeight> oldest_block;  // of a pruned one: the first that it still has
  std::string work;                         // of the chain to its tip: 64 hex digits, so that texts compare as numbers
};

struct HeaderInfo {
  BlockHeight height;
  bool in_active_chain = false;
  std::string work;  // of the chain to this block, as in ChainInfo
};

/// An unspent output as gettxout tells it.
struct UnspentOutput {
  Sat value;
  Bytes script_pubkey;
  std::uint32_t confirmations = 0;
};

/// Satoshi per 1000 virtual bytes.
struct MempoolFees {
  Sat minimum;      // below, the mempool takes nothing
  Sat incremental;  // what a replacement must add for its own size; 0: bitcoind does not say
};

class BitcoindClient {
 public:
  explicit BitcoindClient(RpcEndpoint endpoint);
  ~BitcoindClient();
  BitcoindClient(const BitcoindClient&) = delete;
  BitcoindClient& operator=(const BitcoindClient&) = delete;

  [[nodiscard]] Result<ChainInfo, RpcError> chain_info();
  [[nodiscard]] Result<BlockHash, RpcError> best_block_hash();
  /// nullopt above the tip.
  [[nodiscard]] Result<std::optional<BlockHash>, RpcError> block_hash(BlockHeight height);
  /// nullopt if bitcoind does not know the block.
  [[nodiscard]] Result<std::optional<HeaderInfo>, RpcError> block_header(const BlockHash& hash);
  /// The serialised block.
  [[nodiscard]] Result<Bytes, RpcError> block(const BlockHash& hash);
  [[nodiscard]] Result<std::vector<Txid>, RpcError> block_txids(const BlockHash& hash);
  /// Unspent in the chain; the mempool is not asked. nullopt if spent or never there.
  [[nodiscard]] Result<std::optional<UnspentOutput>, RpcError> unspent_output(const Outpoint& outpoint);
  /// Of the mempool. BadReply if there are more than kMaxMempoolTransactions.
  [[nodiscard]] Result<std::vector<Txid>, RpcError> mempool_txids();
  /// Transactions of the mempool, serialised, in the order of `txids`, kMaxTransactionsPerCall at most; nullopt for one
  /// that is not there any more. Needs no txindex.
  [[nodiscard]] Result<std::vector<std::optional<Bytes>>, RpcError> mempool_transactions(std::span<const Txid> txids);
  /// The reply to sendrawtransaction, at whatever feerate (kMaxFeerate is our own limit): the txid, or Refused.
  [[nodiscard]] Result<Txid, RpcError> send_raw_transaction(ByteView transaction);
  /// Satoshi per 1000 virtual bytes to confirm within `blocks`, which bitcoind estimates in its mode "conservative" or
  /// "economical"; nullopt if it has too little data.
  [[nodiscard]] Result<std::optional<Sat>, RpcError> estimate_fee(std::uint32_t blocks, bool conservative);
  [[nodiscard]] Result<MempoolFees, RpcError> mempool_fees();
  /// Any other call, for tests and tools: `params` and the result are JSON text. Decimal numbers come as strings.
  [[nodiscard]] Result<std::string, RpcError> call(const std::string& method, const std::string& params);

  /// From any thread, for good: the running call and every later one ends with Interrupted.
  void interrupt() { interrupted_ = true; }

 private:
  struct Http;
  struct Reply;
  Result<Reply, RpcError> ask(const std::string& method, const std::string& params);
  Result<Reply, RpcError> ask(const std::string& method, const std::string& params, long timeout_ms);
  Result<std::string, RpcError> post(const std::string& body, long timeout_ms);
  Result<std::string, RpcError> credentials() const;

  RpcEndpoint endpoint_;
  std::unique_ptr<Http> http_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace doze::chain
