// Which transactions of a block the rooms hear of: the pure part of a driver that sees whole blocks.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "bitcoin/block.h"
#include "effects/watch_set.h"

namespace doze {

/// A block as a driver found it: whole, and its hash right.
struct FoundBlock {
  BlockHeight height;
  BlockHash hash;
  std::shared_ptr<const bitcoin::Block> block;
  std::vector<Txid> txids;  // of its transactions
};
[[nodiscard]] FoundBlock found_block(BlockHeight height, std::shared_ptr<const bitcoin::Block> block);

class BlockScan {
 public:
  /// `block` outlives it.
  explicit BlockScan(const FoundBlock& block) : block_(block) {}
  /// The transactions that touch what is watched now: they make or spend a watched output, pay a watched script, spend
  /// a watched funding, or spend an output of a transaction that was found. A block has parents before children, so one
  /// pass finds whole families. What was found before is left out, unless it pays a script that is watched only since.
  [[nodiscard]] std::vector<BlockTransaction> find(const WatchSet& watched);

 private:
  [[nodiscard]] bool touches(const bitcoin::Transaction& transaction, const Txid& txid, const WatchSet& watched) const;

  const FoundBlock& block_;
  std::map<std::uint32_t, std::size_t> found_;  // by position: how many outputs pay watched scripts
  std::set<Txid> found_ids_;
};

}  // namespace doze
