// A block chain in memory, with the mempool of a bitcoind (see mempool.h). Every transaction is checked by our own
// script and signature verifier before it enters the mempool or a block.
#pragma once

#include <functional>
#include <memory>

#include "sim/mempool.h"

namespace doze::sim {

/// What a miner takes from the mempool.
struct BlockPolicy {
  /// -blockmintxfee: a transaction with all that it needs pays at least this.
  FeeratePerKvb minimum;
  std::uint64_t max_weight = bitcoin::kMaxBlockWeight - 8'000;  // of transactions from the mempool
};

class Chain {
 public:
  using Verdict = sim::Verdict;
  using PackageVerdict = sim::PackageVerdict;

  /// Known transactions are accepted again. One that is in a block is accepted while an output of it is unspent, as the
  /// node's driver reads bitcoind's answer, and refused like bitcoind afterwards.
  Verdict broadcast(const bitcoin::Transaction& transaction, UnixTime now);
  /// A child with its unconfirmed parents: what each pays too little alone, they may pay together.
  PackageVerdict broadcast_package(std::vector<bitcoin::Transaction> parents, bitcoin::Transaction child, UnixTime now);

  /// One block by the block policy: those whose feerate with all that they need is highest, as many as fit. And coins
  /// from outside: `amount` to `script`, if there is one.
  void mine(UnixTime now, const Bytes& script = {}, Sat amount = Sat(0));
  /// One block with these transactions, parents first, and no others: empty, or with what no mempool has seen. Refused,
  /// without a block, if they are not valid there.
  Verdict mine_only(const std::vector<bitcoin::Transaction>& transactions, UnixTime now);
  /// The last `depth` blocks are gone; what was in them is in the mempool if it is valid in the next block.
  void undo(std::size_t depth);

  void set_relay_policy(const RelayPolicy& policy) { mempool_.set_policy(policy); }
  void set_block_policy(const BlockPolicy& policy) { block_policy_ = policy; }
  /// See Mempool::set_minimum.
  void set_mempool_minimum(FeeratePerKw minimum) { mempool_.set_minimum(to_kvb(minimum)); }
  /// The estimate for this number of blocks; nullopt: none for it and what follows it.
  void set_estimate(std::uint32_t blocks, std::optional<FeeratePerKw> feerate);

  [[nodiscard]] BlockHeight height() const { return BlockHeight(static_cast<std::uint32_t>(blocks_.size())); }
  /// 1 to height().
  [[nodiscard]] std::shared_ptr<const bitcoin::Block> block(BlockHeight height) const;
  /// The unspent output at this place, confirmed or not counted as spent by the mempool.
  [[nodiscard]] std::optional<bitcoin::TxOut> unspent(ShortChannelId scid) const;
  /// The sum of outputs that blocks made and no block spent, of scripts for which `counts` is true.
  [[nodiscard]] Sat unspent_sum(const std::function<bool(ByteView script)>& counts) const;

  [[nodiscard]] std::size_t mempool_size() const { return mempool_.size(); }
  /// Parents before their children.
  [[nodiscard]] std::vector<Txid> mempool() const { return mempool_.by_arrival(); }
  /// nullptr if it is not in the mempool; until the next change.
  [[nodiscard]] const bitcoin::Transaction* in_mempool(const Txid& txid) const;
  /// The transaction in the mempool that spends this output. gettxspendingprevout.
  [[nodiscard]] std::optional<Txid> spender(const Outpoint& outpoint) const { return mempool_.spender(outpoint); }
  struct Paid {
    Sat fee;
    std::uint64_t vsize = 0;
    std::optional<BlockHeight> height;  // nullopt: in the mempool
    [[nodiscard]] FeeratePerKvb feerate() const { return FeeratePerKvb(fee.value() * 1000 / vsize); }
  };
  /// Of a transaction in the mempool or in a block; not of coinbase transactions.
  [[nodiscard]] std::optional<Paid> paid(const Txid& txid) const;
  /// mempoolminfee: the mempool takes nothing below it.
  [[nodiscard]] FeeratePerKw mempool_minimum() const { return to_kw(mempool_.minimum()); }
  /// estimatesmartfee: what was set for this number of blocks, or else for the next lower one that has an estimate. The
  /// answer for 1 is that for 2. nullopt if there is none, and above 1,008.
  [[nodiscard]] std::optional<FeeratePerKw> estimate(std::uint32_t blocks) const;
  /// Transactions that the verifier refused: none is expected in an honest network.
  [[nodiscard]] const std::vector<std::string>& refused() const { return refused_; }

 private:
  /// What a block took away, so that it can go back.
  struct Connected {
    std::shared_ptr<const bitcoin::Block> block;
    std::vector<std::pair<Outpoint, Coin>> spent;
    UnixTime median_time;
  };
  [[nodiscard]] UnixTime median_time() const;
  [[nodiscard]] Ground ground() const { return {coins_, height(), median_time()}; }
  [[nodiscard]] std::vector<Txid> chosen() const;
  void note_refused(const bitcoin::Transaction& transaction, const Verdict& verdict);
  [[nodiscard]] bitcoin::Transaction coinbase();
  [[nodiscard]] bitcoin::Transaction gift(const Bytes& script, Sat amount);
  void connect(std::vector<bitcoin::Transaction> transactions, UnixTime now);
  void disconnect();

  std::vector<Connected> blocks_;
  Coins coins_;
  Mempool mempool_;
  BlockPolicy block_policy_;
  std::map<std::uint32_t, std::optional<FeeratePerKw>> estimates_;
  std::map<Txid, Paid> confirmed_;
  UnixTime now_;             // the latest that was told
  std::uint32_t mined_ = 0;  // ever: no two blocks and no two gifts are the same
  std::vector<std::string> refused_;
};

}  // namespace doze::sim
