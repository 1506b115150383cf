#include "effects/pages.h"

#include <gtest/gtest.h>

#include "effects/test/surroundings.h"

namespace doze {
namespace {

struct PagesTest : ::testing::Test {
  ByTime<std::uint64_t> first, second;
  std::size_t described = 0;

  static std::optional<std::uint64_t> read(ByteView bytes) {
    Reader in(bytes);
    auto out = in.u64();
    return in.done() ? std::optional(out) : std::nullopt;
  }
  std::variant<Value, CommandError> ask(std::uint32_t limit, std::optional<std::string> before) {
    auto row = [this](const std::uint64_t& key) {
      ++described;
      return Value().set("key", key);
    };
    auto write = [](std::uint64_t key) { return Writer().u64(key).take(); };
    return page_of("rows", command::Page{limit, std::move(before)}, [&](const std::optional<Place>& place) {
      return std::vector{page_source<std::uint64_t>(first, 1, place, write, read, row),
                         page_source<std::uint64_t>(second, 2, place, write, read, row)};
    });
  }
  /// The keys of all pages of this size, and how many pages there were.
  std::pair<std::vector<std::uint64_t>, std::size_t> all(std::uint32_t limit) {
    std::vector<std::uint64_t> keys;
    std::size_t pages = 0;
    std::optional<std::string> before;
    do {
      auto reply = std::get<Value>(ask(limit, before));
      const auto& rows = std::get<List>(reply.find("rows")->inner());
      EXPECT_LE(rows.size(), limit);
      for (const auto& row : rows) keys.push_back(test::number_of(row, "key"));
      auto next = test::text_of(reply, "next_before");
      before = next.empty() ? std::nullopt : std::optional(next);
      ++pages;
    } while (before && pages < 1'000);
    return {keys, pages};
  }
};

TEST_F(PagesTest, hold_each_row_once_the_newest_first_whatever_their_size) {
  std::vector<std::uint64_t> expected;
  for (std::uint64_t key = 60; key-- > 0;) {
    auto time = UnixTime(1'000 + key / 7);  // several of one second
    (key % 3 == 0 ? first : second).emplace(time, key);
  }
  std::set<std::tuple<UnixTime, int, std::uint64_t>> order;
  for (const auto& [time, key] : first) order.emplace(time, 1, key);
  for (const auto& [time, key] : second) order.emplace(time, 2, key);
  for (auto it = order.rbegin(); it != order.rend(); ++it) expected.push_back(std::get<2>(*it));
  for (std::uint32_t limit : {1U, 7U, 59U, 60U, 61U, 1'000U}) {
    auto [keys, pages] = all(limit);
    EXPECT_EQ(keys, expected) << limit;
    EXPECT_EQ(pages, (60 + limit - 1) / limit) << limit;
  }
}

TEST_F(PagesTest, are_moved_by_nothing_that_comes_or_goes_meanwhile_and_cost_their_own_rows) {
  for (std::uint64_t key = 0; key < 20; ++key) first.emplace(UnixTime(100 + key), key);
  auto page = std::get<Value>(ask(5, std::nullopt));
  EXPECT_EQ(described, 5U);
  auto before = test::text_of(page, "next_before");
  first.emplace(UnixTime(500), 77);
  first.erase({UnixTime(115), 15});  // the last row of that page
  page = std::get<Value>(ask(5, before));
  const auto& rows = std::get<List>(page.find("rows")->inner());
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(test::number_of(rows[0], "key"), 14U);
  EXPECT_EQ(described, 10U);
}

TEST_F(PagesTest, of_another_list_or_of_no_size_are_refused) {
  first.emplace(UnixTime(1), 1);
  for (const char* before : {"", "x", "1-", "1-zz", "-01", "1-01", "1-0100"})
    EXPECT_TRUE(std::holds_alternative<CommandError>(ask(5, before))) << before;
  for (std::uint32_t limit : {0U, command::kMaxPageRows + 1})
    EXPECT_TRUE(std::holds_alternative<CommandError>(ask(limit, std::nullopt))) << limit;
}

}  // namespace
}  // namespace doze
