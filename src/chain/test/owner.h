// What the owner of a ChainDriver sees, for tests.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "chain/chain_driver.h"
#include "effects/driver_order.h"
#include "effects/words.h"

namespace doze::chain::test {

// What the owner sees. Checks by itself that no block is missing, doubled or out of order.
class Owner {
 public:
  ChainEvents events() {
    ChainEvents out;
    out.block_connected = [this](BlockHeight height, const BlockHash& hash,
                                 std::shared_ptr<const bitcoin::Block> block) {
      record([&] {
        EXPECT_EQ(bitcoin::block_hash(block->header), hash);
        if (!chain.empty()) {
          EXPECT_EQ(height.value(), chain.back().height.value() + 1);
          EXPECT_EQ(block->header.previous, chain.back().hash);
        }
        chain.push_back({height, hash});
        words.emplace_back(BlockConnected{height, hash, block});
        last_block = block;
        ++connected;
      });
    };
    out.block_disconnected = [this](BlockHeight height, const BlockHash& hash) {
      record([&] {
        ASSERT_FALSE(chain.empty());
        EXPECT_EQ(chain.back(), (BlockRef{height, hash}));
        chain.pop_back();
        words.emplace_back(BlockDisconnected{height, hash});
        ++disconnected;
      });
    };
    out.status = [this](const DriverStatus& status) {
      record([&] {
        statuses.push_back(status);
        words.emplace_back(ChainStatus{status.connected, status.synced, status.detail, name(status.trouble)});
      });
    };
    out.fee_estimate = [this](FeeratePerKw fee, FeeratePerKw minimum, bool fallback) {
      EXPECT_GE(minimum, kRelayFloor);
      record([&] { fees.emplace_back(fee, fallback); });
    };
    out.broadcast = [this](const Txid& txid, BroadcastOutcome outcome, const std::string& reason) {
      record([&] { broadcasts.push_back({txid, outcome, reason}); });
    };
    out.broadcast_unanswered = [this](const Txid& txid, const std::string& reason, bool may_be_out) {
      record([&] {
        unanswered.emplace_back(txid, reason);
        if (may_be_out) maybe_out.push_back(txid);
      });
    };
    out.output_looked_up = [this](ShortChannelId scid, const std::optional<bitcoin::TxOut>& output, bool no_answer) {
      record([&] {
        outputs.emplace_back(scid, output);
        if (no_answer) without_answer.push_back(scid);
      });
    };
    out.mempool_seen = [this](const MempoolSeen& seen) { record([&] { mempools.push_back(seen); }); };
    return out;
  }
  /// Waits for it; the generous limit only ends a test that has failed.
  template <class F>
  bool until(F condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), condition);
  }
  bool until_tip(const std::string& hash) {
    auto wanted = bitcoin::parse_block_hash(hash);
    return until([&] { return !chain.empty() && chain.back().hash == wanted && synced(); });
  }
  [[nodiscard]] bool synced() const { return !statuses.empty() && statuses.back().connected && statuses.back().synced; }

  struct Sent {
    Txid txid;
    BroadcastOutcome outcome;
    std::string reason;
  };
  std::vector<BlockRef> chain;
  std::shared_ptr<const bitcoin::Block> last_block;
  int connected = 0, disconnected = 0;
  std::vector<ChainWord> words;  // as the daemon hands them on
  std::deque<DriverStatus> statuses;
  std::vector<std::pair<FeeratePerKw, bool>> fees;
  std::vector<Sent> broadcasts;
  std::vector<MempoolSeen> mempools;
  std::vector<std::pair<Txid, std::string>> unanswered;
  std::vector<Txid> maybe_out;  // among them
  std::vector<std::pair<ShortChannelId, std::optional<bitcoin::TxOut>>> outputs;
  std::vector<ShortChannelId> without_answer;  // among them

 private:
  template <class F>
  void record(F f) {
    std::lock_guard lock(mutex_);
    f();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace doze::chain::test
