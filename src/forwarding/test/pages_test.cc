// The lists of forwards and holds in pages: newest first, every row once.
#include "payment/test/pages.h"
#include "holds.h"

namespace doze::forwarding::testing {
namespace {

using payment::testing::listed;
using payment::testing::paged;

TEST_F(Holds, forwards_and_holds_come_in_pages_the_newest_first_and_each_once) {
  for (std::uint64_t id = 0; id < 7; ++id) {
    receive(htlc(id));
    if (id % 2 == 1) l.pass(1'000);  // two of a second
  }
  release(1);
  l.step(HtlcFulfilled{origin(1), channel_id(2), 0, preimage(1)});
  l.command(command::FailHold{channel_id(1), 4});
  for (std::uint32_t limit : {1, 2, 3, 7, 100}) {
    std::vector<std::uint64_t> forwards, holds;
    for (const auto& row : paged<command::ListForwards>(l, "forwards", limit))
      forwards.push_back(number_of(row, "htlc_id"));
    for (const auto& row : paged<command::ListHolds>(l, "holds", limit)) holds.push_back(number_of(row, "htlc_id"));
    EXPECT_EQ(forwards, (std::vector<std::uint64_t>{6, 5, 4, 3, 2, 1, 0})) << limit;
    EXPECT_EQ(holds, (std::vector<std::uint64_t>{6, 5, 3, 2, 0})) << limit;
  }
}

TEST_F(Holds, a_page_goes_on_where_the_last_one_ended_although_rows_came_and_went) {
  for (std::uint64_t id = 0; id < 5; ++id) {
    receive(htlc(id));
    l.pass(1'000);
  }
  auto first = listed(l, command::ListHolds{{2, std::nullopt}}, "holds");
  ASSERT_EQ(first.rows.size(), 2U);
  EXPECT_EQ(number_of(first.rows[1], "htlc_id"), 3U);
  receive(htlc(5));
  l.command(command::FailHold{channel_id(1), 3});
  l.command(command::FailHold{channel_id(1), 1});
  auto second = listed(l, command::ListHolds{{2, first.next_before}}, "holds");
  ASSERT_EQ(second.rows.size(), 2U);
  EXPECT_EQ(number_of(second.rows[0], "htlc_id"), 2U);
  EXPECT_EQ(number_of(second.rows[1], "htlc_id"), 0U);
  EXPECT_EQ(second.next_before, std::nullopt);
}

TEST_F(Holds, a_page_that_cannot_be_read_is_a_bad_request) {
  receive(htlc(0));
  receive(htlc(1));
  auto next = *listed(l, command::ListForwards{{1, std::nullopt}}, "forwards").next_before;
  auto error = [&](std::uint32_t limit, std::optional<std::string> before) {
    auto reply = of<Reply>(l.command(command::ListForwards{{limit, std::move(before)}})).at(0);
    const auto* error = std::get_if<CommandError>(&reply.result);
    return error == nullptr ? std::string() : std::string(name(error->code));
  };
  EXPECT_EQ(error(1, next), "");
  EXPECT_EQ(error(0, std::nullopt), "bad_request");
  EXPECT_EQ(error(command::kMaxPageRows, std::nullopt), "");
  EXPECT_EQ(error(command::kMaxPageRows + 1, std::nullopt), "bad_request");
  for (std::size_t size = 0; size < next.size(); ++size) EXPECT_EQ(error(1, next.substr(0, size)), "bad_request");
  for (const char* text : {"-", "5-", "-00", "x-00", "5-00", "5-zz", "99999999999999999999-00", "2026-11-30"})
    EXPECT_EQ(error(1, text), "bad_request") << text;
}

}  // namespace
}  // namespace doze::forwarding::testing
