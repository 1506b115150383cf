#include "onchain/fees.h"

#include <algorithm>
#include <cmath>

namespace doze::onchain {
namespace {

FeeratePerKw scaled(FeeratePerKw feerate, double by) {
  return FeeratePerKw(static_cast<std::uint32_t>(std::min(std::ceil(feerate.value() * by), 4e9)));
}

std::optional<FeeratePerKw> first_of(std::initializer_list<std::optional<FeeratePerKw>> all) {
  for (const auto& one : all)
    if (one) return one;
  return std::nullopt;
}

/// Of a shorter wait if the backend has none for this one: rather too much than too late.
std::optional<FeeratePerKw> known(const FeeTable& fees, std::optional<std::uint32_t> blocks_left) {
  if (!blocks_left || *blocks_left > 144) return first_of({fees.in_144, fees.in_36, fees.in_12, fees.in_6, fees.in_2});
  if (*blocks_left > 36) return first_of({fees.in_36, fees.in_12, fees.in_6, fees.in_2, fees.in_144});
  if (*blocks_left > kNearBlocks) return first_of({fees.in_12, fees.in_6, fees.in_2, fees.in_36, fees.in_144});
  if (*blocks_left > kLastBlocks) return first_of({fees.in_6, fees.in_2, fees.in_12, fees.in_36, fees.in_144});
  return first_of({fees.in_2, fees.in_6, fees.in_12, fees.in_36, fees.in_144});
}

std::optional<std::uint32_t> left(const std::optional<BlockHeight>& deadline, BlockHeight tip) {
  if (!deadline) return std::nullopt;
  return *deadline > tip ? deadline->value() - tip.value() : 0;
}

}  // namespace

FeeratePerKw estimate(const FeeTable& fees, std::optional<std::uint32_t> blocks_left) {
  auto near = blocks_left && *blocks_left <= kNearBlocks;
  auto out = known(fees, blocks_left).value_or(near ? kBlindNear : kBlindFeerate);
  if (blocks_left && *blocks_left <= kVeryLastBlocks) out = scaled(out, 1.25);
  return std::max({out, scaled(fees.minimum, 1.05), kFeerateFloor});
}

FeeratePerKw highest(const FeeTable& fees, const Terms& terms, BlockHeight tip) {
  auto blocks = left(terms.deadline, tip);
  auto by_budget = terms.budget.value() * 1'000 / std::max<std::uint64_t>(terms.weight, 1);
  auto most = std::min<std::uint64_t>(by_budget, kMaxFeerate.value());
  if (!blocks || *blocks > kVeryLastBlocks)
    most =
        std::min<std::uint64_t>(most, std::uint64_t{kMostOverEstimate} * estimate(fees, kVeryLastBlocks + 1).value());
  return FeeratePerKw(static_cast<std::uint32_t>(most));
}

FeeratePerKw feerate(const FeeTable& fees, const Terms& terms, const std::optional<Attempt>& last, BlockHeight tip) {
  auto most = highest(fees, terms, tip);
  auto now = estimate(fees, left(terms.deadline, tip));
  if (!last) return std::min(now, most);

  auto at_least = [&](FeeratePerKw wanted) { return std::max(last->feerate, std::min(wanted, most)); };
  if (!terms.deadline) return now >= scaled(last->feerate, 1.25) ? at_least(now) : last->feerate;

  auto whole = terms.deadline->value() - std::min(last->first.value(), terms.deadline->value());
  auto blocks = *left(terms.deadline, tip);
  if (blocks == 0) return std::max(last->feerate, most);
  if (blocks > kLastBlocks && blocks * 2 > whole)
    return now >= scaled(last->feerate, 1.25) ? at_least(now) : last->feerate;
  if (blocks > kLastBlocks) {
    bool due = tip.value() >= last->last.value() + kRaiseEveryBlocks;
    return at_least(due ? std::max(scaled(last->feerate, 1.25), now) : last->feerate);
  }
  if (tip == last->last) return last->feerate;  // once per block
  auto step = std::pow(static_cast<double>(most.value()) / last->feerate.value(), 1.0 / blocks);
  return at_least(std::max(scaled(last->feerate, std::max(step, 1.0)), now));
}

Sat replacement_fee(const FeeTable& fees, std::uint64_t weight, FeeratePerKw wanted, Sat old_fee) {
  auto incremental = std::max<std::uint64_t>(fees.incremental.value(), 250);
  auto by_feerate = Sat((weight * wanted.value() + 999) / 1'000);
  return std::max(by_feerate, old_fee + Sat((weight * incremental + 999) / 1'000));
}

}  // namespace doze::onchain
