// Packages of a mempool: a child with its unconfirmed parents.
#include <algorithm>
#include <tuple>

#include "sim/mempool_inside.h"

namespace doze::sim {

namespace {
std::optional<std::string> bad_form(std::span<const bitcoin::Transaction> package) {
  constexpr auto kTopology = "package topology disallowed. not child-with-parents or parents depend on each other.";
  if (package.size() > kMaxPackage) return "package-too-many-transactions";
  std::set<Txid> parents, spent_by_child;
  std::set<Outpoint> spent;
  std::uint64_t vsize = 0;
  const auto& child = package.back();
  for (const auto& input : child.inputs) spent_by_child.insert(input.previous_output.txid);
  for (const auto& parent : package.first(package.size() - 1)) {
    auto txid = bitcoin::txid(parent);
    if (!spent_by_child.contains(txid) || !parents.insert(txid).second) return kTopology;
  }
  for (const auto& transaction : package) {
    vsize += bitcoin::vsize(transaction);
    for (const auto& input : transaction.inputs) {
      if (&transaction != &child && parents.contains(input.previous_output.txid)) return kTopology;
      if (!spent.insert(input.previous_output).second) return "conflict-in-package";
    }
  }
  if (vsize > kMaxFamilyVsize) return "package-too-large";
  return std::nullopt;
}

Verdict verdict_of(const Refusal& refusal) {
  return {false, refusal.reason, refusal.kind == Refusal::Kind::Broken};
}
}  // namespace

Status<Refusal> Mempool::check_truc_package(const Candidate& candidate, const Package& package) const {
  if (!policy_.enforces_truc) return Done{};
  bool truc = candidate.transaction->version == kTrucVersion;
  std::set<Txid> inputs;
  for (const auto& input : candidate.transaction->inputs) inputs.insert(input.previous_output.txid);
  std::size_t in_package = 0;
  for (const auto& other : package) {
    if (other.txid == candidate.txid) break;
    if (!inputs.contains(other.txid)) continue;
    ++in_package;
    bool theirs = other.transaction->version == kTrucVersion;
    if (!truc && theirs) return refuse(named("truc-spent-by-nontruc, it spends version=3 tx", other.txid));
    if (truc && !theirs) return refuse(named("truc-spends-nontruc, it spends non-version=3 tx", other.txid));
  }
  if (!truc || in_package == 0) return Done{};
  if (candidate.ancestors.size() + in_package > 1) return refuse("truc-ancestors-toomany");
  if (candidate.sum.vsize > kTrucChildMaxVsize)
    return refuse("truc-child-toobig, it has " + std::to_string(candidate.sum.vsize) + " virtual bytes");
  return Done{};
}

/// A package replaces only clusters of at most two.
Status<Refusal> Mempool::check_conflict_cluster(const Txid& conflict) const {
  auto start = bitcoin::txid_to_string(conflict);
  auto above = ancestors(conflict), below = descendants(conflict);
  if (!above.empty() && !below.empty())
    return refuse(start + " has both ancestor and descendant, exceeding cluster limit of 2");
  if (above.size() > 1) return refuse(start + " has " + std::to_string(above.size()) + " ancestors, max 1 allowed");
  if (below.size() > 1) return refuse(start + " has " + std::to_string(below.size()) + " descendants, max 1 allowed");
  if (!above.empty() && descendants(*above.begin()).size() > 1)
    return refuse(start + " is not the only child of parent " + bitcoin::txid_to_string(*above.begin()));
  if (!below.empty() && ancestors(*below.begin()).size() > 1)
    return refuse(start + " is not the only parent of child " + bitcoin::txid_to_string(*below.begin()));
  return Done{};
}

namespace {
struct Chunk {
  std::int64_t fee = 0;
  std::int64_t vsize = 0;
};

bool pays_better(const Chunk& a, const Chunk& b) {
  return a.fee * b.vsize > b.fee * a.vsize;
}

/// Fee of the best `vsize` bytes, times the size of the chunk that this ends in, which is the second number.
std::pair<std::int64_t, std::int64_t> fee_of(const std::vector<Chunk>& chunks, std::int64_t vsize) {
  std::int64_t fee = 0;
  for (const auto& chunk : chunks) {
    if (vsize <= chunk.vsize) return {fee * chunk.vsize + chunk.fee * vsize, chunk.vsize};
    fee += chunk.fee;
    vsize -= chunk.vsize;
  }
  return {fee, 1};
}

/// Whether the first diagram is nowhere below the other, and somewhere above.
bool is_above(std::vector<Chunk> first, std::vector<Chunk> other) {
  std::sort(first.begin(), first.end(), pays_better);
  std::sort(other.begin(), other.end(), pays_better);
  bool above = false;
  for (const auto* corners : {&first, &other}) {
    std::int64_t vsize = 0;
    for (const auto& chunk : *corners) {
      vsize += chunk.vsize;
      auto [a, a_by] = fee_of(first, vsize);
      auto [b, b_by] = fee_of(other, vsize);
      if (a * b_by < b * a_by) return false;
      above |= a * b_by > b * a_by;
    }
  }
  return above;
}
}  // namespace

bool Mempool::improves_diagram(const std::set<Txid>& conflicts, const Sum& package) const {
  auto chunk_of = [&](const Sum& sum) { return Chunk{sum.counted, static_cast<std::int64_t>(sum.vsize)}; };
  std::vector<Chunk> before, after{chunk_of(package)};
  std::set<Txid> seen;
  for (const auto& conflict : conflicts) {
    auto cluster = with_descendants({conflict});
    cluster.merge(ancestors(conflict));
    auto parent = *cluster.begin();
    for (const auto& txid : cluster)
      if (ancestors(txid).empty()) parent = txid;
    if (!seen.insert(parent).second) continue;
    auto first = chunk_of(sum_of({parent}));
    if (cluster.size() == 1) {
      before.push_back(first);
      continue;
    }
    auto child = chunk_of(sum_of(descendants(parent)));
    if (pays_better(child, first)) {
      before.push_back({first.fee + child.fee, first.vsize + child.vsize});
    } else {
      before.push_back(first);
      before.push_back(child);
    }
    if (!conflicts.contains(parent)) after.push_back(first);
  }
  return is_above(after, before);
}

Result<std::set<Txid>, Refusal> Mempool::replaced_by(const Package& package) const {
  std::set<Txid> conflicts;
  Sum sum;
  bool has_ancestors = false;
  for (const auto& candidate : package) {
    conflicts.insert(candidate.conflicts.begin(), candidate.conflicts.end());
    sum.counted += candidate.sum.counted;
    sum.vsize += candidate.sum.vsize;
    has_ancestors |= !candidate.ancestors.empty();
  }
  if (conflicts.empty()) return std::set<Txid>{};
  auto failed = [](const std::string& why) { return refuse("package RBF failed: " + why); };
  if (package.size() != 2) return failed("package must be 1-parent-1-child");
  if (has_ancestors) return failed("new transaction cannot have mempool ancestors");
  const auto& [parent, child] = std::tie(package[0], package[1]);
  if (auto few = check_replaced_count(conflicts, child.txid); !few) return failed(few.error().reason);
  auto replaced = with_descendants(conflicts);
  if (auto enough = enough_to_replace(replaced, sum, child.txid); !enough)
    return failed("insufficient anti-DoS fees" + enough.error().reason);
  auto together = rate(sum.counted, sum.vsize), alone = rate(parent.sum.counted, parent.sum.vsize);
  if (together <= alone)
    return failed("package feerate is less than or equal to parent feerate, package feerate " +
                  std::to_string(together) + " <= parent feerate is " + std::to_string(alone));
  for (const auto& conflict : conflicts)
    if (auto small = check_conflict_cluster(conflict); !small) return failed(small.error().reason);
  if (!improves_diagram(conflicts, sum)) return failed("insufficient feerate: does not improve feerate diagram");
  return replaced;
}

Mempool::Together Mempool::add_together(const std::vector<const bitcoin::Transaction*>& package, const Ground& ground,
                                        UnixTime now) {
  const std::string failed = "transaction failed";
  Package candidates;
  Sum sum;
  std::set<Txid> above;
  for (const auto* transaction : package) {
    auto candidate = examine(*transaction, ground, Way::InPackage, candidates);
    if (!candidate) return {failed, {{bitcoin::txid(*transaction), candidate.error()}}};
    sum = {sum.counted + candidate->sum.counted, sum.vsize + candidate->sum.vsize, sum.count + 1};
    above.insert(candidate->ancestors.begin(), candidate->ancestors.end());
    candidates.push_back(*std::move(candidate));
  }
  const auto& child = candidates.back();
  for (const auto& candidate : candidates)
    if (auto truc = check_truc_package(candidate, candidates); !truc) return {truc.error().reason, {}};
  if (auto enough = check_feerate(sum.counted, sum.vsize); !enough) return {failed, {{child.txid, enough.error()}}};
  if (auto within = check_limits(above, sum, {}, kMaxAncestors); !within)
    return {"package-mempool-limits, " + within.error().reason, {}};
  auto replaced = replaced_by(candidates);
  if (!replaced) return {replaced.error().reason, {}};
  for (const auto& candidate : candidates)
    if (auto dust = check_spends_dust(candidate, candidates); !dust)
      return {"unspent-dust", {{candidate.txid, dust.error()}}};
  for (const auto& candidate : candidates)
    if (auto scripts = check_scripts(*candidate.transaction, candidate.spent); !scripts)
      return {failed, {{candidate.txid, scripts.error()}}};
  if (auto taken = take(candidates, *replaced, now); !taken) return {failed, {{child.txid, taken.error()}}};
  return {};
}

PackageVerdict Mempool::add_package(std::span<const bitcoin::Transaction> package, const Ground& ground, UnixTime now) {
  LN_ASSERT(!package.empty());
  if (auto why = bad_form(package)) return {false, *why, {}};
  std::set<Txid> in_package;
  for (const auto& transaction : package) in_package.insert(bitcoin::txid(transaction));
  for (const auto& input : package.back().inputs)
    if (!in_package.contains(input.previous_output.txid) && !ground.coins.contains(input.previous_output))
      return {false, "package-not-child-with-unconfirmed-parents", {}};
  PackageVerdict out{true, "success", std::vector<Verdict>(package.size())};
  std::vector<const bitcoin::Transaction*> rest;
  bool alone_only = false;
  for (std::size_t i = 0; i < package.size(); ++i) {
    auto txid = bitcoin::txid(package[i]);
    if (entries_.contains(txid)) {
      out.each[i].accepted = true;
    } else if (auto taken = add(package[i], ground, now)) {
      out.each[i].accepted = true;
    } else if (taken.error().reason == kAlreadyKnown) {
      out.each[i] = {true, kAlreadyKnown};
      alone_only = true;
    } else {
      auto kind = taken.error().kind;
      out.each[i] = verdict_of(taken.error());
      alone_only |= kind != Refusal::Kind::MissingInputs && kind != Refusal::Kind::Fee;
      rest.push_back(&package[i]);
    }
  }
  if (!rest.empty() || alone_only) out.message = "transaction failed";
  if (rest.size() > 1 && !alone_only) {
    auto together = add_together(rest, ground, now);
    out.message = together.message.empty() ? "success" : together.message;
    for (const auto* transaction : rest) {
      auto& verdict = out.each[static_cast<std::size_t>(transaction - package.data())];
      auto why = together.refused.find(bitcoin::txid(*transaction));
      if (together.message.empty()) verdict = {true, ""};
      if (why != together.refused.end()) verdict = verdict_of(why->second);
    }
  }
  for (std::size_t i = 0; i < package.size(); ++i) {
    auto txid = bitcoin::txid(package[i]);
    if (out.each[i].accepted && !entries_.contains(txid) && !has_coin(ground, txid))
      out.each[i] = {false, "mempool full"};
  }
  out.accepted = std::all_of(out.each.begin(), out.each.end(), [](const Verdict& one) { return one.accepted; });
  return out;
}

}  // namespace doze::sim
