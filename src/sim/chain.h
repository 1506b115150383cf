// A block chain in memory. Every transaction is checked by our own script and signature verifier before it enters the
// mempool; blocks hold what the mempool holds.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "bitcoin/block.h"
#include "bitcoin/interpreter.h"

namespace doze::sim {

class Chain {
 public:
  struct Verdict {
    bool accepted = false;
    std::string reason;
  };
  /// Known transactions are accepted again.
  Verdict broadcast(const bitcoin::Transaction& transaction, UnixTime now);
  /// One block with everything in the mempool, and coins from outside: `amount` to `script`, if there is one.
  void mine(UnixTime now, const Bytes& script = {}, Sat amount = Sat(0));
  /// The last `depth` blocks are gone; what was in them may be mined again.
  void undo(std::size_t depth);
  [[nodiscard]] BlockHeight height() const { return BlockHeight(static_cast<std::uint32_t>(blocks_.size())); }
  /// 1 to height().
  [[nodiscard]] std::shared_ptr<const bitcoin::Block> block(BlockHeight height) const;
  /// The unspent output at this place, confirmed or not counted as spent by the mempool.
  [[nodiscard]] std::optional<bitcoin::TxOut> unspent(ShortChannelId scid) const;
  [[nodiscard]] std::size_t mempool_size() const { return mempool_.size(); }
  /// Transactions that the verifier refused: none is expected in an honest network.
  [[nodiscard]] const std::vector<std::string>& refused() const { return refused_; }

 private:
  void spend(const bitcoin::Transaction& transaction);
  [[nodiscard]] std::optional<bitcoin::TxOut> output(const Outpoint& outpoint) const;

  std::vector<std::shared_ptr<const bitcoin::Block>> blocks_;
  std::map<Outpoint, bitcoin::TxOut> unspent_;
  std::vector<bitcoin::Transaction> mempool_;
  std::uint32_t mined_ = 0;  // ever: no two blocks are the same
  std::map<Txid, bool> known_;
  std::vector<std::string> refused_;
};

}  // namespace doze::sim
