// The flow disturbed at many places, one at a time, and whole runs under every kind of fault.
#include <gtest/gtest.h>

#include "sim/enumerate.h"
#include "sim/fault_run.h"

namespace doze::sim {
namespace {

// A part of what `doze_sim --enumerate` does in full: every seventh place, another seventh in each profile.
class Enumeration : public ::testing::TestWithParam<std::pair<Profile, std::size_t>> {};

TEST_P(Enumeration, flow_settles_wherever_it_is_disturbed) {
  auto [profile, offset] = GetParam();
  AsyncSettings settings;
  settings.profile = profile;
  auto start = flow_start(settings);
  ASSERT_FALSE(start.offer.empty());
  for (auto where : {Where::Messages, Where::BeforeCommits, Where::AfterCommits}) {
    auto places = disturbances(start, where, 7, offset);
    EXPECT_GT(places.size(), 4U);
    for (const auto& place : places) {
      auto result = run_flow(start, place);
      EXPECT_EQ(result.problems, std::vector<std::string>{});
      EXPECT_TRUE(result.settled) << place.text(*start.network.world);
    }
  }
}

TEST_P(Enumeration, flow_settles_or_ends_at_a_limit_when_blocks_come_at_a_bad_moment) {
  auto [profile, offset] = GetParam();
  AsyncSettings settings;
  settings.profile = profile;
  settings.hold_window_blocks = 12;
  auto start = flow_start(settings);
  ASSERT_FALSE(start.offer.empty());
  std::size_t settled = 0, ended = 0;
  for (const auto& place : disturbances(start, Where::Blocks, 51, offset)) {
    auto result = run_flow(start, place);
    EXPECT_EQ(result.problems, std::vector<std::string>{});
    (result.settled ? settled : ended) += 1;
  }
  EXPECT_GT(settled, 0U);
  EXPECT_GT(ended, 0U);
}

INSTANTIATE_TEST_SUITE_P(Profiles, Enumeration,
                         ::testing::Values(std::pair{Profile::Ldk, std::size_t{0}},
                                           std::pair{Profile::Draft, std::size_t{3}}),
                         [](const auto& info) {
                           return std::string(info.param.first == Profile::Ldk ? "Ldk" : "Draft");
                         });

TEST(FaultRun, same_seed_gives_the_same_trace_with_every_kind_of_fault) {
  for (std::uint64_t seed : {11, 12}) {
    auto a = fault_run(seed), b = fault_run(seed);
    EXPECT_EQ(a.trace_hash, b.trace_hash);
    EXPECT_EQ(a.story, b.story);
    EXPECT_EQ(a.problems, std::vector<std::string>{});
  }
}

}  // namespace
}  // namespace doze::sim
