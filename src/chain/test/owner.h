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
    out.block_connected = [this](const FoundBlock& found) {
      record([&] {
        EXPECT_EQ(bitcoin::block_hash(found.block->header), found.hash);
        EXPECT_EQ(bitcoin::txids(found.block->transactions), found.txids);
        if (!chain.empty()) {
          EXPECT_EQ(found.height.value(), chain.back().height.value() + 1);
          EXPECT_EQ(found.block->header.previous, chain.back().hash);
        }
        chain.push_back({found.height, found.hash});
        words.emplace_back(found);
        last_block = found.block;
        ++connected;
      });
    };
    out.block_disconnected = [this](const BlockDisconnected& gone) {
      record([&] {
        ASSERT_FALSE(chain.empty());
        EXPECT_EQ(chain.back(), (BlockRef{gone.height, gone.hash}));
        chain.pop_back();
        words.emplace_back(gone);
        ++disconnected;
      });
    };
    out.status = [this](const DriverStatus& status) {
      record([&] {
        statuses.push_back(status);
        words.emplace_back(ChainStatus{status.connected, status.synced, status.detail, name(status.trouble)});
      });
    };
    out.fee_estimate = [this](const FeeEstimate& next) {
      EXPECT_GE(next.minimum, kRelayFloor);
      record([&] { fees.push_back(next); });
    };
    out.broadcast = [this](const BroadcastResult& result) {
      record([&] {
        if (!is_unanswered(result.outcome)) return broadcasts.push_back(result);
        unanswered.emplace_back(result.txid, result.reason);
        if (result.outcome == BroadcastOutcome::MaybeOut) maybe_out.push_back(result.txid);
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

  std::vector<BlockRef> chain;
  std::shared_ptr<const bitcoin::Block> last_block;
  int connected = 0, disconnected = 0;
  std::vector<ChainWord> words;  // as the daemon hands them on
  std::deque<DriverStatus> statuses;
  std::vector<FeeEstimate> fees;
  std::vector<BroadcastResult> broadcasts;
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
