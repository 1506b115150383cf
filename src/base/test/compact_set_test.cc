// The set of arrays holds what std::multiset holds.
#include "base/compact_set.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

namespace doze {
namespace {

struct Draw {
  std::uint64_t state = 11;
  std::uint64_t below(std::uint64_t limit) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 20) % limit;
  }
};

void expect_equal(const CompactSet<std::uint64_t>& compact, const std::multiset<std::uint64_t>& plain,
                  std::uint64_t first, std::uint64_t last) {
  ASSERT_EQ(compact.size(), plain.size());
  std::vector<std::uint64_t> wanted(plain.lower_bound(first), plain.upper_bound(last));
  ASSERT_EQ(compact.between(first, last), wanted) << first << " to " << last;
  ASSERT_EQ(compact.contains(first), plain.contains(first));
}

/// Few different values make chunks that begin and end with the same one.
void grow_and_shrink(std::uint64_t different) {
  Draw chance;
  CompactSet<std::uint64_t> compact;
  std::multiset<std::uint64_t> plain;
  for (int i = 0; i < 40'000; ++i) {
    auto value = chance.below(different);
    bool grows = chance.below(100) < (i < 20'000 ? 70U : 20U);
    if (grows) {
      compact.insert(value);
      plain.insert(value);
    } else {
      auto at = plain.find(value);
      ASSERT_EQ(compact.erase_one(value), at != plain.end());
      if (at != plain.end()) plain.erase(at);
    }
    auto first = chance.below(different);
    if (i % 16 == 0) expect_equal(compact, plain, first, first + chance.below(8));
  }
  expect_equal(compact, plain, 0, different);
}

TEST(CompactSet, holds_what_a_multiset_holds) {
  grow_and_shrink(1'000'000);
}

TEST(CompactSet, holds_one_value_many_times) {
  grow_and_shrink(3);
}

TEST(CompactSet, that_is_empty_has_nothing) {
  CompactSet<std::uint64_t> empty;
  EXPECT_FALSE(empty.contains(0));
  EXPECT_FALSE(empty.erase_one(0));
  EXPECT_TRUE(empty.between(0, UINT64_MAX).empty());
  empty.insert(5);
  EXPECT_TRUE(empty.erase_one(5));
  EXPECT_TRUE(empty.between(0, UINT64_MAX).empty());
}

}  // namespace
}  // namespace doze
