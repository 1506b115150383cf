// A block chain of a test. What it mines and takes back it tells in the words of the chain driver: see driver_order.h.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "bitcoin/block.h"
#include "effects/driver_order.h"

namespace doze::test {

class TestChain {
 public:
  /// Blocks up to `tip` are there, and nobody asks for them.
  explicit TestChain(BlockHeight tip) : base_(tip) {}
  [[nodiscard]] BlockHeight tip() const {
    return BlockHeight(base_.value() + static_cast<std::uint32_t>(blocks_.size()));
  }
  /// `count` blocks that the driver finds together; the first has these transactions. A coinbase of none of ours is put
  /// before them unless the first is one.
  std::vector<ChainWord> mine(std::vector<bitcoin::Transaction> transactions = {}, std::uint32_t count = 1) {
    auto before = tip();
    std::vector<FoundBlock> come;
    for (std::uint32_t i = 0; i < count; ++i) come.push_back(next(std::exchange(transactions, {})));
    return driver_words(before, {}, std::move(come));
  }
  /// The last `depth` blocks leave the chain, `count` others come; the first of these has the transactions.
  std::vector<ChainWord> reorganise(std::uint32_t depth, std::uint32_t count,
                                    std::vector<bitcoin::Transaction> transactions = {}) {
    auto before = tip();
    std::vector<BlockDisconnected> gone;
    for (; depth > 0; --depth) {
      LN_ASSERT(!blocks_.empty());
      gone.push_back({tip(), blocks_.back()});
      blocks_.pop_back();
    }
    std::vector<FoundBlock> come;
    for (std::uint32_t i = 0; i < count; ++i) come.push_back(next(std::exchange(transactions, {})));
    return driver_words(before, std::move(gone), std::move(come));
  }

 private:
  FoundBlock next(std::vector<bitcoin::Transaction> transactions) {
    auto block = std::make_shared<bitcoin::Block>();
    bool has_coinbase = !transactions.empty() && transactions[0].inputs.size() == 1 &&
                        transactions[0].inputs[0].previous_output.index == UINT32_MAX;
    if (!has_coinbase) block->transactions.push_back({2, {{{{}, UINT32_MAX}, {}, 0, {}}}, {{Sat(0), {}}}, ++mined_});
    for (auto& transaction : transactions) block->transactions.push_back(std::move(transaction));
    if (!blocks_.empty()) block->header.previous = blocks_.back();
    block->header.merkle_root = bitcoin::merkle_root(block->transactions);
    block->header.nonce = ++mined_;  // no two are the same
    blocks_.push_back(bitcoin::block_hash(block->header));
    return found_block(tip(), std::move(block));
  }

  BlockHeight base_;
  std::deque<BlockHash> blocks_;
  std::uint32_t mined_ = 0;
};

}  // namespace doze::test
