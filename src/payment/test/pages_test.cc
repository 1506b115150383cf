// Lists in pages: newest first, every row once, and a page costs the same however long the list is.
#include "pages.h"
#include "payer.h"

namespace doze::payment::testing {
namespace {

TEST_F(Payer, payments_made_and_received_come_in_one_list_by_time) {
  for (int i = 0; i < 4; ++i) {
    Incoming received;
    received.htlc = {channel_id(1), static_cast<std::uint64_t>(i)};
    received.payment_hash = hash(static_cast<std::uint8_t>(i));
    received.received_at = s.wall;
    received.amount = Msat(i % 2 == 0 ? 1 : 5'000);
    received.state = i % 2 == 0 ? IncomingState::Claiming : IncomingState::Settled;
    if (received.state == IncomingState::Claiming)
      s.room.inside->incoming.add(received);
    else
      s.rows[{Table::EndedPayment, s.room.inside->received.key(s.wall, key_of(received.htlc))}] =
          record(received).value;
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

}  // namespace
}  // namespace doze::payment::testing
