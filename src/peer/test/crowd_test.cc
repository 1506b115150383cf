// Who goes when places are scarce.
#include "peer/crowd.h"

#include <gtest/gtest.h>

#include "effects/test/surroundings.h"

namespace doze::peer {
namespace {

TEST(Crowd, the_victim_is_of_the_largest_network) {
  test::CountingRng rng(1);
  Crowd crowd;
  crowd.add(1, 7);
  crowd.add(2, 8);
  crowd.add(3, 8);
  for (int i = 0; i < 50; ++i) EXPECT_NE(crowd.victim(rng), 1U);
  crowd.remove(2);
  crowd.remove(2);
  std::set<ConnectionId> victims;
  for (int i = 0; i < 50; ++i) victims.insert(crowd.victim(rng));
  EXPECT_EQ(victims, (std::set<ConnectionId>{1, 3}));  // two networks with one each
  crowd.remove(3);
  EXPECT_EQ(crowd.victim(rng), 1U);
  EXPECT_EQ(crowd.size(), 1U);
}

TEST(Crowd, newcomers_of_a_full_crowd_mostly_outlive_a_third_of_its_turnover) {
  // 1,024 places, 300 arrivals: someone who needs as long must mostly still be there.
  test::CountingRng rng(2);
  Crowd crowd;
  ConnectionId next = 1;
  auto arrive = [&] {
    if (crowd.size() == 1'024) crowd.remove(crowd.victim(rng));
    crowd.add(next++, 1);
    return next - 1;
  };
  while (crowd.size() < 1'024) arrive();
  int survived = 0;
  for (int round = 0; round < 200; ++round) {
    auto honest = arrive();
    for (int i = 0; i < 300; ++i) arrive();
    survived += crowd.contains(honest) ? 1 : 0;
  }
  EXPECT_GE(survived, 160);
}

}  // namespace
}  // namespace doze::peer
