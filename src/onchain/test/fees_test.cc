#include "onchain/fees.h"

#include <gtest/gtest.h>

namespace doze::onchain {
namespace {

FeeTable quiet() {
  return {.in_2 = FeeratePerKw(4'000),
          .in_6 = FeeratePerKw(3'000),
          .in_12 = FeeratePerKw(2'000),
          .in_36 = FeeratePerKw(1'000),
          .in_144 = FeeratePerKw(500),
          .minimum = FeeratePerKw(253),
          .incremental = FeeratePerKw(250)};
}
/// A claim of 600 weight units whose budget is out of the way.
Terms rich(std::optional<BlockHeight> deadline = std::nullopt) {
  return {.budget = Sat(1'000'000), .weight = 600, .deadline = deadline};
}

TEST(Estimate, is_of_the_wait_that_the_deadline_leaves) {
  struct Row {
    std::optional<std::uint32_t> left;
    std::uint32_t wanted;
  };
  for (const auto& row :
       {Row{std::nullopt, 500}, Row{145, 500}, Row{144, 1'000}, Row{37, 1'000}, Row{36, 2'000}, Row{13, 2'000},
        Row{12, 3'000}, Row{7, 3'000}, Row{6, 4'000}, Row{4, 4'000}, Row{3, 5'000}, Row{0, 5'000}})
    EXPECT_EQ(estimate(quiet(), row.left), FeeratePerKw(row.wanted)) << row.left.value_or(9'999);
}

TEST(Estimate, is_never_below_what_the_mempool_takes) {
  auto fees = quiet();
  fees.minimum = FeeratePerKw(7'750);
  EXPECT_EQ(estimate(fees, std::nullopt), FeeratePerKw(8'138));
  fees.in_144.reset();
  EXPECT_EQ(estimate(fees, std::nullopt), FeeratePerKw(8'138));
}

TEST(Estimate, of_a_backend_that_knows_none_is_higher_when_time_is_short) {
  FeeTable none;
  EXPECT_EQ(estimate(none, std::nullopt), kBlindFeerate);
  EXPECT_EQ(estimate(none, 13), kBlindFeerate);
  EXPECT_EQ(estimate(none, 12), kBlindNear);
  // One that it has for another wait is better than none.
  none.in_144 = FeeratePerKw(900);
  EXPECT_EQ(estimate(none, 10), FeeratePerKw(900));
}

TEST(Feerate, of_a_claim_without_deadline_follows_the_estimate_upwards_only) {
  auto fees = quiet();
  Attempt last{FeeratePerKw(500), BlockHeight(100), BlockHeight(100)};
  EXPECT_EQ(feerate(fees, rich(), std::nullopt, BlockHeight(100)), FeeratePerKw(500));
  fees.in_144 = FeeratePerKw(624);
  EXPECT_EQ(feerate(fees, rich(), last, BlockHeight(101)), FeeratePerKw(500)) << "less than a quarter more";
  fees.in_144 = FeeratePerKw(625);
  EXPECT_EQ(feerate(fees, rich(), last, BlockHeight(101)), FeeratePerKw(625));
  fees.in_144 = FeeratePerKw(253);
  EXPECT_EQ(feerate(fees, rich(), last, BlockHeight(101)), FeeratePerKw(500));
}

TEST(Feerate, rises_by_a_quarter_each_third_block_in_the_second_half) {
  auto terms = rich(BlockHeight(200));
  Attempt last{FeeratePerKw(2'000), BlockHeight(100), BlockHeight(148)};
  EXPECT_EQ(feerate(quiet(), terms, last, BlockHeight(149)), FeeratePerKw(2'000)) << "first half";
  EXPECT_EQ(feerate(quiet(), terms, last, BlockHeight(150)), FeeratePerKw(2'000)) << "two blocks";
  EXPECT_EQ(feerate(quiet(), terms, last, BlockHeight(151)), FeeratePerKw(2'500));
}

TEST(Feerate, reaches_what_it_may_cost_in_its_last_block_and_stays_there) {
  auto terms = rich(BlockHeight(200));
  terms.budget = Sat(9'000);  // 15,000 per kw: below five times the estimate
  Attempt last{FeeratePerKw(2'000), BlockHeight(100), BlockHeight(193)};
  for (std::uint32_t height = 194; height <= 200; ++height) {
    auto next = feerate(quiet(), terms, last, BlockHeight(height));
    EXPECT_GT(next, last.feerate) << height;
    EXPECT_EQ(feerate(quiet(), terms, Attempt{next, last.first, BlockHeight(height)}, BlockHeight(height)), next)
        << "once per block";
    last = {next, last.first, BlockHeight(height)};
    if (next == FeeratePerKw(15'000)) break;
  }
  EXPECT_EQ(last.last, BlockHeight(199));
  EXPECT_EQ(feerate(quiet(), terms, last, BlockHeight(230)), FeeratePerKw(15'000));
}

TEST(Feerate, never_falls_whatever_estimates_budgets_and_heights_do) {
  std::uint64_t chance = 1;
  auto next = [&](std::uint64_t below) {
    chance = chance * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (chance >> 33) % below;
  };
  for (int run = 0; run < 500; ++run) {
    FeeTable fees = quiet();
    Terms terms{.budget = Sat(next(100'000)), .weight = 400 + next(8'000), .deadline = {}};
    if (next(4) != 0) terms.deadline = BlockHeight(static_cast<std::uint32_t>(100 + next(150)));
    std::optional<Attempt> last;
    for (std::uint32_t height = 100; height < 300; ++height) {
      fees.in_2 = FeeratePerKw(static_cast<std::uint32_t>(253 + next(60'000)));
      fees.in_144 = FeeratePerKw(static_cast<std::uint32_t>(253 + next(2'000)));
      fees.minimum = FeeratePerKw(static_cast<std::uint32_t>(next(5'000)));
      auto now = feerate(fees, terms, last, BlockHeight(height));
      ASSERT_GE(now, last ? last->feerate : FeeratePerKw(0));
      ASSERT_LE(now, std::max(last ? last->feerate : FeeratePerKw(0), kMaxFeerate));
      bool risen = !last || now > last->feerate;
      ASSERT_LE(risen ? terms.weight * now.value() / 1'000 : 0, terms.budget.value()) << "over its budget";
      last = Attempt{now, last ? last->first : BlockHeight(height),
                     last && last->feerate == now ? last->last : BlockHeight(height)};
    }
  }
}

TEST(Feerate, is_not_more_than_five_estimates_unless_three_blocks_are_left) {
  auto terms = rich(BlockHeight(200));
  EXPECT_EQ(highest(quiet(), terms, BlockHeight(150)), FeeratePerKw(20'000));
  EXPECT_EQ(highest(quiet(), terms, BlockHeight(197)), kMaxFeerate);
}

TEST(Replacement, pays_the_old_fee_and_its_own_relay) {
  EXPECT_EQ(replacement_fee(quiet(), 1'000, FeeratePerKw(5'000), Sat(1'000)), Sat(5'000));
  EXPECT_EQ(replacement_fee(quiet(), 1'000, FeeratePerKw(1'010), Sat(1'000)), Sat(1'250));
}

}  // namespace
}  // namespace doze::onchain
