#include "sim/chain.h"

#include <algorithm>

#include "bitcoin/script.h"

namespace doze::sim {

namespace {
constexpr std::size_t kMedianBlocks = 11;            // BIP 113
constexpr std::uint32_t kMaxEstimateBlocks = 1'008;  // estimatesmartfee answers no more
constexpr Sat kGiftFee(100'000);                     // a gift whose block is gone comes back in every market
}  // namespace

// ---- broadcasts ----

void Chain::note_refused(const bitcoin::Transaction& transaction, const Verdict& verdict) {
  if (verdict.broken) refused_.push_back(bitcoin::txid_to_string(bitcoin::txid(transaction)) + ": " + verdict.reason);
}

Chain::Verdict Chain::broadcast(const bitcoin::Transaction& transaction, UnixTime now) {
  now_ = std::max(now_, now);
  auto txid = bitcoin::txid(transaction);
  if (mempool_.find(txid) != nullptr) return {true, ""};
  if (has_coin(ground(), txid)) return {true, "Transaction outputs already in utxo set"};
  auto added = mempool_.add(transaction, ground(), now_);
  if (added) return {true, ""};
  Verdict verdict{false, added.error().reason, added.error().kind == Refusal::Kind::Broken};
  note_refused(transaction, verdict);
  return verdict;
}

Chain::PackageVerdict Chain::broadcast_package(std::vector<bitcoin::Transaction> parents, bitcoin::Transaction child,
                                               UnixTime now) {
  now_ = std::max(now_, now);
  parents.push_back(std::move(child));
  auto verdict = mempool_.add_package(parents, ground(), now_);
  for (std::size_t i = 0; i < verdict.each.size(); ++i) note_refused(parents[i], verdict.each[i]);
  return verdict;
}

// ---- blocks ----

UnixTime Chain::median_time() const {
  return blocks_.empty() ? UnixTime(0) : blocks_.back().median_time;
}

bitcoin::Transaction Chain::coinbase() {
  bitcoin::Transaction out;
  bitcoin::TxIn input;
  input.previous_output.index = UINT32_MAX;
  input.script_sig = Writer().u32(height().value() + 1).u32(mined_++).take();
  out.inputs.push_back(input);
  out.outputs.push_back({Sat(0), Bytes{bitcoin::OP_RETURN}});
  return out;
}

/// An ordinary transaction, for coinbase outputs would have to mature. It spends a coin that was always there, so it is
/// valid again if its block goes.
bitcoin::Transaction Chain::gift(const Bytes& script, Sat amount) {
  bitcoin::TxIn from;
  from.previous_output.txid.bytes[0] = 0xff;
  from.previous_output.index = mined_;
  coins_[from.previous_output] = {{amount + kGiftFee, bitcoin::p2a_script()}, {}};
  bitcoin::Transaction out;
  out.inputs.push_back(from);
  out.outputs.push_back({amount, script});
  return out;
}

void Chain::mine(UnixTime now, const Bytes& script, Sat amount) {
  std::vector<bitcoin::Transaction> transactions;
  if (!script.empty()) transactions.push_back(gift(script, amount));
  for (const auto& txid : chosen()) transactions.push_back(mempool_.find(txid)->transaction);
  connect(std::move(transactions), now);
}

/// The best with what it needs, again and again; given back by arrival, so that parents come first.
std::vector<Txid> Chain::chosen() const {
  struct Family {
    std::set<Txid> members;
    std::uint64_t fee = 0, vsize = 0, weight = 0;
  };
  std::set<Txid> taken, passed;
  std::uint64_t room = block_policy_.max_weight;
  auto order = mempool_.by_arrival();
  auto family_of = [&](const Txid& txid) {
    Family family;
    family.members = mempool_.ancestors(txid);
    family.members.insert(txid);
    std::erase_if(family.members, [&](const Txid& one) { return taken.contains(one); });
    for (const auto& member : family.members) {
      const auto& entry = *mempool_.find(member);
      family.fee += entry.fee.value();
      family.vsize += entry.vsize;
      family.weight += bitcoin::weight(entry.transaction);
    }
    return family;
  };
  while (true) {
    std::optional<Family> best;
    Txid of;
    for (const auto& txid : order) {
      if (taken.contains(txid) || passed.contains(txid)) continue;
      auto family = family_of(txid);
      if (best && family.fee * best->vsize <= best->fee * family.vsize) continue;
      best = std::move(family);
      of = txid;
    }
    if (!best || best->fee * 1000 < block_policy_.minimum.value() * best->vsize) break;
    if (best->weight > room) {
      passed.insert(of);
      continue;
    }
    room -= best->weight;
    taken.merge(best->members);
  }
  std::erase_if(order, [&](const Txid& txid) { return !taken.contains(txid); });
  return order;
}

Chain::Verdict Chain::mine_only(const std::vector<bitcoin::Transaction>& transactions, UnixTime now) {
  Coins made;
  std::set<Outpoint> gone;
  std::uint64_t weight = 0;
  BlockHeight next(height().value() + 1);
  for (const auto& transaction : transactions) {
    if (auto why = malformed(transaction)) return {false, *why, true};
    if (!bitcoin::is_final(transaction, next, median_time())) return {false, "bad-txns-nonfinal"};
    std::vector<bitcoin::TxOut> spent;
    std::vector<bitcoin::SpentAt> at;
    for (const auto& input : transaction.inputs) {
      auto coin = coins_.find(input.previous_output), fresh = made.find(input.previous_output);
      bool there = coin != coins_.end() || fresh != made.end();
      if (!there || !gone.insert(input.previous_output).second) return {false, "bad-txns-inputs-missingorspent"};
      const auto& found = coin != coins_.end() ? coin->second : fresh->second;
      spent.push_back(found.output);
      at.push_back(found.at);
    }
    if (!bitcoin::relative_locks_passed(transaction, at, next, median_time())) return {false, "bad-txns-nonfinal"};
    if (auto verified = bitcoin::verify_transaction(transaction, spent); !verified)
      return {false, "mandatory-script-verify-flag-failed", true};
    auto txid = bitcoin::txid(transaction);
    for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i)
      made[{txid, i}] = {transaction.outputs[i], {next, median_time()}};
    weight += bitcoin::weight(transaction);
  }
  if (weight > BlockPolicy{}.max_weight) return {false, "bad-blk-weight"};
  connect(transactions, now);
  return {true, ""};
}

void Chain::connect(std::vector<bitcoin::Transaction> transactions, UnixTime now) {
  now_ = std::max(now_, now);
  Connected next;
  BlockHeight at(height().value() + 1);
  auto block = std::make_shared<bitcoin::Block>();
  block->transactions.push_back(coinbase());
  for (auto& transaction : transactions) block->transactions.push_back(std::move(transaction));
  if (!blocks_.empty()) block->header.previous = bitcoin::block_hash(blocks_.back().block->header);
  block->header.merkle_root = bitcoin::merkle_root(block->transactions);
  block->header.time = static_cast<std::uint32_t>(now.value());
  block->header.bits = 0x207fffff;
  for (std::size_t i = 0; i < block->transactions.size(); ++i) {
    const auto& transaction = block->transactions[i];
    auto txid = bitcoin::txid(transaction);
    Sat in, out;
    for (const auto& input : transaction.inputs) {
      auto coin = coins_.find(input.previous_output);
      if (coin == coins_.end()) continue;  // a coinbase's
      in += coin->second.output.amount;
      next.spent.emplace_back(*coin);
      coins_.erase(coin);
    }
    for (std::uint32_t n = 0; n < transaction.outputs.size(); ++n) {
      out += transaction.outputs[n].amount;
      coins_[{txid, n}] = {transaction.outputs[n], {at, median_time()}};
    }
    if (i > 0) confirmed_[txid] = {in - out, bitcoin::vsize(transaction), at};
  }
  std::vector<std::uint32_t> times{block->header.time};
  for (auto it = blocks_.rbegin(); it != blocks_.rend() && times.size() < kMedianBlocks; ++it)
    times.push_back(it->block->header.time);
  std::sort(times.begin(), times.end());
  next.median_time = UnixTime(times[times.size() / 2]);
  next.block = std::move(block);
  blocks_.push_back(std::move(next));
  mempool_.connected(*blocks_.back().block);
}

void Chain::disconnect() {
  const auto& last = blocks_.back();
  for (const auto& transaction : last.block->transactions) {
    auto txid = bitcoin::txid(transaction);
    for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) coins_.erase({txid, i});
    confirmed_.erase(txid);
  }
  // Not what the block itself made.
  for (const auto& [outpoint, coin] : last.spent)
    if (coin.at.height < height()) coins_[outpoint] = coin;
  blocks_.pop_back();
}

void Chain::undo(std::size_t depth) {
  LN_ASSERT(depth <= blocks_.size());
  std::vector<bitcoin::Transaction> again;
  for (auto at = blocks_.size() - depth; at < blocks_.size(); ++at) {
    const auto& transactions = blocks_[at].block->transactions;
    again.insert(again.end(), transactions.begin() + 1, transactions.end());
  }
  for (std::size_t i = 0; i < depth; ++i) disconnect();
  mempool_.disconnected(again, ground(), now_);
}

// ---- what is there ----

std::shared_ptr<const bitcoin::Block> Chain::block(BlockHeight height) const {
  LN_ASSERT(height.value() >= 1 && height.value() <= blocks_.size());
  return blocks_[height.value() - 1].block;
}

std::optional<bitcoin::TxOut> Chain::unspent(ShortChannelId scid) const {
  if (scid.block() < 1 || scid.block() > blocks_.size()) return std::nullopt;
  const auto& transactions = blocks_[scid.block() - 1].block->transactions;
  if (scid.tx() >= transactions.size()) return std::nullopt;
  auto found = coins_.find({bitcoin::txid(transactions[scid.tx()]), scid.output()});
  if (found == coins_.end()) return std::nullopt;
  return found->second.output;
}

Sat Chain::unspent_sum(const std::function<bool(ByteView script)>& counts) const {
  Sat sum;
  for (const auto& [outpoint, coin] : coins_)
    if (coin.at.height > BlockHeight(0) && counts(coin.output.script_pubkey)) sum += coin.output.amount;
  return sum;
}

const bitcoin::Transaction* Chain::in_mempool(const Txid& txid) const {
  const auto* entry = mempool_.find(txid);
  return entry == nullptr ? nullptr : &entry->transaction;
}

std::optional<Chain::Paid> Chain::paid(const Txid& txid) const {
  if (auto found = confirmed_.find(txid); found != confirmed_.end()) return found->second;
  if (const auto* entry = mempool_.find(txid)) return Paid{entry->fee, entry->vsize, std::nullopt};
  return std::nullopt;
}

// ---- fees ----

void Chain::set_estimate(std::uint32_t blocks, std::optional<FeeratePerKw> feerate) {
  estimates_[blocks] = feerate;
}

std::optional<FeeratePerKw> Chain::estimate(std::uint32_t blocks) const {
  if (blocks > kMaxEstimateBlocks) return std::nullopt;
  auto after = estimates_.upper_bound(std::max(blocks, 2U));
  return after == estimates_.begin() ? std::nullopt : std::prev(after)->second;
}

}  // namespace doze::sim
