#include "effects/block_scan.h"

#include <algorithm>
#include <utility>

namespace doze {

FoundBlock found_block(BlockHeight height, std::shared_ptr<const bitcoin::Block> block) {
  auto hash = bitcoin::block_hash(block->header);
  auto txids = bitcoin::txids(block->transactions);
  return {height, hash, std::move(block), std::move(txids)};
}

namespace {
std::size_t watched_payees(const bitcoin::Transaction& transaction, const WatchSet& watched) {
  return static_cast<std::size_t>(std::ranges::count_if(
      transaction.outputs, [&](const auto& output) { return watched.has_script(output.script_pubkey); }));
}
}  // namespace

bool BlockScan::touches(const bitcoin::Transaction& transaction, const Txid& txid, const WatchSet& watched) const {
  return watched.has_output_of(txid) || std::ranges::any_of(transaction.inputs, [&](const auto& input) {
           return watched.has_output(input.previous_output) || found_ids_.contains(input.previous_output.txid) ||
                  (!input.witness.empty() && watched.has_funding(input.witness.back()));
         });
}

std::vector<BlockTransaction> BlockScan::find(const WatchSet& watched) {
  std::vector<BlockTransaction> out;
  for (std::uint32_t position = 0; position < block_.txids.size(); ++position) {
    const auto& transaction = block_.block->transactions[position];
    const auto& txid = block_.txids[position];
    auto payees = watched_payees(transaction, watched);
    if (auto before = found_.find(position); before != found_.end()) {
      if (payees <= std::exchange(before->second, payees)) continue;
    } else {
      if (payees == 0 && !touches(transaction, txid, watched)) continue;
      found_.emplace(position, payees);
      found_ids_.insert(txid);
    }
    out.push_back({position, txid, transaction});
  }
  return out;
}

}  // namespace doze
