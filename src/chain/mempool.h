// What bitcoind's mempool holds for some scripts, as long as somebody may be waiting for it. Private to this room.
//
// bitcoind has no index by script: its list of transaction ids is read every few seconds, and each transaction that is
// new in it once. A look that fails is repeated later and ends nothing: blocks come first.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "chain/bitcoind_client.h"
#include "effects/io.h"

namespace doze::chain {

/// The pause between two lists is so many times as long as reading one took: 2 % of bitcoind's time at most.
inline constexpr std::uint32_t kMempoolPauseTimes = 50;
/// After a look that failed: bitcoind has too much to do, or its mempool is too large.
inline constexpr std::uint32_t kMempoolAgainMs = 60'000;
/// Questions for kMaxTransactionsPerCall transactions in one round: blocks wait for them.
inline constexpr std::size_t kMempoolCallsPerRound = 10;
/// Payments that are kept: the largest ones. Who fills an address with dust pays for each.
inline constexpr std::size_t kMaxMempoolPayments = 1'000;

class MempoolWatch {
 public:
  using Clock = std::chrono::steady_clock;
  using Tell = std::function<void(const MempoolSeen&)>;
  explicit MempoolWatch(std::uint32_t interval_ms) : interval_(interval_ms) {}

  /// From any thread: counts from the next round on.
  void watch(std::vector<Bytes> scripts, std::uint64_t for_ms);

  // On the driver's thread.
  /// One round; `tell` at each change. True if there is more to look at already.
  bool look(BitcoindClient& rpc, const Tell& tell);
  /// bitcoind went away: what its mempool has when it comes back is another question.
  void forget();

 private:
  void take_wish();
  bool list(BitcoindClient& rpc);
  bool read(BitcoindClient& rpc);
  void note(const Txid& txid, ByteView bytes);
  void keep_the_largest();
  void say(const Tell& tell);

  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::optional<std::vector<Bytes>> wished_;
  Clock::time_point wished_until_;

  std::set<Bytes> scripts_;
  std::optional<Clock::time_point> until_;
  Clock::time_point next_list_, pause_;  // not before
  std::vector<Txid> known_;              // in the list as it was read last, sorted
  std::vector<Txid> unread_;             // ... and not looked at yet
  bool listed_ = false;                  // the last question for the list was answered
  bool left_out_ = false;                // since nothing was known, something did not fit or could not be read
  std::size_t per_call_ = kMaxTransactionsPerCall;
  std::map<Outpoint, std::pair<Bytes, Sat>> found_;
  std::optional<MempoolSeen> said_;
};

}  // namespace doze::chain
