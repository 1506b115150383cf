#include "sim/mempool.h"

#include <algorithm>

#include "sim/mempool_inside.h"

namespace doze::sim {

bool has_coin(const Ground& ground, const Txid& txid) {
  auto first = ground.coins.lower_bound({txid, 0});
  return first != ground.coins.end() && first->first.txid == txid;
}

// ---- what is there ----

const Mempool::Entry* Mempool::find(const Txid& txid) const {
  auto found = entries_.find(txid);
  return found == entries_.end() ? nullptr : &found->second;
}

std::optional<Txid> Mempool::spender(const Outpoint& outpoint) const {
  auto found = spenders_.find(outpoint);
  if (found == spenders_.end()) return std::nullopt;
  return found->second;
}

std::vector<Txid> Mempool::by_arrival() const {
  std::map<std::uint64_t, Txid> sorted;
  for (const auto& [txid, entry] : entries_) sorted[entry.arrival] = txid;
  std::vector<Txid> out;
  for (const auto& [arrival, txid] : sorted) out.push_back(txid);
  return out;
}

std::set<Txid> Mempool::parents(const bitcoin::Transaction& transaction) const {
  std::set<Txid> out;
  for (const auto& input : transaction.inputs)
    if (entries_.contains(input.previous_output.txid)) out.insert(input.previous_output.txid);
  return out;
}

std::set<Txid> Mempool::children(const Txid& txid) const {
  std::set<Txid> out;
  for (auto it = spenders_.lower_bound({txid, 0}); it != spenders_.end() && it->first.txid == txid; ++it)
    out.insert(it->second);
  return out;
}

std::set<Txid> Mempool::ancestors(const Txid& txid) const {
  std::set<Txid> out;
  std::vector<Txid> next{txid};
  while (!next.empty()) {
    auto at = next.back();
    next.pop_back();
    for (const auto& parent : parents(entries_.at(at).transaction))
      if (out.insert(parent).second) next.push_back(parent);
  }
  return out;
}

std::set<Txid> Mempool::with_descendants(const std::set<Txid>& txids) const {
  auto out = txids;
  std::vector<Txid> next(txids.begin(), txids.end());
  while (!next.empty()) {
    auto at = next.back();
    next.pop_back();
    for (const auto& child : children(at))
      if (out.insert(child).second) next.push_back(child);
  }
  return out;
}

std::set<Txid> Mempool::descendants(const Txid& txid) const {
  auto out = with_descendants({txid});
  out.erase(txid);
  return out;
}

Mempool::Sum Mempool::sum_of(const std::set<Txid>& txids) const {
  Sum sum;
  for (const auto& txid : txids) {
    const auto& entry = entries_.at(txid);
    sum.counted += entry.counted;
    sum.vsize += entry.vsize;
    ++sum.count;
  }
  return sum;
}

void Mempool::insert(const Candidate& candidate, UnixTime since) {
  entries_[candidate.txid] = {*candidate.transaction, candidate.fee, candidate.sum.counted,
                              candidate.sum.vsize,    arrivals_++,   since};
  for (const auto& input : candidate.transaction->inputs) spenders_[input.previous_output] = candidate.txid;
}

void Mempool::erase(const Txid& txid) {
  auto found = entries_.find(txid);
  for (const auto& input : found->second.transaction.inputs) spenders_.erase(input.previous_output);
  entries_.erase(found);
}

void Mempool::erase_with_descendants(const Txid& txid) {
  for (const auto& gone : with_descendants({txid})) erase(gone);
}

void Mempool::set_minimum(FeeratePerKvb minimum) {
  minimum_ = minimum;
  trim();
}

/// A transaction stays for what it pays itself or for what it pays with its descendants. The worst goes first.
void Mempool::trim() {
  if (minimum_ == FeeratePerKvb(0)) return;
  while (true) {
    std::optional<std::pair<std::int64_t, Txid>> worst;
    for (const auto& [txid, entry] : entries_) {
      auto family = sum_of(with_descendants({txid}));
      auto score = std::max(rate(entry.counted, entry.vsize), rate(family.counted, family.vsize));
      if (!worst || score < worst->first) worst = {score, txid};
    }
    if (!worst || worst->first >= static_cast<std::int64_t>(minimum_.value())) return;
    erase_with_descendants(worst->second);
  }
}

void Mempool::expire(UnixTime now) {
  std::vector<Txid> old;
  for (const auto& [txid, entry] : entries_)
    if (after_s(entry.since, kMempoolExpiryS) < now) old.push_back(txid);
  for (const auto& txid : old)
    if (entries_.contains(txid)) erase_with_descendants(txid);
}

// ---- one transaction ----

Status<Refusal> Mempool::find_inputs(Candidate& candidate, const Ground& ground, const Package& ahead) const {
  bitcoin::SpentAt unconfirmed{BlockHeight(ground.tip.value() + 1), ground.median_time};
  auto output_of = [](const bitcoin::Transaction& parent, std::uint32_t index) {
    return index < parent.outputs.size() ? &parent.outputs[index] : nullptr;
  };
  for (const auto& input : candidate.transaction->inputs) {
    const auto& outpoint = input.previous_output;
    if (auto rival = spender(outpoint)) candidate.conflicts.insert(*rival);
    const bitcoin::TxOut* output = nullptr;
    auto at = unconfirmed;
    if (auto coin = ground.coins.find(outpoint); coin != ground.coins.end()) {
      output = &coin->second.output;
      at = coin->second.at;
    } else if (const auto* parent = find(outpoint.txid)) {
      output = output_of(parent->transaction, outpoint.index);
    } else {
      for (const auto& other : ahead)
        if (other.txid == outpoint.txid) output = output_of(*other.transaction, outpoint.index);
    }
    if (output == nullptr && has_coin(ground, candidate.txid)) return refuse(kAlreadyKnown);
    if (output == nullptr) return refuse("bad-txns-inputs-missingorspent", Refusal::Kind::MissingInputs);
    candidate.spent.push_back(*output);
    candidate.at.push_back(at);
  }
  for (const auto& parent : parents(*candidate.transaction)) {
    candidate.ancestors.insert(parent);
    candidate.ancestors.merge(ancestors(parent));
  }
  return Done{};
}

Status<Refusal> Mempool::check_feerate(std::int64_t counted, std::uint64_t vsize) const {
  if (auto wanted = fee_at(minimum_, vsize); wanted > 0 && counted < wanted)
    return refuse("mempool min fee not met, " + less(counted, wanted), Refusal::Kind::Fee);
  if (auto wanted = fee_at(policy_.minimum, vsize); counted < wanted)
    return refuse("min relay fee not met, " + less(counted, wanted), Refusal::Kind::Fee);
  return Done{};
}

Result<Mempool::Candidate, Refusal> Mempool::examine(const bitcoin::Transaction& transaction, const Ground& ground,
                                                     Way way, const Package& ahead) const {
  if (auto why = malformed(transaction)) return refuse(*why, Refusal::Kind::Broken);
  if (auto why = not_standard(policy_, transaction)) return refuse(*why);
  BlockHeight next(ground.tip.value() + 1);
  if (!bitcoin::is_final(transaction, next, ground.median_time)) return refuse("non-final");
  Candidate candidate;
  candidate.transaction = &transaction;
  candidate.txid = bitcoin::txid(transaction);
  LN_CHECK(find_inputs(candidate, ground, ahead));
  if (!bitcoin::relative_locks_passed(transaction, candidate.at, next, ground.median_time))
    return refuse("non-BIP68-final");
  Sat in, out;
  for (const auto& output : candidate.spent) in += output.amount;
  for (const auto& output : transaction.outputs) out += output.amount;
  auto fee = sub(in, out);
  if (!fee) return refuse("bad-txns-in-belowout", Refusal::Kind::Broken);
  candidate.fee = *fee;
  candidate.sum = {counted_fee(policy_, transaction, *fee), bitcoin::vsize(transaction), 1};
  if (way == Way::FromBlock) {
    LN_CHECK(check_family(candidate));
    return candidate;
  }
  if (*fee != Sat(0) && has_dust(transaction)) return refuse("dust, tx with dust output must be 0-fee");
  bool may_pay_less = way == Way::InPackage && policy_.enforces_truc && transaction.version == kTrucVersion;
  if (way == Way::Alone) {
    LN_CHECK(check_feerate(candidate.sum.counted, candidate.sum.vsize));
  } else if (auto wanted = fee_at(policy_.minimum, candidate.sum.vsize);
             !may_pay_less && candidate.sum.counted < wanted) {
    return refuse("min relay fee not met, " + less(candidate.sum.counted, wanted), Refusal::Kind::Fee);
  }
  LN_CHECK(check_family(candidate));
  LN_CHECK(check_truc(candidate));
  if (candidate.evicts_sibling && way == Way::InPackage) return refuse("truc-descendants-toomany");
  for (const auto& conflict : candidate.conflicts)
    if (candidate.ancestors.contains(conflict))
      return refuse("bad-txns-spends-conflicting-tx, " + named("it spends conflicting transaction", conflict));
  return candidate;
}

Status<Refusal> Mempool::check_limits(const std::set<Txid>& ancestors, const Sum& added, const Sum& room,
                                      std::size_t most_ancestors) const {
  auto too_long = [](std::string what, std::uint64_t limit) {
    return refuse("too-long-mempool-chain, " + std::move(what) + " [limit: " + std::to_string(limit) + "]");
  };
  if (ancestors.size() + added.count > most_ancestors)
    return too_long("too many unconfirmed ancestors", most_ancestors);
  if (sum_of(ancestors).vsize + added.vsize > kMaxFamilyVsize)
    return too_long("exceeds ancestor size limit", kMaxFamilyVsize);
  for (const auto& ancestor : ancestors) {
    auto family = sum_of(with_descendants({ancestor}));
    if (family.count + added.count > kMaxDescendants + room.count)
      return too_long(named("too many descendants for tx", ancestor), kMaxDescendants + room.count);
    if (family.vsize + added.vsize > kMaxFamilyVsize + room.vsize)
      return too_long(named("exceeds descendant size limit for tx", ancestor), kMaxFamilyVsize + room.vsize);
  }
  return Done{};
}

/// A replacement of one transaction has the room that this leaves. One small child of a single parent goes above the
/// limit ("carve-out"): so each side can spend its anchor however many descendants the other made.
Status<Refusal> Mempool::check_family(const Candidate& candidate) const {
  Sum room;
  if (candidate.conflicts.size() == 1) {
    room = sum_of(with_descendants(candidate.conflicts));
    room.count = 1;
  }
  auto within = check_limits(candidate.ancestors, candidate.sum, room, kMaxAncestors);
  bool truc = policy_.enforces_truc && candidate.transaction->version == kTrucVersion;
  if (within || truc || candidate.sum.vsize > kCarveOutVsize) return within;
  room.vsize += kCarveOutVsize;
  ++room.count;
  if (check_limits(candidate.ancestors, candidate.sum, room, 2)) return Done{};
  return within;
}

Status<Refusal> Mempool::check_truc(Candidate& candidate) const {
  if (!policy_.enforces_truc) return Done{};
  bool truc = candidate.transaction->version == kTrucVersion;
  for (const auto& ancestor : candidate.ancestors) {
    bool theirs = entries_.at(ancestor).transaction.version == kTrucVersion;
    if (!truc && theirs) return refuse(named("truc-spent-by-nontruc, it spends version=3 tx", ancestor));
    if (truc && !theirs) return refuse(named("truc-spends-nontruc, it spends non-version=3 tx", ancestor));
  }
  if (!truc) return Done{};
  auto size = std::to_string(candidate.sum.vsize) + " virtual bytes";
  if (candidate.sum.vsize > kTrucMaxVsize) return refuse("truc-vsize-toobig, it has " + size);
  if (candidate.ancestors.size() > 1) return refuse("truc-ancestors-toomany");
  if (candidate.ancestors.empty()) return Done{};
  if (candidate.sum.vsize > kTrucChildMaxVsize) return refuse("truc-child-toobig, it has " + size);
  auto siblings = children(*candidate.ancestors.begin());
  bool one_leaves = std::any_of(siblings.begin(), siblings.end(),
                                [&](const Txid& sibling) { return candidate.conflicts.contains(sibling); });
  auto all = descendants(*candidate.ancestors.begin());
  if (all.empty() || one_leaves) return Done{};
  if (all.size() > 1 || ancestors(*all.begin()).size() > 1) return refuse("truc-descendants-toomany");
  candidate.conflicts.insert(*all.begin());
  candidate.evicts_sibling = true;
  return Done{};
}

/// Who spends an output of a transaction that has dust spends the dust as well.
Status<Refusal> Mempool::check_spends_dust(const Candidate& candidate, const Package& package) const {
  std::set<Outpoint> spent;
  for (const auto& input : candidate.transaction->inputs) spent.insert(input.previous_output);
  auto leaves_dust = [&](const Txid& txid, const bitcoin::Transaction& parent) {
    for (std::uint32_t i = 0; i < parent.outputs.size(); ++i)
      if (is_dust(parent.outputs[i]) && !spent.contains({txid, i})) return true;
    return false;
  };
  for (const auto& input : candidate.transaction->inputs) {
    const auto& txid = input.previous_output.txid;
    const bitcoin::Transaction* parent = nullptr;
    if (const auto* entry = find(txid)) parent = &entry->transaction;
    for (const auto& other : package)
      if (other.txid == txid) parent = other.transaction;
    if (parent != nullptr && leaves_dust(txid, *parent))
      return refuse("missing-ephemeral-spends, " + named("it did not spend the ephemeral dust of", txid));
  }
  return Done{};
}

// ---- replacement ----

Status<Refusal> Mempool::check_replaced_count(const std::set<Txid>& conflicts, const Txid& txid) const {
  std::size_t count = 0;
  for (const auto& conflict : conflicts) count += with_descendants({conflict}).size();
  if (count <= kMaxReplaced) return Done{};
  return refuse("too many potential replacements, " + named("rejecting replacement", txid) + " (" +
                std::to_string(count) + " > " + std::to_string(kMaxReplaced) + ")");
}

/// The reason begins behind the name of the failure.
Status<Refusal> Mempool::enough_to_replace(const std::set<Txid>& replaced, const Sum& by, const Txid& txid) const {
  auto before = sum_of(replaced).counted;
  auto start = named(", rejecting replacement", txid);
  if (by.counted < before)
    return refuse(start + ", less fees than conflicting txs; " + less(by.counted, before), Refusal::Kind::Fee);
  auto wanted = fee_at(policy_.incremental, by.vsize);
  if (by.counted - before < wanted)
    return refuse(start + ", not enough additional fees to relay; " + less(by.counted - before, wanted),
                  Refusal::Kind::Fee);
  return Done{};
}

Result<std::set<Txid>, Refusal> Mempool::replaced_by(const Candidate& candidate) const {
  if (candidate.conflicts.empty()) return std::set<Txid>{};
  std::string name = candidate.evicts_sibling ? "insufficient fee (including sibling eviction)" : "insufficient fee";
  auto ours = rate(candidate.sum.counted, candidate.sum.vsize);
  std::set<Txid> their_parents;
  for (const auto& conflict : candidate.conflicts) {
    const auto& entry = entries_.at(conflict);
    if (auto theirs = rate(entry.counted, entry.vsize); ours <= theirs)
      return refuse(name + named(", rejecting replacement", candidate.txid) + "; new feerate " + std::to_string(ours) +
                        " <= old feerate " + std::to_string(theirs),
                    Refusal::Kind::Fee);
    for (const auto& input : entry.transaction.inputs) their_parents.insert(input.previous_output.txid);
  }
  LN_CHECK(check_replaced_count(candidate.conflicts, candidate.txid));
  for (const auto& parent : parents(*candidate.transaction))
    if (!their_parents.contains(parent))
      return refuse("replacement-adds-unconfirmed, " + named("replacement", candidate.txid));
  auto replaced = with_descendants(candidate.conflicts);
  if (auto enough = enough_to_replace(replaced, candidate.sum, candidate.txid); !enough)
    return refuse(name + enough.error().reason, Refusal::Kind::Fee);
  return replaced;
}

// ---- taking ----

Status<Refusal> Mempool::take(Package package, const std::set<Txid>& replaced, UnixTime now) {
  for (const auto& txid : replaced) erase(txid);
  for (const auto& candidate : package) insert(candidate, now);
  expire(now);
  trim();
  for (const auto& candidate : package)
    if (!entries_.contains(candidate.txid)) return refuse("mempool full", Refusal::Kind::Fee);
  return Done{};
}

Status<Refusal> Mempool::add(const bitcoin::Transaction& transaction, const Ground& ground, UnixTime now) {
  LN_TRY(candidate, examine(transaction, ground, Way::Alone, {}));
  LN_TRY(replaced, replaced_by(candidate));
  LN_CHECK(check_spends_dust(candidate, {}));
  LN_CHECK(check_scripts(transaction, candidate.spent));
  return take({candidate}, replaced, now);
}

// ---- blocks ----

void Mempool::connected(const bitcoin::Block& block) {
  for (const auto& transaction : block.transactions) {
    if (auto txid = bitcoin::txid(transaction); entries_.contains(txid)) erase(txid);
    for (const auto& input : transaction.inputs)
      if (auto rival = spender(input.previous_output)) erase_with_descendants(*rival);
  }
}

void Mempool::disconnected(std::span<const bitcoin::Transaction> transactions, const Ground& ground, UnixTime now) {
  std::vector<std::pair<bitcoin::Transaction, UnixTime>> all;
  for (const auto& transaction : transactions) all.emplace_back(transaction, now);
  for (const auto& txid : by_arrival()) all.emplace_back(entries_.at(txid).transaction, entries_.at(txid).since);
  entries_.clear();
  spenders_.clear();
  for (const auto& [transaction, since] : all)
    if (auto candidate = examine(transaction, ground, Way::FromBlock, {}); candidate && candidate->conflicts.empty())
      insert(*candidate, since);
  trim();
}

}  // namespace doze::sim
