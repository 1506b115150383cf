// In which order, and in which form, the chain driver (chain/chain_driver.h) tells of blocks. The simulator and the
// tests of every room that mines take the words from here; chain/test compares them with what the driver really says.
//
// A visit: not synced; what left the chain, newest first; what came, oldest first; synced. So no room ever hears of a
// block while the chain is synced: what waits for a synced chain happens when ChainStatus says so.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "effects/block_scan.h"

namespace doze {

/// A block is told as BlockConnected, and as BlockHasMore as long as its steps begin to watch what it has: hand_over.
using ChainWord = std::variant<ChainStatus, BlockDisconnected, FoundBlock>;

/// The words of one visit from a tip at `height` on. `gone` newest first, `come` oldest first. Nothing new: no word.
[[nodiscard]] inline std::vector<ChainWord> driver_words(BlockHeight height, std::vector<BlockDisconnected> gone,
                                                         std::vector<FoundBlock> come) {
  std::vector<ChainWord> out;
  if (gone.empty() && come.empty()) return out;
  auto best = come.empty() ? gone.back().height.value() - 1 : come.back().height.value();
  out.emplace_back(ChainStatus{true, false, "block " + std::to_string(height.value()) + " of " + std::to_string(best)});
  for (auto& block : gone) out.emplace_back(std::move(block));
  for (auto& block : come) out.emplace_back(std::move(block));
  out.emplace_back(ChainStatus{true, true, ""});
  return out;
}

/// The inputs that a block is. `step` takes each, and has `watched` follow what it watches before it returns. All of
/// them belong into one batch: a node that died between two would go on with the next block and never hear of the rest.
template <class Step>
void hand_over(const FoundBlock& block, const WatchSet& watched, Step&& step) {
  BlockScan scan(block);
  auto looked_for = watched.additions();
  step(BlockConnected{block.height, block.hash, scan.find(watched)});
  while (watched.additions() != looked_for) {
    looked_for = watched.additions();
    auto more = scan.find(watched);
    if (more.empty()) return;
    step(BlockHasMore{block.height, std::move(more)});
  }
}

/// The inputs that the words of a visit are, in the same way.
template <class Step>
void hand_over(const std::vector<ChainWord>& words, const WatchSet& watched, Step&& step) {
  for (const auto& word : words)
    if (const auto* block = std::get_if<FoundBlock>(&word))
      hand_over(*block, watched, step);
    else if (const auto* gone = std::get_if<BlockDisconnected>(&word))
      step(*gone);
    else
      step(std::get<ChainStatus>(word));
}

}  // namespace doze
