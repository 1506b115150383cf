// Lists in pages: newest first, every row once, and a page costs the same however long the list is.
#include <chrono>

#include "holds.h"
#include "payer.h"

namespace doze::payment::testing {
namespace {

struct Listed {
  List rows;
  std::optional<std::string> next_before;
};
Listed listed(FakeNode& node, const command::Command& command, const char* name) {
  auto reply = of<Reply>(node.command(command)).at(0);
  const auto* value = std::get_if<Value>(&reply.result);
  if (value == nullptr) return {};
  Listed out{std::get<List>(value->find(name)->inner()), std::nullopt};
  if (value->find("next_before") != nullptr) out.next_before = text_of(*value, "next_before");
  return out;
}
/// All rows of a list, a page after the other.
template <class Command>
std::vector<Value> paged(FakeNode& node, const char* name, std::uint32_t limit) {
  std::vector<Value> out;
  command::Page page{limit, std::nullopt};
  for (int pages = 0; pages < 1'000; ++pages) {
    auto next = listed(node, Command{page}, name);
    EXPECT_LE(next.rows.size(), limit);
    EXPECT_TRUE(!next.next_before || next.rows.size() == limit);
    out.insert(out.end(), next.rows.begin(), next.rows.end());
    if (!next.next_before) return out;
    page.before = next.next_before;
  }
  ADD_FAILURE() << "there is no end";
  return out;
}

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

TEST_F(Payer, payments_made_and_received_come_in_one_list_by_time) {
  for (int i = 0; i < 4; ++i) {
    Incoming received;
    received.htlc = {channel_id(1), static_cast<std::uint64_t>(i)};
    received.payment_hash = hash(static_cast<std::uint8_t>(i));
    received.received_at = s.wall;
    received.amount = Msat(i % 2 == 0 ? 1 : 5'000);
    s.room.inside->incoming.add(received);
    s.pass(i < 2 ? 1'000 : 0);
    pay();
  }
  s.command(command::CancelPayment{id});
  for (std::uint32_t limit : {1, 3, 5, 8}) {
    std::string last = "9999";
    std::set<std::string> ids;
    auto rows = paged<command::ListPayments>(s, "payments", limit);
    EXPECT_EQ(rows.size(), 8U);
    for (const auto& row : rows) {
      EXPECT_LE(text_of(row, "created_at"), last);
      last = text_of(row, "created_at");
      ids.insert(text_of(row, "direction") + text_of(row, "payment_id") + text_of(row, "payment_hash"));
    }
    EXPECT_EQ(ids.size(), 8U);
  }
}

TEST_F(Payer, invoices_come_by_the_time_at_which_they_were_made) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    command::CreateInvoice command;
    command.amount = Msat(1'000'000);
    command.expiry_s = 10'000 - i * 1'000;  // they end in another order
    auto reply = of<Reply>(s.command(command)).at(0);
    made.insert(made.begin(), text_of(std::get<Value>(reply.result), "invoice"));
    s.pass(1'000);
  }
  std::vector<std::string> shown;
  for (const auto& row : paged<command::ListInvoices>(s, "invoices", 2)) shown.push_back(text_of(row, "invoice"));
  EXPECT_EQ(shown, made);
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
}  // namespace doze::payment::testing
