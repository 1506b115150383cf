// The order and form in which the chain driver (chain/chain_driver.h) reports blocks. The simulator, and every test
// that mines, makes its inputs here; chain/test compares them with those of the driver.
//
// Each time it reads blocks, the driver reports: not synced; blocks that left the chain, newest first; new blocks,
// oldest first; synced. So blocks arrive only while the chain is not synced, and what waits for a synced chain happens
// at the ChainStatus behind them.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "effects/io.h"

namespace doze {

using ChainWord = std::variant<ChainStatus, BlockDisconnected, BlockConnected>;

/// The inputs from one reading, from a tip at `height` on. `gone`: newest first. `come`: oldest first. Empty if both
/// are.
[[nodiscard]] inline std::vector<ChainWord> driver_words(BlockHeight height, std::vector<BlockDisconnected> gone,
                                                         std::vector<BlockConnected> come) {
  std::vector<ChainWord> out;
  if (gone.empty() && come.empty()) return out;
  auto best = come.empty() ? gone.back().height.value() - 1 : come.back().height.value();
  out.emplace_back(ChainStatus{true, false, "block " + std::to_string(height.value()) + " of " + std::to_string(best)});
  for (auto& block : gone) out.emplace_back(std::move(block));
  for (auto& block : come) out.emplace_back(std::move(block));
  out.emplace_back(ChainStatus{true, true, ""});
  return out;
}

}  // namespace doze
