// The map of many maps does what one std::map does, in the same order.
#include "base/prefix_map.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace doze {
namespace {

using Key = std::array<std::uint8_t, 16>;
using Many = PrefixMap<Key, std::string, FirstBytes>;
using One = std::map<Key, std::string>;

struct Chance {
  std::uint64_t state = 7;
  std::uint64_t next() { return (state = state * 6364136223846793005ULL + 1442695040888963407ULL) >> 20; }
  Key key(std::uint64_t different) {
    Key out{};
    Chance own{next() % different};
    for (auto& byte : out) byte = static_cast<std::uint8_t>(own.next());
    return out;
  }
};

void expect_same(const Many& many, const One& one) {
  ASSERT_EQ(many.size(), one.size());
  ASSERT_EQ(many.empty(), one.empty());
  auto at = many.begin();
  for (const auto& [key, value] : one) {
    ASSERT_NE(at, many.end());
    EXPECT_EQ(at->first, key);
    EXPECT_EQ(at->second, value);
    ++at;
  }
  EXPECT_EQ(at, many.end());
}

TEST(PrefixMap, IsWhatOneMapIs) {
  Many many;
  One one;
  Chance chance;
  expect_same(many, one);
  for (int i = 0; i < 20'000; ++i) {
    auto key = chance.key(3'000);
    auto value = std::to_string(i);
    switch (chance.next() % 4) {
      case 0:
        EXPECT_EQ(many.emplace(key, value), one.try_emplace(key, value).second);
        break;
      case 1:
        many.insert_or_assign(key, value);
        one.insert_or_assign(key, value);
        break;
      case 2:
        EXPECT_EQ(many.erase(key), one.erase(key));
        break;
      default: {
        auto found = many.find(key);
        auto expected = one.find(key);
        ASSERT_EQ(found == many.end(), expected == one.end());
        if (expected != one.end()) {
          EXPECT_EQ(found->second, expected->second);
        }
      }
    }
    if (i % 1'000 == 0) expect_same(many, one);
  }
  expect_same(many, one);
}

TEST(PrefixMap, EntriesStayWhereTheyAre) {
  Many many;
  Key first{};
  many.emplace(first, "first");
  const auto* place = &*many.find(first);
  Chance chance;
  for (int i = 0; i < 5'000; ++i) many.emplace(chance.key(1U << 20), "");
  EXPECT_EQ(&*many.find(first), place);
}

TEST(PrefixMap, KeysThatAllBeginAlikeAreOnlySlower) {
  Many many;
  One one;
  for (std::uint8_t i = 0; i < 200; ++i) {
    Key key{};
    key[15] = i;
    many.emplace(key, std::to_string(i));
    one.emplace(key, std::to_string(i));
  }
  expect_same(many, one);
}

}  // namespace
}  // namespace doze
