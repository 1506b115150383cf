#include "sim/chain.h"

#include "bitcoin/script.h"

namespace doze::sim {

std::optional<bitcoin::TxOut> Chain::output(const Outpoint& outpoint) const {
  if (auto it = unspent_.find(outpoint); it != unspent_.end()) return it->second;
  for (const auto& transaction : mempool_)
    if (bitcoin::txid(transaction) == outpoint.txid && outpoint.index < transaction.outputs.size())
      return transaction.outputs[outpoint.index];
  return std::nullopt;
}

Chain::Verdict Chain::broadcast(const bitcoin::Transaction& transaction, UnixTime now) {
  auto id = bitcoin::txid(transaction);
  if (known_.contains(id)) return {true, ""};
  auto refuse = [&](std::string why) {
    refused_.push_back(bitcoin::txid_to_string(id) + ": " + why);
    return Verdict{false, std::move(why)};
  };
  std::vector<bitcoin::TxOut> spent;
  for (const auto& input : transaction.inputs) {
    for (const auto& other : mempool_)
      for (const auto& theirs : other.inputs)
        if (theirs.previous_output == input.previous_output) return {false, "txn-mempool-conflict"};
    auto coin = output(input.previous_output);
    if (!coin) return {false, "bad-txns-inputs-missingorspent"};
    spent.push_back(*coin);
  }
  auto verified = bitcoin::verify_transaction(transaction, spent);
  if (!verified) {
    std::string why = bitcoin::name(verified.error().code);
    if (verified.error().code == bitcoin::TransactionError::Code::Script)
      why += std::string(": ") + bitcoin::name(verified.error().script);
    return refuse(why);
  }
  if (!bitcoin::is_final(transaction, BlockHeight(height().value() + 1), now)) return {false, "non-final"};
  mempool_.push_back(transaction);
  known_[id] = true;
  return {true, ""};
}

void Chain::mine(UnixTime now, const Bytes& script, Sat amount) {
  auto block = std::make_shared<bitcoin::Block>();
  bitcoin::Transaction coinbase;
  bitcoin::TxIn input;
  input.previous_output.index = UINT32_MAX;
  input.script_sig = Writer().u32(height().value() + 1).u32(mined_++).take();
  coinbase.inputs.push_back(input);
  coinbase.outputs.push_back({Sat(0), Bytes{bitcoin::OP_RETURN}});
  block->transactions.push_back(coinbase);
  if (!script.empty()) {
    // Coins from outside: an ordinary transaction, for coinbase outputs would have to mature.
    bitcoin::Transaction gift;
    bitcoin::TxIn from;
    from.previous_output.txid.bytes[0] = 0xff;
    from.previous_output.index = height().value();
    gift.inputs.push_back(from);
    gift.outputs.push_back({amount, script});
    block->transactions.push_back(gift);
  }
  for (auto& transaction : mempool_) block->transactions.push_back(std::move(transaction));
  mempool_.clear();
  if (!blocks_.empty()) block->header.previous = bitcoin::block_hash(blocks_.back()->header);
  block->header.merkle_root = bitcoin::merkle_root(block->transactions);
  block->header.time = static_cast<std::uint32_t>(now.value());
  block->header.bits = 0x207fffff;
  for (const auto& transaction : block->transactions) {
    known_[bitcoin::txid(transaction)] = true;
    spend(transaction);
  }
  blocks_.push_back(std::move(block));
}

void Chain::spend(const bitcoin::Transaction& transaction) {
  auto id = bitcoin::txid(transaction);
  for (const auto& in : transaction.inputs) unspent_.erase(in.previous_output);
  for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) unspent_[{id, i}] = transaction.outputs[i];
}

void Chain::undo(std::size_t depth) {
  LN_ASSERT(depth <= blocks_.size());
  std::vector<bitcoin::Transaction> again;
  for (auto at = blocks_.size() - depth; at < blocks_.size(); ++at)
    again.insert(again.end(), blocks_[at]->transactions.begin() + 1, blocks_[at]->transactions.end());
  mempool_.insert(mempool_.begin(), again.begin(), again.end());
  blocks_.resize(blocks_.size() - depth);
  unspent_.clear();
  for (const auto& block : blocks_)
    for (const auto& transaction : block->transactions) spend(transaction);
}

std::shared_ptr<const bitcoin::Block> Chain::block(BlockHeight height) const {
  LN_ASSERT(height.value() >= 1 && height.value() <= blocks_.size());
  return blocks_[height.value() - 1];
}

std::optional<bitcoin::TxOut> Chain::unspent(ShortChannelId scid) const {
  if (scid.block() < 1 || scid.block() > blocks_.size()) return std::nullopt;
  const auto& transactions = blocks_[scid.block() - 1]->transactions;
  if (scid.tx() >= transactions.size()) return std::nullopt;
  auto it = unspent_.find({bitcoin::txid(transactions[scid.tx()]), scid.output()});
  if (it == unspent_.end()) return std::nullopt;
  return it->second;
}

}  // namespace doze::sim
