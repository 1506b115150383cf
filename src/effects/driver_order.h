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

#include "effects/io.h"

namespace doze {

using ChainWord = std::variant<ChainStatus, BlockDisconnected, BlockConnected>;

/// The words of one visit from a tip at `height` on. `gone` newest first, `come` oldest first. Nothing new: no word.
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
